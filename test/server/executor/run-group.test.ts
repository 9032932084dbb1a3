// The time that an operation sees is that of its begin, not that at which its group came in: a wait for the lock lies
// between.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Connection } from '../../../server/executor/connection.ts';
import { kvSet } from '../../../server/executor/kv/store/store.ts';
import { type GroupOutcome, type Job, runReads, runWrites } from '../../../server/executor/run-group.ts';
import { ApiError } from '../../../server/messages/errors.ts';
import type { Outcome } from '../../../server/messages/jobs.ts';
import { TestStore } from '../../helpers/kv-store.ts';

const rules = { root: '/', dataDir: '/', allowAnyAbsoluteDbPath: false };
let store: TestStore;
beforeEach(() => {
  store = new TestStore();
  store.set('k', '1');
});
afterEach(() => store.close());

const clock: Job = { run: (connection) => connection.nowMs() };
/** Ends the shared transaction, so that every job runs once more alone. */
const spoiler: Job = {
  run: ({ database }) => {
    if (database.prepare('SELECT count(*) FROM kv_store').pluck().get() === 1) database.exec('COMMIT');
    database.exec("INSERT OR IGNORE INTO kv_store (key) VALUES ('second')");
  },
};

test.each<[string, (connection: Connection, report: (value: unknown) => void) => GroupOutcome]>([
  ['a write', (connection) => runWrites(connection, [clock], () => {})],
  ['a read', (connection) => runReads(connection, [clock])],
  [
    'a write whose group was lost',
    (connection, report) =>
      runWrites(connection, [spoiler, clock], (index, { answer }) => index === 1 && report(answer)),
  ],
])('%s has the time at which it holds its lock', (_, run) => {
  const startedMs = Date.now();
  // Its group came in long ago.
  store.connection.prepareFor(startedMs - 60_000, 5_000, () => {});
  let seen: unknown;
  const { outcomes } = run(store.connection, (value) => {
    seen = value;
  });
  expect(seen ?? outcomes[0]?.answer).toBeGreaterThanOrEqual(startedMs);
});

describe('a job that fails after it has written', () => {
  const insert = (key: string): Job => ({
    run: ({ database }) => database.exec(`INSERT INTO kv_store (key, value) VALUES ('${key}', 'x')`),
  });
  const fails: Job = {
    run: (connection) => {
      insert('undone').run(connection);
      throw new ApiError('KEY_NOT_FOUND', 'after a write');
    },
  };
  const codes = (outcomes: readonly Outcome[]) => outcomes.map(({ error }) => error?.code);
  const keys = () => store.native.prepare('SELECT key FROM kv_store ORDER BY key').pluck().all();

  test('is undone, and its neighbours are not', () => {
    const { outcomes } = runWrites(store.connection, [insert('a'), fails, insert('b')], () => {});
    expect(codes(outcomes)).toEqual([undefined, 'KEY_NOT_FOUND', undefined]);
    expect(keys()).toEqual(['a', 'b', 'k']);
    expect(store.native.prepare('SELECT key FROM kv_store_history').pluck().all()).toEqual(['k', 'a', 'b']);
  });

  test('is undone when it is alone', () => {
    const { outcomes } = runWrites(store.connection, [fails], () => {});
    expect(codes(outcomes)).toEqual(['KEY_NOT_FOUND']);
    expect(keys()).toEqual(['k']);
  });

  test('is undone when it has failed in the middle of a statement', () => {
    store.connection.database.exec('CREATE UNIQUE INDEX values_once ON kv_store (value)');
    const put = (key: string, value: string): Job => ({
      run: (connection) =>
        kvSet.run(connection, { ...store.write(key, {}), body: Buffer.from(value), ttlSeconds: 0 }, rules),
    });
    const { outcomes } = runWrites(store.connection, [put('a', '2'), put('k', '2'), put('b', '3')], () => {});
    expect(codes(outcomes)).toEqual([undefined, 'SQL_CONSTRAINT', undefined]);
    expect(keys()).toEqual(['a', 'b', 'k']);
    expect(store.native.prepare('SELECT key FROM kv_store_history').pluck().all()).toEqual(['k', 'a', 'b']);
  });
});
