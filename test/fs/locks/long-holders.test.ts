import { expect, test } from 'vitest';
import { LongHolders } from '../../../fs/locks/long-holders.ts';
import { Simulation } from './simulation.ts';

test('a write lock held for long is told once, a lock that is shared only while somebody waits for it', () => {
  const world = new Simulation();
  const long = new LongHolders(30_000);
  const [writer, reader] = [world.client(1), world.client(2)];
  reader.beginRead();
  world.pass(60);
  writer.beginWrite();
  const told = () => long.newOf(world.manager.snapshot(world.nowMs)).flatMap(({ holders }) => holders);
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
  const told = long.newOf(world.manager.snapshot(world.nowMs)).flatMap(({ holders }) => holders);
  expect(told.map(({ lock }) => lock).sort()).toEqual(['READ1', 'WRITE']);
});
