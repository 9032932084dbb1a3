// The slice: the owner of the write lock comes back before the line, for a while.
import { expect, test } from 'vitest';
import { threeWalClients } from './simulation.ts';

test('the owner of a slice comes back before the line, and the line is served when the slice is over', () => {
  const { world, a, b } = threeWalClients();
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
  const { world, a, b } = threeWalClients();
  a.walWrite();
  world.pass(0.1);
  a.beginWalWrite();
  b.lock('READ1', 'read');
  a.endWalWrite();
  expect(b.outcome).toBe('waiting');
  world.pass(world.manager.limits.sliceGapMs + 0.01);
  expect(b.outcome).toBe('locked');
});

test('an owner on its way back is waited for until its slice ends', () => {
  const { world, a, b } = threeWalClients();
  a.walWrite();
  a.beginWalWrite();
  b.lock('READ1', 'read');
  a.endWalWrite();
  world.running.add(a.tid);
  world.pass(world.manager.limits.sliceMs - 0.1);
  expect(b.outcome).toBe('waiting');
  world.pass(0.2);
  expect(b.outcome).toBe('locked');
});

test('an owner whose slice ended before it could come back is waited for in its next slice', () => {
  const { world, a, b } = threeWalClients();
  a.walWrite();
  a.beginWalWrite();
  b.lock('READ1', 'read');
  world.pass(world.manager.limits.sliceMs - 0.5);
  a.endWalWrite();
  expect(b.outcome).toBe('waiting');
  world.pass(0.6);
  expect(b.outcome).toBe('locked');
  b.lock('WRITE', 'write');
  b.endWalWrite();
  a.beginWalWrite();
  b.lock('READ1', 'read');
  a.endWalWrite();
  expect(b.outcome).toBe('waiting');
});

test('an owner that did not come back is not waited for the next times', () => {
  const { world, a, b } = threeWalClients();
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
