import { expect, test } from 'vitest';
import { LongHolders } from '../../../fs/locks/long-holders.ts';
import type { DatabaseLocks } from '../../../fs/locks/snapshot.ts';
import { Simulation } from './simulation.ts';

const holdersOf = (views: Iterable<DatabaseLocks | undefined>) => [...views].flatMap((view) => view?.holders ?? []);

test('a write lock held for long is told once, a lock that is shared only while somebody waits for it', () => {
  const world = new Simulation();
  const long = new LongHolders(30_000);
  const [writer, reader] = [world.client(1), world.client(2)];
  reader.beginRead();
  world.pass(60);
  writer.beginWrite();
  const told = () => holdersOf(long.newOf(world.manager.viewsWithOld(30_000, world.nowMs)));
  expect(told()).toEqual([]);
  world.pass(31_000);
  expect(told()).toMatchObject([{ lock: 'RESERVED', pid: 1 }]);
  expect(told()).toEqual([]);
  expect(writer.commit()).toBe('waiting'); // for the reader's SHARED
  expect(told()).toMatchObject([{ lock: 'SHARED', pid: 2 }]);
});

test('what a WAL connection holds for its whole life is not told, whoever waits for its write lock', () => {
  const world = new Simulation();
  world.journals.set('app.db', 'wal');
  const long = new LongHolders(30_000);
  const [writer, other] = [world.client(1), world.client(2)];
  for (const client of [writer, other]) client.connectWal();
  writer.beginWalWrite();
  world.pass(31_000);
  expect(other.lock('READ1', 'read')).toBe('waiting');
  const told = holdersOf(long.newOf(world.manager.viewsWithOld(30_000, world.nowMs)));
  expect(told.map(({ lock }) => lock).sort()).toEqual(['READ1', 'WRITE']);
});

test("databases that are only open, and files that are locked for long but in nobody's way, are not looked at", () => {
  const world = new Simulation();
  world.journals.set('app.db', 'wal');
  const [idle, writer] = [world.client(1), world.client(2, 'other.db')];
  idle.connectWal();
  writer.beginWrite();
  world.pass(31_000);
  const views = [...world.manager.viewsWithOld(30_000, world.nowMs)];
  expect(views.map((view) => view?.db)).toEqual([undefined, 'other.db']);
});

test('a locked file that is no database stays in sight, however many databases were closed', () => {
  const world = new Simulation();
  world.manager.open(world.file('some.txt', 'other'), 1, 1, false);
  const lock = { file: world.file('some.txt', 'other'), handle: 1, owner: 9n, start: 0, end: 9, pid: 1, tid: 1 };
  world.ask({ ...lock, type: 'write', wait: false, flock: false });
  for (let n = 0; n < 1100; n++) world.client(100 + n, `${n}.db`).close();
  expect(world.manager.snapshot(world.nowMs)).toMatchObject([{ holders: [{ lock: 'bytes 0-9', pid: 1 }] }]);
});
