import { expect, test } from 'vitest';
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
  let databases = [database('new.db', 3), database('old.db', 1), database('middle.db', 2)];
  const status = async (): Promise<TierStatus> => ({
    databases,
    refused: {},
    usedBytes: usedBytes - 10 * moved.length,
    sizeBytes: 100,
  });
  const moveToDisk = async (path: string) => {
    if (open.includes(path)) throw new Error('busy');
    moved.push(path);
    databases = databases.filter((one) => one.path !== path);
  };
  const log = { warn: (event: string, fields: object) => events.push(`${event} ${Object.values(fields)[0]}`) };
  return { moved, events, parts: { status, moveToDisk, maxBytes: 0, log: log as never } };
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

test('one that is open stays, and it is said when none can go', async () => {
  const { moved, events, parts } = tierOf(120, ['old.db', 'middle.db', 'new.db']);
  await relieveOnce(parts);
  expect(moved).toEqual([]);
  expect(events).toEqual(['ramdisk-full 120']);
});

test('the operator may allow less', async () => {
  const { moved, parts } = tierOf(60);
  await relieveOnce({ ...parts, maxBytes: 50 });
  expect(moved).toEqual(['old.db']);
});
