import { expect, test } from 'vitest';
import { limitEventsOf, MemoryWatch, pressureOf } from '../../../daemon/ramdisk/memory.ts';
import { BusyDatabase } from '../../../daemon/ramdisk/pending.ts';
import { relieveOnce } from '../../../daemon/ramdisk/pressure.ts';
import type { TierStatus } from '../../../fs/index.ts';

const database = (path: string, modifiedMs: number) => ({
  path,
  modifiedMs,
  sizeBytes: 10,
  lagMs: 0,
  lagBytes: 0,
  journal: 'wal' as const,
});

function tierOf(usedBytes: number, open: readonly string[] = []) {
  const moved: string[] = [];
  const events: string[] = [];
  const waiting: string[] = [];
  const pending = { add: (path: string) => void waiting.push(path), forgetFull: () => void waiting.splice(0) };
  let databases = [database('new.db', 3), database('old.db', 1), database('middle.db', 2)];
  const status = async (): Promise<TierStatus> => ({
    databases,
    refused: {},
    ownBytes: usedBytes - 10 * moved.length,
    usedBytes: usedBytes - 10 * moved.length,
    sizeBytes: 100,
  });
  const moveToDisk = async (path: string) => {
    if (open.includes(path)) throw new BusyDatabase(path, [7]);
    moved.push(path);
    databases = databases.filter((one) => one.path !== path);
  };
  const told = (event: string, fields: object = {}) => void events.push(`${event} ${Object.values(fields)[0]}`);
  const log = { warn: told, error: told };
  return { moved, events, waiting, parts: { status, moveToDisk, pending, maxBytes: 0, log } };
}

test('with room nothing moves', async () => {
  const { moved, parts } = tierOf(90);
  await relieveOnce(parts);
  expect(moved).toEqual([]);
});

test('those go first that were not written for the longest time, until there is room', async () => {
  const { moved, events, parts } = tierOf(105);
  await relieveOnce(parts);
  expect(moved).toEqual(['old.db', 'middle.db']);
  expect(events).toEqual(['ramdisk-full old.db', 'ramdisk-full middle.db']);
});

test('those that are open go later, as many as are needed, and it is said that none can go now', async () => {
  const { moved, events, waiting, parts } = tierOf(105, ['old.db', 'middle.db', 'new.db']);
  expect(await relieveOnce(parts)).toBe(true);
  expect(moved).toEqual([]);
  expect(waiting).toEqual(['old.db', 'middle.db']);
  expect(events).toEqual(['ramdisk-full 105']);
  expect(await relieveOnce(parts, { isTold: true })).toBe(true);
  expect(events).toHaveLength(1);
});

test('what waits for its last close need not go once there is room again', async () => {
  const { waiting, parts } = tierOf(50);
  waiting.push('old.db');
  expect(await relieveOnce(parts)).toBe(false);
  expect(waiting).toEqual([]);
});

test('no answer changes nothing', async () => {
  const { waiting, parts } = tierOf(50);
  waiting.push('old.db');
  for (const isTold of [true, false]) {
    expect(await relieveOnce({ ...parts, status: async () => undefined }, { isTold })).toBe(isTold);
  }
  expect(waiting).toEqual(['old.db']);
});

test('the operator may allow less', async () => {
  const { moved, parts } = tierOf(60);
  await relieveOnce({ ...parts, maxBytes: 50 });
  expect(moved).toEqual(['old.db']);
});

test('one goes when memory is short, however much room there is', async () => {
  const { moved, parts } = tierOf(30);
  await relieveOnce(parts, { isMemoryShort: true });
  expect(moved).toEqual(['old.db']);
});

test('the kernel says whether memory is short: tasks that waited for it, or limits that were met', () => {
  const calm = 'some avg10=0.12 avg60=0.00 avg300=0.00 total=9\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n';
  expect(pressureOf(calm)).toBe(0.12);
  expect(pressureOf('')).toBe(0);
  expect(limitEventsOf('low 3\nhigh 2\nmax 5\noom 0\noom_kill 0\n')).toBe(7);
  let texts = { pressure: calm, events: 'high 0\nmax 5\n' };
  const watch = new MemoryWatch(() => texts);
  expect(watch.isShort()).toBe(false);
  texts = { pressure: calm, events: 'high 0\nmax 6\n' };
  expect([watch.isShort(), watch.isShort()]).toEqual([true, false]);
  texts = { ...texts, pressure: 'some avg10=31.00 avg60=0.00' };
  expect(watch.isShort()).toBe(true);
});
