// A lock that cannot be stored for a successor process is refused, and nothing of it is left anywhere.
import { expect, test } from 'vitest';
import { Simulation } from './simulation.ts';

test('a lock without room is refused before the mirror has it, and granted once there is room', () => {
  const world = new Simulation();
  const client = world.client(1);
  world.hasRoom = false;
  expect(client.lock('PENDING', 'read')).toBe('no-room');
  expect(world.mirrored).toBe(0);
  expect(world.manager.snapshot(world.nowMs)).toEqual([]);
  world.hasRoom = true;
  expect(client.lock('PENDING', 'read')).toBe('locked');
});

test('one that has waited is refused when its turn comes and there is no room any more, and leaves the line', () => {
  const world = new Simulation();
  const [holder, waiter] = [world.client(1), world.client(2)];
  expect(holder.lock('ALL', 'write')).toBe('locked');
  expect(waiter.lock('ALL', 'write', true)).toBe('waiting');
  world.hasRoom = false;
  holder.unlock('ALL');
  expect(waiter.outcome).toBe('no-room');
  expect(world.manager.size.waiting).toBe(0);
  expect(world.manager.snapshot(world.nowMs)).toEqual([]);
});

test('locks are given back without room, but not the middle of one, which would be two', () => {
  const world = new Simulation();
  const [holder, other] = [world.client(1), world.client(2)];
  expect(holder.lock('ALL', 'write')).toBe('locked');
  world.hasRoom = false;
  expect(holder.lock('RESERVED', 'unlock')).toBe('no-room');
  world.hasRoom = true;
  expect(other.lock('RESERVED', 'write', true)).toBe('waiting');
  world.hasRoom = false;
  expect(holder.lock('ALL', 'unlock')).toBe('locked');
  expect(world.manager.size.waiting).toBe(0);
});
