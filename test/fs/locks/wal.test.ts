// The rules for a WAL database: READ marks, WRITE, CKPT, RECOVER, and turns at the gate.
import { expect, test } from 'vitest';
import { threeWalClients } from './simulation.ts';

test('opening a WAL database is never gated: PENDING and SHARED are granted behind a writer', () => {
  const { world, a } = threeWalClients();
  a.beginWalWrite();
  const newcomer = world.client(9);
  expect(newcomer.beginRead()).toBe('locked');
});

test('a newcomer is held at its READ mark while somebody writes', () => {
  const { world, a, b } = threeWalClients();
  a.beginWalWrite();
  expect(b.lock('READ1', 'read')).toBe('waiting');
  world.pass(2000);
  a.endWalWrite();
  expect(b.outcome).toBe('locked');
  expect(b.lock('WRITE', 'write')).toBe('locked');
});

test('a READ mark given back within 2 ms of a gated grant keeps its turn, and is no read transaction', () => {
  const { world, a, b, c } = threeWalClients();
  a.beginWalWrite();
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
  const { world, a, b, c } = threeWalClients();
  a.beginWalWrite();
  b.lock('READ1', 'read');
  c.lock('READ1', 'read');
  a.endWalWrite();
  b.unlock('READ1');
  world.pass(1.9);
  expect(c.outcome).toBe('waiting');
  world.pass(0.2);
  expect(c.outcome).toBe('locked');
});

test('a turn lasts as long as SQLite sleeps before its next try: who has lost many turns does not lose them for ever', () => {
  const { world, a, b, c } = threeWalClients();
  const loseTurns = () => {
    let turns = 0;
    a.beginWalWrite();
    b.lock('READ1', 'read');
    for (let sleepMs = 2.5; sleepMs < 50; sleepMs *= 1.27) {
      const [writer, next] = turns++ % 2 === 0 ? [a, c] : [c, a];
      expect(next.lock('READ1', 'read')).toBe('waiting');
      writer.endWalWrite();
      expect(b.outcome).toBe('locked');
      b.unlock('READ1');
      world.pass(sleepMs);
      if (next.outcome === 'waiting') return turns;
      next.lock('WRITE', 'write');
      b.lock('READ1', 'read');
    }
    return turns;
  };
  expect(loseTurns()).toBe(2);
  expect(b.lock('READ1', 'read')).toBe('locked');
  expect(b.lock('WRITE', 'write')).toBe('locked');
});

test('a turn waits for a thread that is in the middle of its work', () => {
  const { world, a, b, c } = threeWalClients();
  a.beginWalWrite();
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

test('a writer that asks for WRITE before its READ mark (SQLITE_ENABLE_SETLK_TIMEOUT) stands in the same line', () => {
  const { world, a, b, c } = threeWalClients();
  a.beginWalWrite();
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

test('the second mark of a process that holds one is granted at once', () => {
  const { a, b } = threeWalClients();
  b.lock('READ1', 'read');
  a.lock('READ1', 'read');
  b.lock('WRITE', 'write');
  expect(b.lock('READ2', 'read')).toBe('locked');
});

test('a reader that stays in its transaction neither blocks writers nor holds newcomers back for long', () => {
  const { world, a, b, c } = threeWalClients();
  a.lock('READ1', 'read');
  world.pass(60_000);
  expect(b.walWrite()).toBe('locked');
  expect(c.walWrite()).toBe('locked');
});

test('WRITE is waited for 50 ms by an owner that holds a READ mark', () => {
  const { world, a, b } = threeWalClients();
  a.lock('READ1', 'read');
  world.pass(60);
  b.lock('READ1', 'read');
  a.lock('WRITE', 'write');
  expect(b.lock('WRITE', 'write')).toBe('waiting');
  world.pass(51);
  expect(b.outcome).toBe('busy');
});

test('WRITE is refused at once to an owner with a READ mark while the holder checkpoints', () => {
  const { world, a, b } = threeWalClients();
  b.lock('READ1', 'read');
  world.pass(60);
  a.lock('CKPT', 'write');
  a.lock('WRITE', 'write');
  expect(b.lock('WRITE', 'write')).toBe('busy');
});

test('recovery and checkpoints wait for WRITE to the limit', () => {
  const { world, a, b, c } = threeWalClients();
  a.beginWalWrite();
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
  const { a, b } = threeWalClients();
  a.lock('WRITE', 'write');
  a.lock('CKPT_AND_RECOVER', 'write');
  for (const name of ['WRITE', 'CKPT', 'RECOVER'] as const) expect(b.lock(name, 'read')).toBe('busy');
});

test('READ exclusive, CKPT, RECOVER, their range and DMS are answered at once', () => {
  const { world, a, b } = threeWalClients();
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
  const { a, b } = threeWalClients();
  a.lock('READ1', 'write');
  expect(b.lock('READ1', 'read')).toBe('busy');
  expect(b.lock('READ2', 'read')).toBe('locked');
});

test('a closing connection is refused EXCLUSIVE at once, and holds newcomers while it has it', () => {
  const { world, a, b, c } = threeWalClients();
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
  const { world, a, b, c } = threeWalClients();
  a.beginWalWrite();
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
  const { world, a, b } = threeWalClients();
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
  const { a, b } = threeWalClients();
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
  const { world, a, b } = threeWalClients();
  a.lock('READ1', 'read');
  world.pass(60);
  b.walWrite();
  a.lock('WRITE', 'write');
  expect(world.manager.counters.staleSnapshots).toBe(1);
});
