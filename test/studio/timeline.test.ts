// The history of one key as the page tells it.
import { expect, test } from 'vitest';
import {
  authorOf,
  byDay,
  dayName,
  dotPlaces,
  hasValue,
  type KeyVersion,
  operationWords,
  versionAt,
} from '../../server/studio/src/kv/timeline.ts';

const version = (name: string, at: string): KeyVersion => ({
  version: name,
  at,
  operation: 'SET',
  exists: true,
  bytes: 1,
  who: 'http 127.0.0.1',
});
/** Newest first. */
const versions = [
  version('3', '2026-11-28T10:02:00Z'),
  version('2', '2026-11-28T10:01:59Z'),
  version('1', '2026-11-20T10:00:00Z'),
];

test('an author is an address, a program with its pid and container, or not known', () => {
  expect(authorOf('http 10.0.0.7')).toEqual({ name: '10.0.0.7', detail: 'over HTTP', kind: 'address' });
  expect(authorOf('python3[4711] in 3f2a9c01d2b4')).toEqual({
    name: 'python3',
    detail: 'pid 4711 in container 3f2a9c01d2b4',
    kind: 'program',
  });
  expect(authorOf('my app [x][12] in host')).toEqual({
    name: 'my app [x]',
    detail: 'pid 12 on the host',
    kind: 'program',
  });
  expect(authorOf('native').kind).toBe('unknown');
});

test('the value at a time is the newest version that is not younger', () => {
  const at = (text: string) => versionAt(versions, Date.parse(text))?.version;
  expect(at('2026-11-28T12:00:00Z')).toBe('3');
  expect(at('2026-11-28T10:01:59Z')).toBe('2');
  expect(at('2026-11-27T00:00:00Z')).toBe('1');
  expect(at('2026-11-01T00:00:00Z')).toBeUndefined();
});

test('dots run from the oldest at 0 to the newest at 1, and a burst keeps apart', () => {
  const [newest = 0, middle = 0, oldest] = dotPlaces(versions);
  expect([newest, oldest]).toEqual([1, 0]);
  expect(middle).toBeLessThan(newest);
  expect(newest - middle).toBeGreaterThan(0.05);
  expect(dotPlaces([version('1', '2026-11-20T10:00:00Z')])).toEqual([1]);
  expect(dotPlaces([])).toEqual([]);
});

test('versions are listed by day, with names for the last two', () => {
  const days = byDay(versions);
  expect(days.map(({ versions: list }) => list.length)).toEqual([2, 1]);
  const now = Date.parse('2026-11-28T12:00:00Z');
  expect(dayName(days[0]?.day ?? '', now)).toBe('Today');
  expect(dayName(days[0]?.day ?? '', now + 24 * 3600 * 1000)).toBe('Yesterday');
  expect(dayName(days[1]?.day ?? '', now)).toBe(days[1]?.day);
});

test('a write without history has no value to show or to bring back', () => {
  expect(hasValue(version('1', '2026-11-20T10:00:00Z'))).toBe(true);
  expect(hasValue({ ...version('1', '2026-11-20T10:00:00Z'), operation: 'unrecorded' })).toBe(false);
});

test('operations have plain words, unknown ones their own name', () => {
  expect(operationWords('SET')).toBe('set');
  expect(operationWords('DELETE')).toBe('deleted');
  expect(operationWords('SOMETHING')).toBe('something');
});
