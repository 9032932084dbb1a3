import { expect, test } from 'vitest';
import { LongHolders } from '../../../fs/locks/long-holders.ts';
import { Simulation } from './simulation.ts';

test('a write lock held for long is told once, a lock that is shared only while somebody waits for it', () => {
  const world = new Simulation();
  const long = new LongHolders(30_000);
  const [writer, reader] = [world.client(1), world.client(2)];
  reader.beginRead();
  world.pass(60);
  writer.beginRead();
  writer.lock('RESERVED', 'write');
  const told = () => long.newOf(world.manager.snapshot(world.nowMs)).flatMap(({ holders }) => holders);
  expect(told()).toEqual([]);
  world.pass(31_000);
  expect(told()).toMatchObject([{ lock: 'RESERVED', pid: 1 }]);
  expect(told()).toEqual([]);
  expect(writer.commit()).toBe('waiting'); // for the reader's SHARED
  expect(told()).toMatchObject([{ lock: 'SHARED', pid: 2 }]);
});
