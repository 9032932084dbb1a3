import { expect, test } from 'vitest';
import { Backoff } from '../../../daemon/children/backoff.ts';

test('the first death costs nothing, each one after it twice as much, ten seconds at most', () => {
  const backoff = new Backoff();
  const delays = Array.from({ length: 10 }, () => backoff.nextDelayMs(100));
  expect(delays).toEqual([0, 100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
});

test('a child that lived for half a minute starts with a clean record', () => {
  const backoff = new Backoff();
  for (let death = 0; death < 5; death += 1) backoff.nextDelayMs(29_999);
  expect(backoff.nextDelayMs(29_999)).toBe(1_600);
  expect(backoff.nextDelayMs(30_000)).toBe(0);
  expect(backoff.nextDelayMs(100)).toBe(100);
});
