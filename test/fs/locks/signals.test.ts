// Clients that are interrupted, killed, or simply go: their place, their locks, and that nothing of them is left.
import { expect, test } from 'vitest';
import { Simulation } from './simulation.ts';

test('SIGKILL of the holder: its FLUSH hands the lock on at once', () => {
  const world = new Simulation();
  const [writer, newcomer] = [world.client(1), world.client(2)];
  writer.beginWrite();
  newcomer.beginRead();
  writer.close();
  expect(newcomer.outcome).toBe('locked');
});

test('a signal keeps the place in the line for 250 ms', () => {
  const world = new Simulation();
  const [writer, first, second] = [world.client(1), world.client(2), world.client(3)];
  writer.beginWrite();
  first.beginRead();
  second.beginRead();
  for (let signals = 0; signals < 100; signals++) {
    first.interrupt();
    expect(first.outcome).toBe('interrupted');
    world.pass(5);
    expect(first.beginRead()).toBe('waiting');
    world.pass(5);
  }
  writer.commit();
  expect(first.outcome).toBe('locked');
  expect(second.outcome).toBe('waiting');
});

test('signals do not lengthen the wait', () => {
  const world = new Simulation();
  const [writer, newcomer] = [world.client(1), world.client(2)];
  writer.beginWrite();
  let waitedMs = 0;
  while (newcomer.beginRead() === 'waiting' && waitedMs < 20_000) {
    world.pass(10);
    waitedMs += 10;
    if (newcomer.outcome !== 'waiting') break;
    newcomer.interrupt();
  }
  expect(waitedMs).toBeGreaterThanOrEqual(5000);
  expect(waitedMs).toBeLessThanOrEqual(5020);
});

test('100,000 lock and unlock requests of 1,000 processes leave no entry behind', () => {
  const world = new Simulation();
  for (let pid = 1; pid <= 1000; pid++) {
    const client = world.client(pid);
    for (let cycle = 0; cycle < 12; cycle++) expect(client.write()).toBe('locked');
    client.close();
  }
  expect(world.manager.size).toEqual({ files: 0, owners: 0, waiting: 0 });
  expect(world.manager.nextDeadlineMs(world.nowMs)).toBe(Number.POSITIVE_INFINITY);
}, 60_000);
