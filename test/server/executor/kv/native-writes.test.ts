// Writes of native clients to a KV table: seen in the ETag, in the history with old and new value, and in the change
// log.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { kvChanges } from '../../../../server/executor/kv/feed/changes.ts';
import { kvGetAt, kvHistory, kvRollback, kvSnapshot } from '../../../../server/executor/kv/past/history.ts';
import { kvDiff } from '../../../../server/executor/kv/past/table-diff.ts';
import { kvTableSnapshot } from '../../../../server/executor/kv/past/table-snapshot.ts';
import { kvList } from '../../../../server/executor/kv/store/list.ts';
import { kvEntry, kvGet } from '../../../../server/executor/kv/store/store.ts';
import { TestStore } from '../../../helpers/kv-store.ts';

let store: TestStore;
beforeEach(() => {
  store = new TestStore();
});
afterEach(() => store.close());

/** [op, old, new] of a key's history, oldest first. */
function history(key: string): [string, string | null, string | null][] {
  const { operations } = store.run(kvHistory, { table: 'kv_store', key, limit: 1000 }).json;
  return operations
    .map(({ operation }: { operation: Record<string, string | null> }) => [
      operation.op,
      decode(operation.raw_old_value),
      decode(operation.raw_new_value),
    ])
    .reverse();
}

const decode = (raw: string | null | undefined) => (raw == null ? null : Buffer.from(raw, 'base64').toString());
const sql = (text: string) => store.native.exec(text);

describe('what a native client writes is in the history with its old and new value', () => {
  beforeEach(() => {
    store.set('k', '1');
  });

  test.each([
    ['UPDATE', "UPDATE kv_store SET value = '2' WHERE key = 'k'", [['SET', '1', '2']]],
    ['DELETE', "DELETE FROM kv_store WHERE key = 'k'", [['DELETE', '1', null]]],
    ['DELETE of all', 'DELETE FROM kv_store', [['DELETE', '1', null]]],
    ['INSERT OR REPLACE', "INSERT OR REPLACE INTO kv_store (key, value) VALUES ('k', '2')", [['SET', '1', '2']]],
    ['REPLACE', "REPLACE INTO kv_store (key, value) VALUES ('k', x'32')", [['SET', '1', '2']]],
    ['INSERT OR IGNORE', "INSERT OR IGNORE INTO kv_store (key, value) VALUES ('k', '2')", []],
    [
      'UPSERT',
      "INSERT INTO kv_store (key, value) VALUES ('k', '2') ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      [['SET', '1', '2']],
    ],
    ['UPSERT that does nothing', "INSERT INTO kv_store (key) VALUES ('k') ON CONFLICT DO NOTHING", []],
    ['a number', "UPDATE kv_store SET value = 7 WHERE key = 'k'", [['SET', '1', '7']]],
    ['NULL', "UPDATE kv_store SET value = NULL WHERE key = 'k'", [['SET', '1', '']]],
    ['a time to live', "UPDATE kv_store SET expire_at = 9999999999 WHERE key = 'k'", [['EXPIRE', '1', '1']]],
    ['a rename', "UPDATE kv_store SET key = 'other' WHERE key = 'k'", [['DELETE', '1', null]]],
  ])('%s', (_name, statement, expected) => {
    const before = store.etag('k');
    sql(statement);
    expect(history('k')).toEqual([['SET', null, '1'], ...expected]);
    if (store.get('k') !== null) expect(store.etag('k') === before).toBe(expected.length === 0);
    expect(store.native.prepare('SELECT count(*) FROM "hoody:kv_replaced:kv_store"').pluck().get()).toBeLessThan(2);
  });

  test('an ignored insert leaves nothing behind that a later write could take for an old value', () => {
    sql("INSERT OR IGNORE INTO kv_store (key, value) VALUES ('k', 'x')");
    sql("DELETE FROM kv_store WHERE key = 'k'");
    sql("INSERT INTO kv_store (key, value) VALUES ('k', '2')");
    expect(history('k')).toEqual([
      ['SET', null, '1'],
      ['DELETE', '1', null],
      ['SET', null, '2'],
    ]);
  });

  test('a rename onto another key keeps what it replaced', () => {
    store.set('other', 'o');
    sql("UPDATE OR REPLACE kv_store SET key = 'other' WHERE key = 'k'");
    expect(history('other')).toEqual([
      ['SET', null, 'o'],
      ['SET', 'o', '1'],
    ]);
  });

  test('REPLACE with recursive triggers is a delete and an insert', () => {
    store.native.pragma('recursive_triggers = ON');
    sql("REPLACE INTO kv_store (key, value) VALUES ('k', '2')");
    expect(history('k')).toEqual([
      ['SET', null, '1'],
      ['DELETE', '1', null],
      ['SET', null, '2'],
    ]);
  });

  test('a failed or rolled back statement leaves no trace', () => {
    sql('BEGIN');
    sql("UPDATE kv_store SET value = '2'");
    sql('ROLLBACK');
    expect(() => sql("INSERT INTO kv_store (key, value) VALUES ('k', '3')")).toThrow('UNIQUE');
    expect(history('k')).toEqual([['SET', null, '1']]);
  });

  test('the first write of a key may be native', () => {
    sql("INSERT INTO kv_store (key, value) VALUES ('n', 'v')");
    expect(history('n')).toEqual([['SET', null, 'v']]);
    expect(store.get('n')).toBe('v');
    store.set('n', 'w');
    expect(history('n').at(-1)).toEqual(['SET', 'v', 'w']);
  });

  test('the readable view shows operations by name', () => {
    sql("UPDATE kv_store SET value = '2'");
    const rows = store.native.prepare('SELECT key, op_number, op, client, old_value FROM kv_store_history').all();
    expect(rows).toEqual([
      { key: 'k', op_number: 1, op: 'SET', client: '10.0.0.1', old_value: null },
      { key: 'k', op_number: 2, op: 'SET', client: 'native', old_value: '1' },
    ]);
  });

  test('rollback and snapshot reach over native writes', () => {
    sql("UPDATE kv_store SET value = '2'");
    sql('DELETE FROM kv_store');
    store.run(kvRollback, store.write('k', { steps: 2 }));
    expect(store.get('k')).toBe('1');
  });

  test('a time to live that a native client ends is not taken for a deletion', () => {
    sql(`UPDATE kv_store SET expire_at = ${store.now + 10}`);
    store.advance(11);
    sql('DELETE FROM kv_store');
    expect(history('k')).toEqual([
      ['SET', null, '1'],
      ['EXPIRE', '1', '1'],
    ]);
    expect(() => store.run(kvGetAt, { table: 'kv_store', key: 'k', atSeconds: store.now })).toThrow(
      expect.objectContaining({ code: 'KEY_EXPIRED' }),
    );
  });

  test('after the triggers were gone, what happened meanwhile is a gap and never a wrong value', () => {
    sql('DROP TABLE kv_store');
    const before = store.now;
    expect(() => store.run(kvSnapshot, { table: 'kv_store', key: 'k', opNumber: 1 })).toThrow(
      expect.objectContaining({ code: 'TIME_TRAVEL_CHAIN_GAP' }),
    );
    store.advance(5);
    store.set('k', '5');
    expect(history('k').at(-1)).toEqual(['SET', null, '5']);
    expect(() => store.run(kvGetAt, { table: 'kv_store', key: 'k', atSeconds: before })).toThrow(
      expect.objectContaining({ code: 'TIME_TRAVEL_CHAIN_GAP' }),
    );
  });
});

test('the sqlite3 shell of the system (3.40) writes and is seen', () => {
  store.set('k', '1');
  const shell = (text: string) => execFileSync('sqlite3', [store.path, text], { encoding: 'utf8' });
  shell("REPLACE INTO kv_store (key, value) VALUES ('k', '2'); INSERT INTO kv_store (key, value) VALUES ('n', 'x')");
  expect(history('k').at(-1)).toEqual(['SET', '1', '2']);
  expect(history('n')).toEqual([['SET', null, 'x']]);
  expect(shell('SELECT count(*) FROM kv_store_history')).toBe('3\n');
  expect(shell('PRAGMA integrity_check')).toBe('ok\n');
});

test("keys that are no text are nobody else's trouble", () => {
  store.set('k', '1');
  sql(
    "INSERT INTO kv_store (key, value) VALUES (x'00ff', 'blob'); UPDATE kv_store SET value = '2' WHERE key = x'00ff'",
  );
  const at = store.now;
  store.advance(5);
  sql("UPDATE kv_store SET value = '3'; DELETE FROM kv_store WHERE key = x'00ff'");
  store.advance(1);
  const keysOf = (items: { key: string }[]) => items.map(({ key }) => key);
  expect(
    keysOf(store.run(kvList, { table: 'kv_store', prefix: '', limit: 9, offset: 0, after: '' }).json.items),
  ).toEqual(['k']);
  const diff = store.run(kvDiff, {
    table: 'kv_store',
    fromSeconds: at,
    toSeconds: store.now,
    keys: [],
    after: '',
  }).json;
  expect(keysOf(diff.changes)).toEqual(['k']);
  const snapshot = store.run(kvTableSnapshot, {
    table: 'kv_store',
    atSeconds: at,
    prefix: '',
    limit: 0,
    offset: 0,
    after: '',
  }).json;
  expect(keysOf(snapshot.keys)).toEqual(['k']);
  const feed = store.call(kvChanges, {
    table: 'kv_store',
    since: '0-0-0-0',
    prefix: '',
    limit: 100,
    includeValues: true,
  });
  expect(feed.events.map(({ json }) => JSON.parse(json).key)).toEqual(['k', 'k']);
});

describe('text of a native client that is no UTF-8', () => {
  const bad = Buffer.from('7b2261223a22ff227d', 'hex'); // {"a":"\xff"}
  const base64 = bad.toString('base64');
  const get = (key: string) => store.call(kvGet, { table: 'kv_store', key }).body;

  test('is answered with its bytes, now and later', () => {
    store.set('k', '1');
    const insert = `CAST(x'${bad.toString('hex')}' AS TEXT), 'application/json'`;
    sql(`REPLACE INTO kv_store (key, value, content_type) VALUES ('k', ${insert})`);
    expect(get('k')).toEqual(bad);
    expect(store.run(kvEntry, { table: 'kv_store', key: 'k' }).json).toMatchObject({ value_base64: base64 });
    const at = store.now;
    store.advance(5);
    store.set('k', '2');
    expect(store.run(kvGetAt, { table: 'kv_store', key: 'k', atSeconds: at }).json.value_base64).toBe(base64);
    const { operations } = store.run(kvHistory, { table: 'kv_store', key: 'k', limit: 1 }).json;
    expect(operations[0].operation).toMatchObject({ raw_old_value: base64, old_value: null });
    const diff = { table: 'kv_store', fromSeconds: at, toSeconds: store.now, keys: [], after: '' };
    expect(store.run(kvDiff, diff).json.changes).toMatchObject([{ from_value_base64: base64, to_value: 2 }]);
    store.run(kvRollback, store.write('k', { steps: 1 }));
    expect(get('k')).toEqual(bad);
  });

  test('in a UTF-16 database a real U+FFFD is left as it is', () => {
    store.whileClosed(() => {
      rmSync(store.path);
      const database = new Database(store.path);
      database.exec("PRAGMA encoding = 'UTF-16'; CREATE TABLE first(x)");
      database.close();
    });
    store.set('k', '"\ufffd"', { contentType: 'application/json' });
    expect(store.get('k')).toBe('"\ufffd"');
    expect(store.run(kvEntry, { table: 'kv_store', key: 'k' }).json.value).toBe('\ufffd');
  });

  test("as a key it is told, and is nobody else's trouble", () => {
    for (const key of ['a', 'b', 'c']) store.set(key, '1');
    for (const hex of ['62ff', '62ff31', '62ff32'])
      sql(`INSERT INTO kv_store (key, value) VALUES (CAST(x'${hex}' AS TEXT), '1')`);
    const list = (limit: number, after: string) =>
      store.run(kvList, { table: 'kv_store', prefix: '', limit, offset: 0, after }).json;
    const seen: string[] = [];
    for (let page = list(1, ''); ; page = list(1, page.next_after)) {
      seen.push(...page.items.map(({ key }: { key: string }) => key));
      if (!page.has_more) break;
    }
    expect(seen).toEqual(['a', 'b', 'c']);
    const all = list(9, '');
    expect(all.scan_errors).toHaveLength(3);
    expect(all.scan_errors[0]).toContain(Buffer.from('62ff', 'hex').toString('base64'));
    const whole = { table: 'kv_store', atSeconds: store.now, prefix: '', limit: 0, offset: 0, after: '' };
    expect(store.run(kvTableSnapshot, whole).json.keys).toHaveLength(3);
    const feed = store.call(kvChanges, {
      table: 'kv_store',
      since: '0-0-0-0',
      prefix: 'b',
      limit: 9,
      includeValues: true,
    });
    expect(feed.events.map(({ json }) => JSON.parse(json).key_base64)).toEqual([
      undefined,
      ...['62ff', '62ff31', '62ff32'].map((hex) => Buffer.from(hex, 'hex').toString('base64')),
    ]);
  });
});
