// A process with several connections: SQLite shares its snapshot among them without a lock call, and its wait stops all
// of its threads.
import { expect, test } from 'vitest';
import { Client, Simulation } from './simulation.ts';

/** A process with two connections, and two processes with one each. */
function threeProcesses(journal: 'wal' | 'rollback'): { world: Simulation; both: Client; one: Client; other: Client } {
  const world = new Simulation();
  world.journals.set('app.db', journal);
  const [both, one, other] = [world.client(1), world.client(2), world.client(3)];
  new Client(world, 1, 'app.db', false, 77);
  if (journal === 'wal') for (const client of [both, one, other]) client.connectWal();
  return { world, both, one, other };
}

test('WAL: the write of a second connection waits for those who were let through after the write of the first', () => {
  const { both, one, other } = threeProcesses('wal');
  both.beginWalWrite();
  expect(one.lock('READ2', 'read')).toBe('waiting');
  expect(other.lock('READ2', 'read')).toBe('waiting');
  both.unlock('WRITE'); // READ1 is the second connection's too
  expect(one.outcome).toBe('locked');
  expect(both.lock('WRITE', 'write')).toBe('waiting');
  expect(one.lock('WRITE', 'write')).toBe('locked');
  one.endWalWrite();
  one.unlock('READ2');
  expect(other.outcome).toBe('locked'); // it came before that write
  expect(other.lock('WRITE', 'write')).toBe('locked');
  other.unlock('WRITE');
  other.unlock('READ2');
  expect(both.outcome).toBe('locked');
});

test('rollback: the same for RESERVED, and the commit in front ends that wait', () => {
  const { both, one } = threeProcesses('rollback');
  both.beginWrite();
  expect(one.lock('PENDING', 'read')).toBe('waiting');
  both.lock('PENDING', 'write');
  both.lock('SHARED', 'write');
  both.lock('SHARED', 'read'); // the commit is over, and the second connection reads
  both.unlock('PENDING_AND_RESERVED');
  expect(one.outcome).toBe('locked');
  expect(one.finishRead()).toBe('locked');
  expect(both.lock('RESERVED', 'write')).toBe('waiting');
  expect(one.lock('RESERVED', 'write')).toBe('locked');
  expect(one.commit()).toBe('waiting');
  expect(both.outcome).toBe('busy');
  both.endRead();
  expect(one.outcome).toBe('locked');
});

test('a late write that nobody is in front of is granted at once', () => {
  const { world, both } = threeProcesses('wal');
  both.beginWalWrite();
  both.unlock('WRITE');
  expect(both.lock('WRITE', 'write')).toBe('locked');
  expect(world.manager.counters.waits).toBe(0);
});

test('at its limit a late write is refused, not let through, and each further try has a limit of its own up to 5 seconds', () => {
  const { world, both, one } = threeProcesses('wal');
  both.beginWalWrite();
  one.lock('READ2', 'read');
  both.unlock('WRITE');
  world.running.add(one.tid); // it is on its way to its write
  const { shortMs, queueMs } = world.manager.limits;
  for (let waitedMs = 0; waitedMs < 400; waitedMs += shortMs) {
    expect(both.lock('WRITE', 'write')).toBe('waiting');
    world.pass(shortMs + 1);
    expect(both.outcome).toBe('busy');
  }
  expect(one.lock('WRITE', 'write')).toBe('locked');
  const startMs = world.nowMs;
  while (both.lock('WRITE', 'write') === 'waiting') world.pass(shortMs + 1);
  expect(world.nowMs - startMs).toBeLessThan(queueMs);
  expect(both.outcome).toBe('busy');
});

test('a snapshot that was taken beside a checkpoint of the same process, past the gate, makes a late write', () => {
  const { both, one } = threeProcesses('wal');
  both.lock('CKPT', 'write');
  both.lock('READ0', 'write');
  expect(one.lock('READ1', 'read')).toBe('locked');
  expect(both.lock('READ1', 'read')).toBe('locked'); // its wait would stop the checkpoint
  expect(both.lock('WRITE', 'write')).toBe('waiting');
  expect(one.lock('WRITE', 'write')).toBe('locked');
});

test('a process with several connections that was let through at its limit may read; its write waits', () => {
  const { world, both, one } = threeProcesses('wal');
  world.running.add(one.tid);
  one.lock('READ1', 'read');
  expect(both.lock('READ1', 'read')).toBe('waiting');
  world.pass(world.manager.limits.shortMs + 1);
  expect(both.outcome).toBe('locked');
  expect(both.lock('WRITE', 'write')).toBe('waiting');
  expect(one.lock('WRITE', 'write')).toBe('locked');
});

test('and so it does when the snapshot was outdated and is asked for again', () => {
  const { world, both, one, other } = threeProcesses('wal');
  const last = world.client(4);
  last.connectWal();
  one.beginWalWrite();
  for (const client of [other, both, last]) expect(client.lock('READ2', 'read')).toBe('waiting');
  one.endWalWrite();
  expect(other.lock('WRITE', 'write')).toBe('locked');
  world.pass(world.manager.limits.shortMs + 1);
  expect([both.outcome, last.outcome]).toEqual(['locked', 'waiting']);
  other.unlock('WRITE');
  expect(last.outcome).toBe('locked');
  both.unlock('READ2'); // the WAL's header has changed
  expect(both.lock('READ1', 'read')).toBe('locked');
  expect(both.lock('WRITE', 'write')).toBe('waiting');
  expect(last.lock('WRITE', 'write')).toBe('locked');
});

test('each further try of such a process stands where the one before stood: those who came later do not overtake it', () => {
  const { world, both, one, other } = threeProcesses('wal');
  one.beginWalWrite();
  expect(both.lock('READ2', 'read')).toBe('waiting');
  world.pass(world.manager.limits.shortMs + 1);
  expect(both.outcome).toBe('locked');
  expect(other.lock('READ2', 'read')).toBe('waiting');
  expect(both.lock('WRITE', 'write')).toBe('waiting');
  one.endWalWrite();
  expect(both.outcome).toBe('locked');
  expect(other.outcome).toBe('waiting');
});

test('a forked child that closes what it has inherited takes no connection from its parent', () => {
  const { world, both, one } = threeProcesses('rollback');
  both.beginRead();
  both.endRead();
  const file = world.file('app.db', 'database');
  for (const handle of [1, 77]) world.manager.flush(file, handle, 4711n, world.nowMs);
  one.beginWrite();
  expect(both.beginRead()).toBe('waiting');
  world.pass(world.manager.limits.shortMs + 1);
  expect(both.outcome).toBe('locked');
});

test('a connection that its process has closed counts no more, before the RELEASE arrives', () => {
  const { world, both, one } = threeProcesses('rollback');
  both.beginRead();
  both.endRead();
  world.manager.flush(world.file('app.db', 'database'), 77, both.owner, world.nowMs);
  one.beginWrite();
  expect(both.beginRead()).toBe('waiting');
  world.pass(world.manager.limits.shortMs + 1);
  expect(both.outcome).toBe('waiting');
});

test('the commit of a process with a second open file waits for readers for 50 ms; one with a single file waits on', () => {
  const { world, both, one, other } = threeProcesses('rollback');
  one.beginRead();
  world.pass(60);
  both.beginWrite();
  expect(both.commit()).toBe('waiting');
  world.pass(51);
  expect(both.outcome).toBe('busy');
  both.unlock('ALL');
  // The reader has outlasted no more than that short wait: whoever has one connection waits for it.
  other.beginWrite();
  expect(other.commit()).toBe('waiting');
  world.pass(3900);
  expect(other.outcome).toBe('waiting');
  one.endRead();
  expect(other.outcome).toBe('locked');
});

test('further tries of such a commit wait up to the limit in all, and then show who is a long reader', () => {
  const { world, both, one, other } = threeProcesses('rollback');
  one.beginRead();
  world.pass(60);
  both.beginWrite();
  expect(both.lock('PENDING', 'write')).toBe('locked');
  for (let tries = 0; tries < 80; tries++) {
    expect(both.lock('SHARED', 'write')).toBe('waiting');
    world.pass(51);
    expect(both.outcome).toBe('busy');
  }
  expect(both.lock('SHARED', 'write')).toBe('busy');
  both.unlock('ALL');
  other.beginWrite();
  expect(other.commit()).toBe('busy');
});

test('a commit that waits a second for a reader of more than 5 shows who is a long reader', () => {
  const { world, both, one, other } = threeProcesses('rollback');
  one.beginRead();
  world.pass(6000);
  other.beginWrite();
  expect(other.commit()).toBe('waiting');
  world.pass(1001);
  expect(other.outcome).toBe('busy');
  expect(other.lock('SHARED', 'write')).toBe('busy');
  other.unlock('ALL');
  both.beginWrite();
  expect(both.commit()).toBe('busy');
});
