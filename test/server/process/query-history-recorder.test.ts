import { expect, test } from 'vitest';
import { ApiError } from '../../../server/messages/errors.ts';
import type { HistoryEntry } from '../../../server/messages/operations/query-history.ts';
import { HistoryRecorder } from '../../../server/process/query-history-recorder.ts';

const entry = (sql: string): HistoryEntry => ({
  sql,
  timestampMs: 0,
  durationMs: 0,
  rowCount: 0,
  error: null,
  isStatement: true,
  source: 'sql',
  clientIp: '127.0.0.1',
});

test('entries for a database that is locked are kept for the next flush, in order', async () => {
  const written: string[] = [];
  let isLocked = true;
  const recorder = new HistoryRecorder({
    log: () => {},
    write: async (_path, { entries }) => {
      if (isLocked) throw new ApiError('DATABASE_BUSY', 'locked');
      written.push(...entries.map(({ sql }) => sql));
    },
  });
  recorder.record('/a.db', entry('first'), true);
  await expect(recorder.flush('/a.db')).rejects.toThrow('locked');
  recorder.record('/a.db', entry('second'), false);
  expect(recorder.recorded('/a.db')).toMatchObject({ mayCreate: true, entries: [{ sql: 'first' }, { sql: 'second' }] });
  isLocked = false;
  await recorder.flush('/a.db');
  expect(written).toEqual(['first', 'second']);
});

test('what is being written is still told as recorded, with ids that stay', async () => {
  let finish = (): void => {};
  const written = new Promise<void>((done) => {
    finish = done;
  });
  const recorder = new HistoryRecorder({ log: () => {}, write: () => written });
  recorder.record('/a.db', entry('first'), true);
  const flushed = recorder.flush('/a.db');
  recorder.record('/a.db', entry('second'), false);
  const { entries } = recorder.recorded('/a.db');
  expect(entries.map(({ sql }) => sql)).toEqual(['first', 'second']);
  expect(entries[1]?.id).toBeGreaterThan(entries[0]?.id ?? Number.POSITIVE_INFINITY);
  finish();
  await flushed;
  expect(recorder.recorded('/a.db').entries).toEqual(entries.slice(1));
});
