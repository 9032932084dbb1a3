// A database of 1,000,000 keys and 5,000,000 operations answers questions about its past in under a second each.
import { expect, test } from 'vitest';
import { kvChanges } from '../../server/executor/kv/feed/changes.ts';
import { kvGetAt, kvHistory } from '../../server/executor/kv/past/history.ts';
import { kvDiff } from '../../server/executor/kv/past/table-diff.ts';
import { kvTableRollbackPreview } from '../../server/executor/kv/past/table-rollback.ts';
import { kvTableSnapshot } from '../../server/executor/kv/past/table-snapshot.ts';
import { kvList } from '../../server/executor/kv/store/list.ts';
import { TestStore } from '../helpers/kv-store.ts';

const table = 'kv_store';
const keyCount = 1_000_000;
/** What is promised, times the 10 that every clock in a test gets. */
const limitMs = 10_000;

test('1,000,000 keys and 5,000,000 operations', { timeout: 3_600_000 }, () => {
  const store = new TestStore();
  try {
    store.set('first', '1');
    fill(store);
    const { now } = store;
    const hourAgo = now - 3600;
    const yesterday = now - 24 * 3600;
    const key = 'group:0500:00500';
    const timed = <Result>(what: string, run: () => Result): Result => {
      const startedMs = performance.now();
      const result = run();
      const ms = performance.now() - startedMs;
      process.stdout.write(`${what}: ${ms.toFixed(0)} ms\n`);
      expect(ms, what).toBeLessThan(limitMs);
      return result;
    };

    const { operations } = timed('history of a key', () => store.run(kvHistory, { table, key, limit: 50 }).json);
    expect(operations).toHaveLength(5);
    const at = timed('value at a time', () => store.run(kvGetAt, { table, key, atSeconds: yesterday }).json);
    expect(at.op_number).toBe(5);
    const snapshotArgs = { table, atSeconds: yesterday, prefix: 'group:0500:', limit: 100, offset: 0, after: '' };
    const snapshot = timed('snapshot of a prefix', () => store.run(kvTableSnapshot, snapshotArgs).json);
    expect(snapshot).toMatchObject({ count: 100, total_keys_at_snapshot: 1000, candidate_truncated: false });
    const diff = timed(
      'diff of an hour',
      () => store.run(kvDiff, { table, fromSeconds: hourAgo, toSeconds: now, keys: [], after: '' }).json,
    );
    expect(diff.stats).toEqual({
      created: 0,
      modified: 10_000,
      deleted: 0,
      unchanged: keyCount + 1 - 10_000,
      total_changes: 10_000,
    });
    const rollbackArgs = { table, history: true, clientIp: '', toSeconds: hourAgo, keys: [], excludeKeys: [] };
    const { preview } = timed(
      'rollback preview of an hour',
      () => store.run(kvTableRollbackPreview, rollbackArgs).json,
    );
    expect(preview.keys_to_rollback).toBe(10_000);
    timed('whole snapshot, first page', () => store.run(kvTableSnapshot, { ...snapshotArgs, prefix: '' }));
    timed('list', () => store.run(kvList, { table, prefix: 'group:0500:', limit: 100, offset: 0, after: '' }));
    timed('changes', () =>
      store.call(kvChanges, { table, since: undefined as never, prefix: '', limit: 100, includeValues: false }),
    );
  } finally {
    store.close();
  }
});

/** Five writes of every key, the newest of them a day old, and one more of 10,000 keys within the last hour. */
function fill(store: TestStore): void {
  const { database } = store.connection;
  const numbers = `WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${keyCount - 1})`;
  const name = "printf('group:%04d:%05d', i / 1000, i % 1000)";
  database.exec(`${numbers} INSERT INTO kv_store (key, value, content_type) SELECT ${name}, printf('{"v":0,"i":%d}', i),
    'application/json' FROM n`);
  for (let round = 1; round < 5; round += 1) {
    store.advance(round === 4 ? 24 * 3600 : 7200);
    if (round === 4) store.advance(60);
    database.exec(`UPDATE kv_store SET value = printf('{"v":${round},"i":%s}', key) WHERE key > 'g'`);
  }
  store.advance(24 * 3600);
  database.exec(`UPDATE kv_store SET value = '{"new":1}' WHERE key LIKE 'group:00%' AND rowid % 10 = 0`);
  store.advance(60);
}
