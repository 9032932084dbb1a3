// The rules for a WAL database, row by row.
import { expect, test } from 'vitest';
import { type Client, Simulation } from './simulation.ts';

function walWorld(clients: number): { world: Simulation; clients: Client[] } {
  const world = new Simulation();
  world.journals.set('app.db', 'wal');
  const all = Array.from({ length: clients }, (_, n) => world.client(n + 1));
  for (const client of all) client.connectWal();
  return { world, clients: all };
}

/** Three clients are what most of the tests need. */
function three(): { world: Simulation; a: Client; b: Client; c: Client } {
  const { world, clients } = walWorld(3);
  const [a, b, c] = clients;
  if (!a || !b || !c) throw new Error('three clients were asked for');
  return { world, a, b, c };
}

test('opening a WAL database is never gated: PENDING and SHARED are granted behind a writer', () => {
  const { world, a } = three();
  a.lock('READ1', 'read');
  a.lock('WRITE', 'write');
  const newcomer = world.client(9);
  expect(newcomer.beginRead()).toBe('locked');
});

test('a newcomer is held at its READ mark while somebody writes', () => {
  const { world, a, b } = three();
  a.lock('READ1', 'read');
  a.lock('WRITE', 'write');
  expect(b.lock('READ1', 'read')).toBe('waiting');
  world.pass(2000);
  a.endWalWrite();
  expect(b.outcome).toBe('locked');
  expect(b.lock('WRITE', 'write')).toBe('locked');
});

test('a READ mark given back within 2 ms of a gated grant keeps its turn, and is no read transaction', () => {
  const { world, a, b, c } = three();
  a.lock('READ1', 'read');
  a.lock('WRITE', 'write');
  b.lock('READ1', 'read');
  c.lock('READ1', 'read');
  a.endWalWrite();
  expect(b.outcome).toBe('locked');
  world.pass(1);
  b.unlock('READ1'); // the WAL header has changed: SQLite looks again
  expect(c.outcome).toBe('waiting');
  expect(b.lock('READ2', 'read')).toBe('locked');
  expect(b.lock('WRITE', 'write')).toBe('locked');
  expect(c.outcome).toBe('waiting');
  b.unlock('WRITE');
  b.unlock('READ2');
  expect(c.outcome).toBe('locked');
});

test('a turn that is not used goes to the next after 2 ms', () => {
  const { world, a, b, c } = three();
  a.lock('READ1', 'read');
  a.lock('WRITE', 'write');
  b.lock('READ1', 'read');
  c.lock('READ1', 'read');
  a.endWalWrite();
  b.unlock('READ1');
  world.pass(1.9);
  expect(c.outcome).toBe('waiting');
  world.pass(0.2);
  expect(c.outcome).toBe('locked');
});

test('a turn waits for a thread that is in the middle of its work', () => {
  const { world, a, b, c } = three();
  a.lock('READ1', 'read');
  a.lock('WRITE', 'write');
  b.lock('READ1', 'read');
  c.lock('READ1', 'read');
  world.running.add(b.tid);
  a.endWalWrite();
  world.pass(30);
  b.unlock('READ1');
  world.pass(60);
  expect(c.outcome).toBe('waiting');
  expect(b.lock('READ2', 'read')).toBe('locked');
  expect(b.lock('WRITE', 'write')).toBe('locked');
  expect(c.outcome).toBe('waiting');
});

test('READ marks given back for a changed header prove no reader, however slowly it happens', () => {
  const { world, a, b } = three();
  for (let n = 0; n < 20; n++) {
    a.lock('READ1', 'read');
    a.lock('WRITE', 'write');
    expect(b.lock('READ1', 'read')).toBe('waiting');
    a.endWalWrite();
    world.pass(20);
    expect(b.outcome).toBe('locked');
    b.unlock('READ1');
    world.pass(20);
  }
});

test('a writer that asks for WRITE before its READ mark (SQLITE_ENABLE_SETLK_TIMEOUT) stands in the same line', () => {
  const { world, a, b, c } = three();
  a.lock('READ1', 'read');
  a.lock('WRITE', 'write');
  expect(b.lock('READ1', 'read')).toBe('waiting');
  expect(c.lock('WRITE', 'write')).toBe('waiting');
  a.endWalWrite();
  expect(b.outcome).toBe('locked');
  expect(c.outcome).toBe('waiting'); // b has begun and may write: taking WRITE now would make its snapshot stale
  world.pass(1);
  expect(b.lock('WRITE', 'write')).toBe('locked');
  b.endWalWrite();
  expect(c.outcome).toBe('locked');
  expect(a.lock('READ1', 'read')).toBe('waiting');
  expect(c.lock('READ2', 'read')).toBe('locked'); // its own lock is in nobody's line
});

test('a writer that asks for WRITE before its READ mark is never taken for a reader', () => {
  const { a, b, c } = three();
  for (let n = 0; n < 20; n++) {
    expect(a.lock('WRITE', 'write')).toBe('locked');
    a.lock('READ1', 'read');
    a.endWalWrite();
  }
  b.lock('READ1', 'read');
  b.lock('WRITE', 'write');
  expect(a.lock('READ1', 'read')).toBe('waiting');
  expect(c.lock('WRITE', 'write')).toBe('waiting');
});

test('the second mark of a process that holds one is granted at once', () => {
  const { a, b } = three();
  b.lock('READ1', 'read');
  a.lock('READ1', 'read');
  b.lock('WRITE', 'write');
  expect(b.lock('READ2', 'read')).toBe('locked');
});

test('a reader that stays in its transaction neither blocks writers nor holds newcomers back for long', () => {
  const { world, a, b, c } = three();
  a.lock('READ1', 'read');
  world.pass(60_000);
  expect(b.walWrite()).toBe('locked');
  expect(c.walWrite()).toBe('locked');
});

test('WRITE is waited for 50 ms by an owner that holds a READ mark', () => {
  const { world, a, b } = three();
  a.lock('READ1', 'read');
  world.pass(60);
  b.lock('READ1', 'read');
  a.lock('WRITE', 'write');
  expect(b.lock('WRITE', 'write')).toBe('waiting');
  world.pass(51);
  expect(b.outcome).toBe('busy');
});

test('WRITE is refused at once to an owner with a READ mark while the holder checkpoints', () => {
  const { world, a, b } = three();
  b.lock('READ1', 'read');
  world.pass(60);
  a.lock('CKPT', 'write');
  a.lock('WRITE', 'write');
  expect(b.lock('WRITE', 'write')).toBe('busy');
});

test('recovery and checkpoints wait for WRITE to the limit', () => {
  const { world, a, b, c } = three();
  a.lock('READ1', 'read');
  a.lock('WRITE', 'write');
  b.lock('CKPT', 'write');
  expect(b.lock('WRITE', 'write')).toBe('waiting');
  expect(c.lock('WRITE', 'write')).toBe('waiting');
  world.pass(4000);
  a.endWalWrite();
  expect(b.outcome).toBe('locked');
  expect(c.outcome).toBe('waiting');
  b.unlock('WRITE');
  expect(c.outcome).toBe('locked');
});

test('WRITE, CKPT and RECOVER shared are answered at once', () => {
  const { a, b } = three();
  a.lock('WRITE', 'write');
  a.lock('CKPT_AND_RECOVER', 'write');
  for (const name of ['WRITE', 'CKPT', 'RECOVER'] as const) expect(b.lock(name, 'read')).toBe('busy');
});

test('READ exclusive, CKPT, RECOVER, their range and DMS are answered at once', () => {
  const { world, a, b } = three();
  a.lock('READ1', 'read');
  world.pass(60);
  a.lock('CKPT', 'write');
  a.lock('RECOVER', 'write');
  expect(b.lock('READ1', 'write')).toBe('busy');
  expect(b.lock('CKPT', 'write')).toBe('busy');
  expect(b.lock('RECOVER', 'write')).toBe('busy');
  expect(b.lock('CKPT_AND_RECOVER', 'write')).toBe('busy');
  expect(b.lock('DMS', 'write')).toBe('busy');
});

test('READ shared against an exclusive holder is answered at once: SQLite takes another mark', () => {
  const { a, b } = three();
  a.lock('READ1', 'write');
  expect(b.lock('READ1', 'read')).toBe('busy');
  expect(b.lock('READ2', 'read')).toBe('locked');
});

test('a closing connection is refused EXCLUSIVE at once, and holds newcomers while it has it', () => {
  const { world, a, b, c } = three();
  expect(a.lock('SHARED', 'write')).toBe('busy');
  expect(a.lock('PENDING', 'write')).toBe('locked');
  expect(a.lock('SHARED', 'write')).toBe('busy');
  a.unlock('PENDING');
  b.close();
  c.close();
  expect(a.lock('SHARED', 'write')).toBe('locked');
  a.lock('PENDING', 'write');
  const newcomer = world.client(9);
  expect(newcomer.beginRead()).toBe('waiting');
  a.close();
  expect(newcomer.outcome).toBe('locked');
});

test('a connection that closes beside a writer does not end the wait of those who stand behind that writer', () => {
  const { world, a, b, c } = three();
  a.lock('READ1', 'read');
  a.lock('WRITE', 'write');
  world.pass(60);
  expect(b.lock('READ1', 'read')).toBe('waiting');
  expect(c.lock('PENDING', 'write')).toBe('locked');
  expect(c.lock('SHARED', 'write')).toBe('busy');
  c.close();
  expect(b.outcome).toBe('waiting');
  a.endWalWrite();
  expect(b.outcome).toBe('locked');
});

test('RESTART polls the readers: a reader that wants to write is refused at once instead of keeping it waiting', () => {
  const { world, a, b } = three();
  b.lock('READ1', 'read');
  world.pass(60);
  a.lock('CKPT', 'write');
  a.lock('WRITE', 'write');
  expect(a.lock('RESET', 'write')).toBe('busy');
  expect(b.lock('WRITE', 'write')).toBe('busy');
  b.unlock('READ1');
  expect(a.lock('RESET', 'write')).toBe('locked');
});

test('a WAL restart is refused while another thread checkpoints, and so is the reverse', () => {
  const { a, b } = three();
  a.lock('CKPT', 'write');
  expect(b.lock('RESET', 'write')).toBe('busy');
  a.unlock('CKPT');
  expect(b.lock('RESET', 'write')).toBe('locked');
  expect(a.lock('CKPT', 'write')).toBe('busy');
  b.unlock('RESET');
  expect(a.lock('CKPT', 'write')).toBe('locked');
  a.tid = 77; // another thread of the same process
  expect(a.lock('RESET', 'write')).toBe('busy');
  a.tid = a.pid; // RESTART and TRUNCATE: the thread that checkpoints
  expect(a.lock('RESET', 'write')).toBe('locked');
});

test('a stale snapshot is counted when its owner asks for WRITE', () => {
  const { world, a, b } = three();
  a.lock('READ1', 'read');
  world.pass(60);
  b.walWrite();
  a.lock('WRITE', 'write');
  expect(world.manager.counters.staleSnapshots).toBe(1);
});

test('the owner of a slice comes back before the line, and the line is served when the slice is over', () => {
  const { world, a, b } = three();
  const transaction = () => {
    const outcome = a.lock('READ1', 'read');
    if (outcome === 'locked') a.lock('WRITE', 'write');
    return outcome;
  };
  a.walWrite();
  world.pass(0.1);
  expect(transaction()).toBe('locked');
  expect(b.lock('READ1', 'read')).toBe('waiting');
  a.endWalWrite();
  world.pass(0.1);
  expect(transaction()).toBe('locked'); // within the slice
  expect(b.outcome).toBe('waiting');
  world.pass(world.manager.limits.sliceMs);
  a.endWalWrite();
  expect(b.outcome).toBe('locked');
});

test('an owner that does not come back at once costs the line no more than the gap', () => {
  const { world, a, b } = three();
  a.walWrite();
  world.pass(0.1);
  a.lock('READ1', 'read');
  a.lock('WRITE', 'write');
  b.lock('READ1', 'read');
  a.endWalWrite();
  expect(b.outcome).toBe('waiting');
  world.pass(world.manager.limits.sliceGapMs + 0.01);
  expect(b.outcome).toBe('locked');
});

test('an owner on its way back is waited for until its slice ends', () => {
  const { world, a, b } = three();
  a.walWrite();
  a.lock('READ1', 'read');
  a.lock('WRITE', 'write');
  b.lock('READ1', 'read');
  a.endWalWrite();
  world.running.add(a.tid);
  world.pass(world.manager.limits.sliceMs - 0.1);
  expect(b.outcome).toBe('waiting');
  world.pass(0.2);
  expect(b.outcome).toBe('locked');
});

test('an owner whose slice ended before it could come back is waited for in its next slice', () => {
  const { world, a, b } = three();
  a.walWrite();
  a.lock('READ1', 'read');
  a.lock('WRITE', 'write');
  b.lock('READ1', 'read');
  world.pass(world.manager.limits.sliceMs - 0.5);
  a.endWalWrite();
  expect(b.outcome).toBe('waiting');
  world.pass(0.6);
  expect(b.outcome).toBe('locked');
  b.lock('WRITE', 'write');
  b.endWalWrite();
  a.lock('READ1', 'read');
  a.lock('WRITE', 'write');
  b.lock('READ1', 'read');
  a.endWalWrite();
  expect(b.outcome).toBe('waiting');
});

test('an owner that did not come back is not waited for the next times', () => {
  const { world, a, b } = three();
  const handOverMs = () => {
    expect(a.lock('READ1', 'read')).toBe('locked');
    a.lock('WRITE', 'write');
    b.lock('READ1', 'read');
    const startMs = world.nowMs;
    a.endWalWrite();
    while (b.outcome === 'waiting') world.pass(0.1);
    const tookMs = world.nowMs - startMs;
    b.lock('WRITE', 'write');
    b.endWalWrite();
    world.pass(60);
    return tookMs;
  };
  a.walWrite();
  world.pass(20);
  expect(handOverMs()).toBeGreaterThan(1);
  expect([handOverMs(), handOverMs()]).toEqual([0, 0]);
  expect(handOverMs()).toBeGreaterThan(1); // tried again
  expect([handOverMs(), handOverMs(), handOverMs(), handOverMs()]).toEqual([0, 0, 0, 0]);
});

test('proved readers are not held beside a writer', () => {
  const { world, a, b } = three();
  for (let reads = 0; reads < 16; reads++) {
    b.lock('READ1', 'read');
    world.pass(3);
    b.unlock('READ1');
  }
  const waits = world.manager.counters.waits;
  for (let writes = 0; writes < 20; writes++) {
    a.lock('READ1', 'read');
    a.lock('WRITE', 'write');
    expect(b.lock('READ1', 'read')).toBe('locked');
    b.unlock('READ1');
    a.endWalWrite();
    world.pass(50);
  }
  expect(world.manager.counters.waits).toBe(waits);
});
