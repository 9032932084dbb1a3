// What concerns more than one database or one kind of lock: deadlocks, ATTACH, foreign locks, flock, the mirror, the
// view.
import { expect, test } from 'vitest';
import type { LockManager } from '../../../fs/locks/manager.ts';
import { END_OF_FILE } from '../../../fs/protocol/lock-offsets.ts';
import { Simulation } from './simulation.ts';

test('two databases attached in opposite order: a gate wait is let through, the committer never suffers', () => {
  const world = new Simulation();
  const [aOne, aTwo] = [world.client(1, 'one.db'), world.client(1, 'two.db')];
  const [bOne, bTwo] = [world.client(2, 'one.db'), world.client(2, 'two.db')];
  aOne.beginWrite();
  bTwo.beginWrite();
  expect(aTwo.lock('PENDING', 'read')).toBe('waiting');
  const closing = bOne.lock('PENDING', 'read');
  expect([aTwo.outcome, closing]).toContain('locked');
  expect(world.manager.counters.deadlockRefusals).toBe(0);
});

test('two databases attached in opposite order, snapshots first: one upgrade is refused, the other goes on', () => {
  const world = new Simulation();
  const [aOne, aTwo] = [world.client(1, 'one.db'), world.client(1, 'two.db')];
  const [bOne, bTwo] = [world.client(2, 'one.db'), world.client(2, 'two.db')];
  for (const client of [aOne, aTwo, bOne, bTwo]) {
    client.beginRead();
    world.pass(60);
  }
  aOne.lock('RESERVED', 'write');
  bTwo.lock('RESERVED', 'write');
  expect(aTwo.lock('RESERVED', 'write')).toBe('waiting');
  expect(bOne.lock('RESERVED', 'write')).toBe('busy');
  expect(aTwo.outcome).toBe('waiting');
  bOne.endRead();
  bTwo.endRead();
  expect(aTwo.outcome).toBe('locked');
});

test('a commit that needs the SHARED of an owner waiting elsewhere ends that wait', () => {
  const world = new Simulation();
  const [aOne, aTwo] = [world.client(1, 'one.db'), world.client(1, 'two.db')];
  const [bOne, bTwo] = [world.client(2, 'one.db'), world.client(2, 'two.db')];
  aOne.beginRead();
  world.pass(60);
  bOne.beginWrite();
  bTwo.beginWrite();
  expect(aTwo.lock('PENDING', 'read')).toBe('waiting'); // behind b, holding SHARED of one.db
  expect(bOne.commit()).toBe('waiting'); // for that SHARED
  expect(aTwo.outcome).toBe('locked'); // let through
  expect(bOne.outcome).toBe('waiting');
});

test('databases do not hinder each other', () => {
  const world = new Simulation();
  const [writer, other] = [world.client(1, 'one.db'), world.client(2, 'two.db')];
  writer.beginWrite();
  expect(other.write()).toBe('locked');
});

/** Requests for bytes that mean nothing to SQLite. */
function plain(world: Simulation, file: number) {
  return (pid: number, type: 'read' | 'write' | 'unlock', options: { wait?: boolean; flock?: boolean } = {}) => {
    const unique = world.ask({
      file,
      handle: pid,
      owner: BigInt(pid),
      start: 0,
      end: END_OF_FILE,
      type,
      pid,
      tid: pid,
      wait: options.wait ?? false,
      flock: options.flock ?? false,
    });
    return () => world.answers.get(unique) ?? 'waiting';
  };
}

test('foreign ranges: F_SETLK is answered at once, F_SETLKW waits for as long as it takes', () => {
  const world = new Simulation();
  const ask = plain(world, world.file('notes.txt', 'other'));
  expect(ask(1, 'write')()).toBe('granted');
  expect(ask(2, 'write')()).toBe('refused');
  const waiting = ask(3, 'write', { wait: true });
  world.pass(3_600_000);
  expect(waiting()).toBe('waiting');
  ask(1, 'unlock');
  expect(waiting()).toBe('granted');
});

test('F_SETLKW that closes a cycle is EDEADLK', () => {
  const world = new Simulation();
  const one = plain(world, world.file('one', 'other'));
  const two = plain(world, world.file('two', 'other'));
  one(1, 'write');
  two(2, 'write');
  const first = two(1, 'write', { wait: true });
  expect(one(2, 'write', { wait: true })()).toBe('deadlock');
  expect(first()).toBe('waiting');
});

test('flock and POSIX locks of one file do not see each other', () => {
  const world = new Simulation();
  const ask = plain(world, world.file('app.db', 'database'));
  expect(ask(1, 'write', { flock: true })()).toBe('granted');
  expect(ask(2, 'write')()).toBe('granted');
  expect(ask(3, 'write', { flock: true })()).toBe('refused');
});

test('two flock holders that convert at once do not wait for each other', () => {
  const world = new Simulation();
  const ask = plain(world, world.file('lock', 'other'));
  ask(1, 'read', { flock: true });
  ask(2, 'read', { flock: true });
  const first = ask(1, 'write', { flock: true, wait: true });
  const second = ask(2, 'write', { flock: true, wait: true });
  expect(first()).toBe('granted');
  expect(second()).toBe('waiting');
});

test('RELEASE ends flock and OFD locks of that open file, FLUSH of a duplicate does not', () => {
  const world = new Simulation();
  const file = world.file('lock', 'other');
  const ask = plain(world, file);
  ask(1, 'write', { flock: true });
  ask(2, 'write'); // an OFD lock looks the same on the wire: its owner is the open file
  const flock = ask(3, 'write', { flock: true, wait: true });
  const ofd = ask(4, 'write', { wait: true });
  world.manager.flush(file, 1, 99n, world.nowMs);
  world.manager.flush(file, 2, 99n, world.nowMs);
  world.collect();
  expect([flock(), ofd()]).toEqual(['waiting', 'waiting']);
  world.manager.release(file, 1, world.nowMs);
  world.manager.release(file, 2, world.nowMs);
  world.collect();
  expect([flock(), ofd()]).toEqual(['granted', 'granted']);
});

test('GETLK names type, range and process of the lock in the way, and nothing of the own', () => {
  const world = new Simulation();
  const [writer, other] = [world.client(1), world.client(2)];
  writer.beginWrite();
  const file = world.file('app.db', 'database');
  const ask = (owner: bigint) =>
    world.manager.getLock({
      unique: 0,
      file,
      handle: 2,
      owner,
      start: 0x40000001,
      end: 0x40000001,
      type: 'read',
      pid: 2,
      tid: 2,
      wait: false,
      flock: false,
    });
  expect(ask(other.owner)).toMatchObject({ type: 'write', pid: 1, start: 0x40000001, end: 0x40000001 });
  expect(ask(writer.owner)).toBeUndefined();
});

test('a lock on the data directory makes ours wait, and is tried again every few milliseconds', () => {
  const world = new Simulation();
  const client = world.client(1);
  world.foreign = { file: world.file('app.db', 'database'), start: 0x40000000, end: 0x40000000 };
  expect(client.beginRead()).toBe('waiting');
  world.pass(1000);
  expect(client.outcome).toBe('waiting');
  world.foreign = undefined;
  world.pass(world.manager.limits.foreignPollMs + 1);
  expect(client.outcome).toBe('locked');
  world.foreign = { file: world.file('app.db', 'database'), start: 0x40000001, end: 0x40000001 };
  client.finishRead();
  expect(client.lock('RESERVED', 'write')).toBe('waiting');
  world.pass(51);
  expect(client.outcome).toBe('busy');
});

test('the view names holders and waiters with what blocks them', () => {
  const world = new Simulation();
  const [writer, waiting] = [world.client(11), world.client(12)];
  writer.beginWrite();
  waiting.beginRead();
  world.pass(1500);
  expect(world.manager.snapshot(world.nowMs)).toEqual([
    {
      db: 'app.db',
      journal: 'rollback',
      holders: [
        { lock: 'RESERVED', mode: 'exclusive', pid: 11, heldMs: 1500 },
        { lock: 'SHARED', mode: 'shared', pid: 11, heldMs: 1500 },
      ],
      waiters: [
        { lock: 'PENDING', mode: 'shared', pid: 12, waitMs: 1500, atGate: true, untilArchived: false, blockedBy: [11] },
      ],
    },
  ]);
});

test('who has used up the limit and asks again as its busy handler says is still seen to wait', () => {
  const world = new Simulation();
  const [writer, waiting] = [world.client(11), world.client(12)];
  writer.beginWrite();
  waiting.beginRead();
  const { episodeGapMs, queueMs } = world.manager.limits;
  world.pass(queueMs + 1);
  expect(waiting.outcome).toBe('locked'); // it may read, and its write is refused
  waiting.finishRead();
  waiting.lock('RESERVED', 'write');
  world.pass(200); // it waits a little, and is refused
  const waiters = () => world.manager.snapshot(world.nowMs)[0]?.waiters;
  const startedMs = world.nowMs;
  for (let tries = 0; tries < 20; tries++) {
    expect(waiting.lock('RESERVED', 'write')).toBe('busy');
    expect(waiters()).toMatchObject([{ lock: 'RESERVED', pid: 12, atGate: false, blockedBy: [11] }]);
    world.pass(100); // SQLite's busy handler sleeps
  }
  expect(waiters()?.[0]?.waitMs).toBeGreaterThan(world.nowMs - startedMs);
  world.pass(episodeGapMs + 1);
  expect(waiters()).toEqual([]); // it has given up
});

test('a lock and its unlock cost a few microseconds', () => {
  const world = new Simulation();
  world.journals.set('app.db', 'wal');
  const client = world.client(1);
  client.connectWal();
  const file = world.file('app.db', 'shm');
  const base = { file, handle: 1, owner: client.owner, pid: 1, tid: 1, wait: false, flock: false, unique: 1 };
  const read = { ...base, start: 124, end: 124 };
  const manager: LockManager = world.manager;
  const rounds = 20_000;
  const cycle = () => {
    for (let round = 0; round < rounds; round++) {
      manager.setLock({ ...read, type: 'read' }, round);
      manager.setLock({ ...read, type: 'unlock' }, round);
    }
  };
  cycle();
  const before = process.cpuUsage();
  cycle();
  const { user, system } = process.cpuUsage(before); // of this process alone, however busy the machine is
  const microseconds = (user + system) / (2 * rounds);
  expect(microseconds).toBeLessThan(20); // 1 to 2 when nothing else runs
  process.stdout.write(`lock or unlock: ${microseconds.toFixed(2)} us\n`);
});
