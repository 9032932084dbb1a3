// Thousands of databases are looked at in small parts, between which requests are served.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Views } from '../../../fs/channel/views.ts';
import type { DatabaseLocks } from '../../../fs/locks/snapshot.ts';

const viewMs = 0.05;
let nowMs = 1000;
beforeEach(() => {
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
});
afterEach(() => void vi.restoreAllMocks());

function* viewsOf(count: number, hasSomething: (n: number) => boolean): Generator<DatabaseLocks | undefined> {
  for (let n = 0; n < count; n++) {
    nowMs += viewMs;
    yield hasSomething(n) ? { db: `${n}.db`, journal: 'wal', holders: [], waiters: [] } : undefined;
  }
}

test('a view of 2,000 databases comes in parts that take less than a millisecond each, complete and in order', () => {
  const views = new Views();
  const names: string[] = [];
  const ends: boolean[] = [];
  views.add(
    viewsOf(2000, (n) => n % 3 === 0),
    (databases, isLast) => {
      names.push(...databases.map(({ db }) => db));
      ends.push(isLast);
    },
  );
  let runs = 0;
  while (views.isDue) {
    const startedMs = nowMs;
    expect(views.run()).toBe(true);
    expect(nowMs - startedMs).toBeLessThan(1);
    runs += 1;
  }
  expect(runs).toBeGreaterThan(100);
  expect(names).toEqual(Array.from({ length: 667 }, (_, n) => `${3 * n}.db`));
  expect(ends.filter(Boolean)).toHaveLength(1);
  expect(ends.at(-1)).toBe(true);
  expect(views.run()).toBe(false);
});

test('an empty view has an answer, and a second one follows the first', () => {
  const views = new Views();
  const sent: string[] = [];
  views.add([], (databases, isLast) => sent.push(`first ${databases.length} ${isLast}`));
  views.add(
    viewsOf(1, () => true),
    (databases, isLast) => sent.push(`second ${databases.length} ${isLast}`),
  );
  while (views.run());
  expect(sent).toEqual(['first 0 true', 'second 1 true']);
});
