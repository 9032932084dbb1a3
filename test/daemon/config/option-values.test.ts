import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  directoriesBelow,
  durationSeconds,
  durationText,
  sizeBytes,
  sizeText,
} from '../../../daemon/config/option-values.ts';

test('sizes and durations are written with the largest unit that is exact', () => {
  expect([2 ** 30, 1536 * 2 ** 20, 4096, 1000, 1].map(sizeText)).toEqual(['1GiB', '1536MiB', '4KiB', '1000', '1']);
  expect([30 * 86_400, 5400, 60, 61, 0].map(durationText)).toEqual(['30d', '90m', '1m', '61s', '0']);
});

test('what is written is read back', () => {
  const number = fc.oneof(fc.integer({ min: 1, max: 1e9 }), fc.constantFrom(2 ** 20, 2 ** 31, 3600, 7 * 86_400));
  fc.assert(
    fc.property(number, (value) => {
      expect(sizeBytes(sizeText(value))).toBe(value);
      expect(durationSeconds(durationText(value))).toBe(value);
    }),
  );
});

test('directories are named with or without what stands for all of them; one inside another one is left out', () => {
  expect(directoriesBelow('analytics/**, logs/,eu/stats,analytics')).toEqual(['analytics', 'logs', 'eu/stats']);
  expect(directoriesBelow('a/b/**,a,ab')).toEqual(['a', 'ab']);
  expect(directoriesBelow('')).toEqual([]);
});

test.each([
  ['**', 'for the whole mount there is --locks kernel'],
  ['/', 'for the whole mount there is --locks kernel'],
  ['*/stats', 'is no whole directory'],
  ['a/**/b', 'is no whole directory'],
  ['stats/*.db', 'is no whole directory'],
  ['/srv/stats', 'is no path below the data directory'],
  ['../stats', 'is no path below the data directory'],
  ['a//b', 'is no path below the data directory'],
  ['./a', 'is no path below the data directory'],
])('%s is refused', (glob, reason) => {
  expect(() => directoriesBelow(glob)).toThrow(reason);
});
