// The log rows of a batch are completed together: each ETag, operation and client is the one that the key's own write
// would have had, also beside keys whose time is over, keys that come twice, and triggers of somebody else.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { kvHistory } from '../../../../server/executor/kv/past/history.ts';
import { kvBatchDelete, kvBatchSet } from '../../../../server/executor/kv/store/batch.ts';
import { body, TestStore, table } from '../../../helpers/kv-store.ts';

let store: TestStore;
beforeEach(() => {
  store = new TestStore();
});
afterEach(() => store.close());

const set = (...keys: string[]) => {
  const items = keys.map((key, index) => ({ key, value: `${key}${index}` }));
  return store.run(kvBatchSet, { ...store.write('', {}), ...body({ items }) }).json.items;
};
const remove = (...keys: string[]) => store.run(kvBatchDelete, { ...store.write('', {}), ...body({ keys }) }).json;

/** [key, op, client] of all log rows in their order. */
function log(): unknown[] {
  const sql = `SELECT k.key, h.op, h.client FROM "hoody:kv_log:kv_store" l JOIN "hoody:kv_keys:kv_store" k ON k.id = l.key_id
    JOIN kv_store_history h ON h.key = k.key AND h.op_number = l.op_number ORDER BY l.seq`;
  return store.native.prepare(sql).raw().all();
}

const ours = '10.0.0.1';

test('every key has the ETag that its answer says', () => {
  store.set('b', '1');
  for (const { key, etag } of set('a', 'b', 'c')) expect(store.etag(key)).toBe(etag);
  expect(log()).toEqual([
    ['b', 'SET', ours],
    ['a', 'SET', ours],
    ['b', 'SET', ours],
    ['c', 'SET', ours],
  ]);
});

test('a key that comes twice is written twice', () => {
  const [first, , last] = set('a', 'b', 'a');
  expect(first.etag).not.toBe(last.etag);
  expect(store.etag('a')).toBe(last.etag);
  expect(store.get('a')).toBe('a2');
  expect(store.run(kvHistory, { table, key: 'a', limit: 9 }).json.operations).toHaveLength(2);
});

test("the end of a time to live in the midst of a batch is nobody's operation", () => {
  for (const key of ['b', 'd']) store.set(key, 'old', { ttlSeconds: 5 });
  store.advance(10);
  for (const { key, etag } of set('a', 'b', 'c', 'd')) expect(store.etag(key)).toBe(etag);
  const after = log().slice(2);
  expect(after).toEqual([
    ['a', 'SET', ours],
    ['b', 'EXPIRED', 'native'],
    ['b', 'SET', ours],
    ['c', 'SET', ours],
    ['d', 'EXPIRED', 'native'],
    ['d', 'SET', ours],
  ]);
  store.set('e', 'old', { ttlSeconds: 5 });
  store.advance(10);
  expect(remove('a', 'e', 'nobody', 'a', 'b')).toMatchObject({ deleted: 2 });
  expect(log().slice(9)).toEqual([
    ['a', 'DELETE', ours],
    ['e', 'EXPIRED', 'native'],
    ['b', 'DELETE', ours],
  ]);
});

test("beside somebody else's trigger each row keeps its own client", () => {
  store.set('first', '1');
  store.native.exec(`CREATE TRIGGER copies AFTER INSERT ON kv_store WHEN NEW.key NOT LIKE 'copy of %'
    BEGIN INSERT OR REPLACE INTO kv_store (key, value) VALUES ('copy of ' || NEW.key, NEW.value); END`);
  for (const { key, etag } of set('a', 'b')) expect(store.etag(key)).toBe(etag);
  expect(store.set('c', '1').json.etag).toBe(store.etag('c'));
  const clients = new Map(log().map((row) => [(row as string[])[0], (row as string[])[2]]));
  expect(Object.fromEntries(clients)).toEqual({
    first: ours,
    a: ours,
    b: ours,
    c: ours,
    'copy of a': 'native',
    'copy of b': 'native',
    'copy of c': 'native',
  });
  // Its OR REPLACE holds: a clause of the API's own would overrule it.
  store.delete('a');
  set('a');
  expect(store.get('copy of a')).toBe('a0');
});

test('a conflict clause in the declaration of an adopted table holds', () => {
  store.native.exec(`CREATE TABLE mine (key TEXT NOT NULL PRIMARY KEY, value BLOB UNIQUE ON CONFLICT IGNORE,
    content_type TEXT, created_at INTEGER, updated_at INTEGER, expire_at INTEGER)`);
  const put = (key: string) =>
    store.run(kvBatchSet, { ...store.write('', {}), table: 'mine', ...body({ items: [{ key, value: 'same' }] }) });
  put('a');
  expect(() => put('b')).toThrow(expect.objectContaining({ code: 'CONFLICT' }));
});
