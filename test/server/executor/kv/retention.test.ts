// What is no longer kept: history beyond its count, rows whose time is over, answers to repeated requests; and how long
// the background work holds the write lock while native clients want it.
import { expect, test, vi } from 'vitest';
import { kvChanges } from '../../../../server/executor/kv/feed/changes.ts';
import { kvHistory } from '../../../../server/executor/kv/past/history.ts';
import { kvRetain } from '../../../../server/executor/kv/upkeep/retention.ts';
import { SmallTransactions } from '../../../../server/executor/kv/upkeep/small-transactions.ts';
import type { Progress } from '../../../../server/messages/operations/kv-upkeep.ts';
import { type TestStore, table, withStore } from '../../../helpers/kv-store.ts';

/** Calls the background work until nothing is left. */
function retain(store: TestStore, maxAgeSeconds: number, maxOps: number): void {
  let progress: Progress = {};
  for (let hasMore = true; hasMore; ) {
    ({ progress, hasMore } = store.call(kvRetain, { maxAgeSeconds, maxOps, progress }));
  }
}

const count = (store: TestStore, name: string) =>
  store.native.prepare(`SELECT count(*) FROM "hoody:kv_${name}:kv_store"`).pluck().get() as number;

test('history keeps as many operations of a key as it may, and the newest of them', () => {
  withStore((store) => {
    for (let n = 1; n <= 300; n += 1) store.set('hot', String(n));
    for (let n = 1; n <= 3; n += 1) store.set('cold', String(n));
    retain(store, 0, 100);
    const { operations } = store.run(kvHistory, { table, key: 'hot', limit: 1000 }).json;
    expect(operations).toHaveLength(100);
    expect(operations[0]).toMatchObject({ op_number: 300, operation: { old_value: 299, new_value: 300 } });
    expect(operations.at(-1)).toMatchObject({ op_number: 201, operation: { old_value: 200, new_value: 201 } });
    expect(store.run(kvHistory, { table, key: 'cold', limit: 1000 }).json.count).toBe(3);
  });
});

test('a key that is written again after it was found to be over is not removed', () => {
  withStore((store) => {
    store.set('session', 'old', { ttlSeconds: 5 });
    store.set('other', 'old', { ttlSeconds: 5 });
    store.advance(10);
    const renewed = store.native.prepare("UPDATE kv_store SET value = 'new', expire_at = ? WHERE key = 'session'");
    const write = vi.spyOn(SmallTransactions.prototype, 'write').mockImplementationOnce(function (
      this: SmallTransactions,
      ...args
    ) {
      renewed.run(store.now + 60);
      return this.write(...args);
    });
    retain(store, 3600, 0);
    expect(write).toHaveBeenCalled();
    write.mockRestore();
    expect(store.native.prepare('SELECT key FROM kv_store').pluck().all()).toEqual(['session']);
    expect(store.get('session')).toBe('new');
  });
});

test('a row is removed when the last second of its key is over, and not before', () => {
  withStore((store) => {
    const rows = () => store.native.prepare('SELECT count(*) FROM kv_store').pluck().get();
    store.set('session', 'x', { ttlSeconds: 5 });
    store.set('later', 'x', { ttlSeconds: 9 });
    const { nextExpiry } = store.call(kvRetain, { maxAgeSeconds: 0, maxOps: 0, progress: {} });
    expect(nextExpiry).toBe(store.now + 6);
    store.delete('later');
    store.advance(5);
    retain(store, 3600, 0);
    expect([rows(), store.get('session')]).toEqual([1, 'x']);
    store.advance(1);
    retain(store, 3600, 0);
    expect([rows(), store.get('session')]).toEqual([0, null]);
  });
});

test('a cursor holds where the newest change of all is that of a key which is gone', () => {
  withStore((store) => {
    store.set('a', '1');
    store.delete('a');
    const changes = (since?: string) =>
      store.call(kvChanges, {
        table,
        ...(since === undefined ? {} : { since }),
        prefix: '',
        limit: 9,
        includeValues: false,
      });
    const { cursor } = changes();
    store.advance(25 * 3600);
    retain(store, 3600, 0);
    store.set('b', '1');
    expect(changes(cursor).events.map(({ json }) => JSON.parse(json).key)).toEqual(['b']);
  });
});

test('a day later the log holds one row a living key and nothing of the deleted ones', () => {
  withStore((store) => {
    for (let n = 0; n < 200; n += 1) {
      store.set(`session:${n}`, 'x', { ttlSeconds: 5 });
      store.set('living', String(n));
    }
    store.advance(6);
    retain(store, 3600, 0);
    expect(count(store, 'keys')).toBe(201);
    store.advance(25 * 3600);
    store.set('last', '1');
    retain(store, 3600, 0);
    expect(count(store, 'keys')).toBe(2);
    expect(count(store, 'log')).toBe(2);
    // A key of the same name goes on counting where those that were forgotten stopped: behind SET and the end of its
    // time.
    store.set('session:1', 'y');
    const { operations } = store.run(kvHistory, { table, key: 'session:1', limit: 1 }).json;
    expect(operations[0].op_number).toBe(3);
  });
});

test('answers kept for repeated requests go after a day', () => {
  withStore((store) => {
    store.set('a', '1');
    store.native.exec("INSERT INTO \"hoody:kv_idempotency\" VALUES ('old', '', '', 0)");
    retain(store, 0, 0);
    expect(store.native.prepare('SELECT count(*) FROM "hoody:kv_idempotency"').pluck().get()).toBe(0);
  });
});

test('while 30,000 operations are pruned, the write lock is given back again and again', () => {
  withStore((store) => {
    store.set('first', '1');
    const writes = store.connection.database.transaction(() => {
      for (let n = 0; n < 30_000; n += 1) store.set(`k${n % 50}`, `value ${n}`);
    });
    writes.immediate();
    // Processor time and not the clock: what other processes of a busy machine take is not ours.
    let since = process.cpuUsage();
    let worstMs = 0;
    let commits = 0;
    store.connection.prepareFor(store.now * 1000, 30_000, (phase) => {
      if (phase !== 'committed') return;
      const { user, system } = process.cpuUsage(since);
      worstMs = Math.max(worstMs, (user + system) / 1000);
      commits += 1;
      since = process.cpuUsage();
    });
    retain(store, 0, 100);
    expect(store.run(kvHistory, { table, key: 'k7', limit: 1000 }).json.count).toBe(100);
    process.stdout.write(`pruned in ${commits} transactions, the longest ${worstMs.toFixed(0)} ms\n`);
    // The faster the machine, the fewer: it was never less than one for each of the 50 keys.
    expect(commits).toBeGreaterThan(25);
    // 20 ms is the promise, for reading what to prune and pruning it; a test gets ten times that.
    expect(worstMs).toBeLessThan(200);
  });
});
