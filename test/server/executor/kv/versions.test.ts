// ETags and cursors of a database that has another life behind it: a copy that was restored, the first release.
import { createHash } from 'node:crypto';
import { copyFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { kvChanges } from '../../../../server/executor/kv/feed/changes.ts';
import { kvHistory } from '../../../../server/executor/kv/past/history.ts';
import { kvBatchGet, kvBatchSet } from '../../../../server/executor/kv/store/batch.ts';
import { kvGet, kvSet } from '../../../../server/executor/kv/store/store.ts';
import { kvNames, quoteName } from '../../../../server/executor/kv/table/names.ts';
import { captureTablesSql, historyViewSql, triggersSql } from '../../../../server/executor/kv/table/schema.ts';
import { body, TestStore, table } from '../../../helpers/kv-store.ts';

let store: TestStore;
beforeEach(() => {
  store = new TestStore();
});
afterEach(() => store.close());

const code = (value: string) => expect.objectContaining({ code: value });

describe('a database restored from a copy', () => {
  const copy = () => copyFileSync(store.path, `${store.path}.copy`);
  const restore = () => copyFileSync(`${store.path}.copy`, store.path);

  test('no ETag of its other life fits a value that was written since, not even in the same second', () => {
    store.set('a', '1');
    store.whileClosed(copy);
    const written = store.set('a', 'lost').json.etag;
    store.native.exec("INSERT INTO kv_store (key, value) VALUES ('n', 'lost')");
    const native = store.etag('n');
    store.whileClosed(restore);
    expect(store.set('a', 'kept').json.etag).not.toBe(written);
    store.native.exec("INSERT INTO kv_store (key, value) VALUES ('n', 'kept')");
    expect(store.etag('n')).not.toBe(native);
    for (const [key, etag] of [
      ['a', written],
      ['n', native],
    ]) {
      const stale = { ...store.write(key, { ...body('stale'), ttlSeconds: 0 }), conditions: { ifMatch: [etag] } };
      expect(() => store.run(kvSet, stale)).toThrow(code('PRECONDITION_FAILED'));
      expect(store.run(kvGet, { table, key, ifNoneMatch: etag }).status).toBe(200);
      const items = [{ key, value: 'stale', if_match: etag }];
      expect(() => store.run(kvBatchSet, { ...store.write('', {}), ...body({ items }) })).toThrow(
        code('PRECONDITION_FAILED'),
      );
    }
  });

  test('every answer names a version in the same way', () => {
    const { etag } = store.set('a', '1').json;
    expect(store.etag('a')).toBe(etag);
    expect(store.list().items[0].etag).toBe(etag);
    expect(store.run(kvBatchGet, { table, ...body({ keys: ['a'] }) }).json.results.a.etag).toBe(etag);
    const { cursor } = store.call(kvChanges, { table, prefix: '', limit: 9, includeValues: false });
    store.native.exec("UPDATE kv_store SET value = '2'");
    const changes = store.call(kvChanges, { table, since: cursor, prefix: '', limit: 9, includeValues: false });
    expect(changes.events.map(({ json }) => JSON.parse(json).etag)).toEqual([store.etag('a')]);
  });
});

describe('a database of the first release', () => {
  const names = kvNames(table);
  /** Its triggers, and its log without marks. */
  const goBack = () => {
    const first = triggersSql(names, 'first');
    expect(createHash('sha256').update(JSON.stringify(first)).digest('hex')).toBe(
      'a996ac9177a56048fdf1bbd39876c5056c02a8d3a487ae4a2be8b40c5b80cefc',
    );
    for (const { name, sql } of first) store.native.exec(`DROP TRIGGER ${quoteName(name)}; ${sql}`);
    store.native.exec(`ALTER TABLE ${quoteName(names.log)} DROP COLUMN mark`);
  };

  test('is read as it is, and its history, ETags and cursors go on when it is written', () => {
    store.set('a', '1');
    goBack();
    store.native.exec("UPDATE kv_store SET value = '2'");
    const etag = store.etag('a');
    const { cursor } = store.call(kvChanges, { table, prefix: '', limit: 9, includeValues: false });
    store.set('b', '1');
    expect(store.etag('a')).toBe(etag);
    const { events } = store.call(kvChanges, { table, since: cursor, prefix: '', limit: 9, includeValues: false });
    expect(events.map(({ json }) => JSON.parse(json).key)).toEqual(['b']);
    const { operations } = store.run(kvHistory, { table, key: 'a', limit: 9 }).json;
    expect(operations.map((row: { operation: { op: string } }) => row.operation.op)).toEqual(['SET', 'SET']);
    const current = triggersSql(names).map(({ sql }) => sql);
    const found = store.native.prepare("SELECT sql FROM sqlite_master WHERE type = 'trigger'").pluck().all();
    expect(new Set(found)).toEqual(new Set(current));
  });
});

test('what a database keeps of us is what the released build made: whoever changes it has databases to bring along', () => {
  const names = kvNames(table);
  const stored = [captureTablesSql(names), historyViewSql(names), triggersSql(names)];
  expect(createHash('sha256').update(JSON.stringify(stored)).digest('hex')).toBe(
    'cb5d9a3b4bcda19be09d9dffb6d92429fbc34daf83069be0f3e65053b99ba1da',
  );
});
