// When the archive process takes its share of the processors. The clock is the test's own.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Haste } from '../../../fs/archive/haste.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('it leaves processors to others once nobody has needed it for a while, and takes its share at once', () => {
  const set: boolean[] = [];
  const haste = new Haste((isIdle) => set.push(isIdle));
  haste.restIfPossible();
  expect(set).toEqual([]);
  vi.advanceTimersByTime(1000);
  haste.restIfPossible();
  haste.restIfPossible();
  expect(set).toEqual([true]);
  haste.needed();
  haste.needed();
  expect(set).toEqual([true, false]);
  haste.restIfPossible();
  expect(set).toEqual([true, false]);
});
