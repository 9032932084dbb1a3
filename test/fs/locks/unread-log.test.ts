// A write-ahead log that the archive process has not read may not be begun anew: who checkpoints waits for that, and so
// does a writer whose log has grown long. Nobody waits for ever.
import { expect, test } from 'vitest';
import { defaultLockLimits } from '../../../fs/locks/limits.ts';
import { type Client, type Simulation, threeWalClients } from './simulation.ts';

const { unreadCheckpointMs, unreadRestartMs, unreadLogBytes, unreadPauseMs, autoCheckpointMs, shortMs } =
  defaultLockLimits;
const shortLog = 4096;
const longLog = unreadLogBytes + 1;

/** Up to the restart of the log, as sqlite3WalCheckpoint() of wal.c does it. */
function checkpoint(client: Client): void {
  expect([client.lock('CKPT', 'write'), client.lock('WRITE', 'write')]).toEqual(['locked', 'locked']);
}

function clientsWithLog(bytes: number): ReturnType<typeof threeWalClients> {
  const clients = threeWalClients();
  clients.world.unreadWalBytes = bytes;
  return clients;
}

const waiters = ({ manager, nowMs }: Simulation) => manager.snapshot(nowMs)[0]?.waiters;

test('a checkpoint waits, has the archive process told at once, and goes on as soon as the log was read', () => {
  const { world, a } = clientsWithLog(shortLog);
  checkpoint(a);
  expect([a.lock('RESET', 'write'), world.hurries]).toEqual(['waiting', 1]);
  world.pass(300);
  expect(a.outcome).toBe('waiting');
  world.unreadWalBytes = 0;
  world.pass(2);
  expect([a.outcome, world.hurries]).toEqual(['locked', 1]);
  expect(world.manager.size.waiting).toBe(0);
});

test('at its limit a checkpoint is busy, and its busy handler does not wait for the archive again', () => {
  const { world, a } = clientsWithLog(shortLog);
  checkpoint(a);
  a.lock('RESET', 'write');
  world.pass(unreadCheckpointMs - 1);
  expect(a.outcome).toBe('waiting');
  world.pass(1);
  expect(a.outcome).toBe('busy');
  world.pass(100);
  expect(a.lock('RESET', 'write')).toBe('busy');
});

test('a process with other connections to the database waits as long: the archive process needs none of its locks', () => {
  const { world, a } = clientsWithLog(shortLog);
  world.manager.open(world.file('app.db', 'database'), 901, a.pid, false);
  checkpoint(a);
  a.lock('RESET', 'write');
  world.pass(2 * shortMs);
  expect(a.outcome).toBe('waiting');
  world.unreadWalBytes = 0;
  world.pass(2);
  expect(a.outcome).toBe('locked');
});

test('a writer with a short log is refused at once, and appends', () => {
  const { world, a } = clientsWithLog(shortLog);
  a.beginWalWrite();
  expect([a.lock('RESET', 'write'), world.hurries]).toEqual(['busy', 0]);
  world.unreadWalBytes = 0;
  expect(a.lock('RESET', 'write')).toBe('locked');
});

test('a writer with a long log waits a little: so the log of one that never pauses stays short', () => {
  const { world, a } = clientsWithLog(longLog);
  a.beginWalWrite();
  expect([a.lock('RESET', 'write'), world.hurries]).toEqual(['waiting', 1]);
  world.pass(5);
  world.unreadWalBytes = 0;
  world.pass(2);
  expect(a.outcome).toBe('locked');
  a.unlock('RESET');
  a.endWalWrite();

  world.unreadWalBytes = longLog;
  a.beginWalWrite();
  a.lock('RESET', 'write');
  world.pass(unreadRestartMs);
  expect(a.outcome).toBe('busy');
});

test('an archive process that never reads costs a writer little: after each wait in vain it is not waited for', () => {
  const { world, a } = clientsWithLog(longLog);
  let waitedMs = 0;
  const seconds = 20;
  for (const endMs = world.nowMs + seconds * 1000; world.nowMs < endMs; ) {
    expect(a.beginWalWrite()).toBe('locked');
    const askedMs = world.nowMs;
    a.lock('RESET', 'write');
    while (a.outcome === 'waiting') world.pass(1);
    waitedMs += world.nowMs - askedMs;
    expect(a.outcome).toBe('busy');
    a.endWalWrite();
    world.pass(1);
  }
  expect(waitedMs).toBeGreaterThan(seconds * 10);
  expect(waitedMs).toBeLessThan(seconds * 50);

  // Once it reads again, it is waited for as before.
  world.pass(16 * unreadPauseMs);
  for (let round = 0; round < 2; round++) {
    world.unreadWalBytes = longLog;
    a.beginWalWrite();
    expect(a.lock('RESET', 'write')).toBe('waiting');
    world.unreadWalBytes = 0;
    world.pass(2);
    expect(a.outcome).toBe('locked');
    a.unlock('RESET');
    a.endWalWrite();
  }
});

/** A commit that finds a long log, and is not granted its restart. */
function waitInVain(world: Simulation, client: Client): void {
  client.beginWalWrite();
  expect(client.lock('RESET', 'write')).toBe('waiting');
  world.pass(unreadRestartMs);
  expect(client.outcome).toBe('busy');
  client.endWalWrite();
}

test('while nobody waits for the archive, the checkpoint that SQLite makes after each commit is refused', () => {
  const { world, a } = clientsWithLog(longLog);
  waitInVain(world, a);
  for (let commits = 0; commits < 3; commits++) {
    expect(a.lock('CKPT', 'write')).toBe('busy');
    a.beginWalWrite();
    a.endWalWrite();
  }
  // The restart is tried again, and a checkpoint comes before it.
  world.pass(unreadPauseMs);
  a.beginWalWrite();
  a.endWalWrite();
  expect(a.lock('CKPT', 'write')).toBe('locked');
});

test('a checkpoint that a program asks for itself is never refused for the archive, but for its restart', () => {
  const { world, a, b } = clientsWithLog(longLog);
  waitInVain(world, a);
  // It has written, and long ago.
  world.pass(autoCheckpointMs + 1);
  expect(a.lock('CKPT', 'write')).toBe('locked');
  a.unlock('CKPT');
  // It has not written.
  expect(b.lock('CKPT', 'write')).toBe('locked');
  b.unlock('CKPT');
  // It asks behind SQLite's own.
  a.beginWalWrite();
  a.endWalWrite();
  expect([a.lock('CKPT', 'write'), a.lock('CKPT', 'write')]).toEqual(['busy', 'locked']);
});

test('a log that was read meanwhile is checkpointed at once', () => {
  const { world, a } = clientsWithLog(longLog);
  waitInVain(world, a);
  world.unreadWalBytes = 0;
  expect(a.lock('CKPT', 'write')).toBe('locked');
});

test('a reader that comes meanwhile ends the wait: SQLite appends', () => {
  const { world, a, b } = clientsWithLog(longLog);
  for (let reads = 0; reads < defaultLockLimits.readerProof; reads++) {
    b.lock('READ1', 'read');
    b.unlock('READ1');
  }
  a.beginWalWrite();
  expect(a.lock('RESET', 'write')).toBe('waiting');
  expect(b.lock('READ2', 'read')).toBe('locked');
  world.pass(2);
  expect(a.outcome).toBe('busy');
});

test('a checkpoint that begins meanwhile ends the wait of a writer: the shield holds', () => {
  const { world, a, b } = clientsWithLog(longLog);
  a.beginWalWrite();
  expect(a.lock('RESET', 'write')).toBe('waiting');
  expect(b.lock('CKPT', 'write')).toBe('locked');
  world.unreadWalBytes = 0;
  world.pass(2);
  expect(a.outcome).toBe('busy');
});

test('a signal ends the wait, and a close leaves nothing behind', () => {
  const { world, a } = clientsWithLog(shortLog);
  checkpoint(a);
  a.lock('RESET', 'write');
  a.interrupt();
  expect([a.outcome, world.manager.size.waiting]).toEqual(['interrupted', 0]);
  a.close();
  expect([world.manager.size.waiting, waiters(world)]).toEqual([0, []]);
});

test('whoever looks at the locks sees what it waits for', () => {
  const { world, a } = clientsWithLog(shortLog);
  checkpoint(a);
  a.lock('RESET', 'write');
  world.pass(200);
  expect(waiters(world)).toMatchObject([
    { lock: 'READ1+READ2+READ3+READ4', pid: a.pid, waitMs: 200, untilArchived: true, atGate: false, blockedBy: [] },
  ]);
});
