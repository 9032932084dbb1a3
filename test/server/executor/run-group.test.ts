// The time that an operation sees is that of its begin, not that at which its group came in: a wait for the lock lies
// between.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Connection } from '../../../server/executor/connection.ts';
import { type GroupOutcome, type Job, runReads, runWrites } from '../../../server/executor/run-group.ts';
import { TestStore } from '../../helpers/kv-store.ts';

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
