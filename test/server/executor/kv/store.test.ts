// The operations on single values on a database file, without HTTP.
import { createHash } from 'node:crypto';
import { copyFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { kvChanges } from '../../../../server/executor/kv/feed/changes.ts';
import { kvHistory } from '../../../../server/executor/kv/past/history.ts';
import { kvIncrement } from '../../../../server/executor/kv/store/atomic.ts';
import { kvBatchGet, kvBatchSet } from '../../../../server/executor/kv/store/batch.ts';
import { kvList } from '../../../../server/executor/kv/store/list.ts';
import { kvDelete, kvEntry, kvExpire, kvGet, kvHead, kvSet } from '../../../../server/executor/kv/store/store.ts';
import { kvNames, quoteName } from '../../../../server/executor/kv/table/names.ts';
import { triggersSql } from '../../../../server/executor/kv/table/schema.ts';
import { kvRetain } from '../../../../server/executor/kv/upkeep/retention.ts';
import { TestStore } from '../../../helpers/kv-store.ts';

let store: TestStore;
beforeEach(() => {
  store = new TestStore();
});
afterEach(() => store.close());

const table = 'kv_store';
const list = (more: object = {}) =>
  store.run(kvList, { table, prefix: '', limit: 100, offset: 0, after: '', ...more }).json;
const body = (value: unknown) => ({ body: Buffer.from(JSON.stringify(value)) });
const code = (value: string) => expect.objectContaining({ code: value });

describe('get, set, delete', () => {
  test('a value comes back byte for byte with its content type', () => {
    store.set('a', '{"x": 1.0}', { contentType: 'application/json' });
    const bytes = Buffer.from([0, 255, 1, 254]);
    store.run(kvSet, store.write('b', { body: bytes, contentType: 'image/png', ttlSeconds: 0 }));
    expect(store.get('a')).toBe('{"x": 1.0}');
    const answer = store.call(kvGet, { table, key: 'b' });
    expect(Buffer.from(answer.body ?? '')).toEqual(bytes);
    expect(answer.contentType).toBe('image/png');
  });

  test('a read never creates a table', () => {
    expect(store.get('a')).toBeNull();
    expect(list().items).toBeNull();
    expect(store.run(kvBatchGet, { table, ...body({ keys: ['a'] }) }).json.results).toEqual({ a: null });
    expect(store.native.prepare('SELECT count(*) FROM sqlite_master').pluck().get()).toBe(0);
  });

  test('a key that is no key of a JavaScript object is a key like any other', () => {
    for (const key of ['__proto__', 'constructor', 'a/b', 'ключ', '😀', ' padded '])
      store.set(key, JSON.stringify(key));
    for (const key of ['__proto__', 'constructor', 'a/b', 'ключ', '😀', ' padded ']) {
      expect(store.get(key)).toBe(JSON.stringify(key));
    }
    const text = store.run(kvBatchGet, { table, ...body({ keys: ['__proto__'] }) }).text;
    expect(text).toContain('"__proto__":{"content_type"');
  });

  test('delete of a missing key is 404', () => {
    expect(() => store.delete('a')).toThrow(code('KEY_NOT_FOUND'));
    store.set('a', '1');
    expect(store.delete('a').json).toEqual({ success: true, deleted: true });
    expect(() => store.delete('a')).toThrow(code('KEY_NOT_FOUND'));
  });

  test('JSON content must be one JSON document', () => {
    expect(() => store.set('a', '{"x":', { contentType: 'application/json' })).toThrow(code('INVALID_JSON_VALUE'));
    expect(() => store.set('a', '1 2', { contentType: 'application/vnd.x+json' })).toThrow(code('INVALID_JSON_VALUE'));
    expect(() => store.set('a', '', { contentType: 'application/json' })).toThrow(code('INVALID_JSON_VALUE'));
  });

  test.each([
    [undefined, '{"a":1}', 'application/json'],
    [undefined, 'plain', 'application/octet-stream'],
    ['text/plain;charset=UTF-8', '{"a":1}', 'application/json'],
    ['text/plain;charset=UTF-8', 'hello', 'text/plain;charset=UTF-8'],
    ['text/plain', '{"a":1}', 'text/plain'],
    ['application/x-www-form-urlencoded', '[1]', 'application/json'],
    ['application/octet-stream', '[1]', 'application/octet-stream'],
  ])('content type %s with body %s is recorded as %s', (contentType, value, expected) => {
    store.set('a', value, contentType === undefined ? {} : { contentType });
    expect(store.run(kvEntry, { table, key: 'a' }).json.content_type).toBe(expected);
  });

  test('integers beyond 2^53 survive in answers and in edits', () => {
    store.set('a', '{"n":9223372036854775807,"m":1}');
    expect(store.run(kvEntry, { table, key: 'a' }).text).toContain('"n":9223372036854775807');
    store.run(kvSet, store.write('a', { ...body(2), path: 'm', ttlSeconds: 0 }));
    expect(store.get('a')).toBe('{"n":9223372036854775807,"m":2}');
  });

  test('a path reads and writes a part of a value', () => {
    store.set('u', '{"prefs":{"theme":"dark"},"tags":["x","y"]}');
    const get = (path: string) => store.run(kvGet, { table, key: 'u', path });
    expect(get('prefs.theme').json).toBe('dark');
    expect(get('.prefs.theme').headers['x-json-path']).toBe('.prefs.theme');
    expect(get('tags[1]').json).toBe('y');
    expect(get('tags[-2]').json).toBe('x');
    expect(() => get('prefs.none')).toThrow(code('KEY_NOT_FOUND'));
    expect(() => get('a[')).toThrow(code('INVALID_PARAMETERS'));
    store.run(kvSet, store.write('u', { ...body('new'), path: 'profile."e.mail"', ttlSeconds: 0 }));
    expect(get('profile["e.mail"]').json).toBe('new');
    expect(() => store.run(kvSet, store.write('u', { ...body(1), path: 'tags[7]', ttlSeconds: 0 }))).toThrow(
      code('INVALID_PARAMETERS'),
    );
    store.run(kvSet, store.write('fresh', { ...body(5), path: 'a.b', ttlSeconds: 0 }));
    expect(store.get('fresh')).toBe('{"a":{"b":5}}');
  });
});

describe('time to live', () => {
  test('a key is gone after its last second, for every reader, before its row is removed', () => {
    store.set('s', '1', { ttlSeconds: 10 });
    store.advance(10);
    expect(store.get('s')).toBe('1');
    expect(list().items).toHaveLength(1);
    store.advance(1);
    expect(store.get('s')).toBeNull();
    expect(list().items).toBeNull();
    expect(() => store.run(kvEntry, { table, key: 's' })).toThrow(code('KEY_NOT_FOUND'));
    expect(() => store.run(kvHead, { table, key: 's' })).toThrow(code('KEY_EXPIRED'));
    expect(() => store.delete('s')).toThrow(code('KEY_NOT_FOUND'));
  });

  test('a write to an expired key starts anew', () => {
    store.set('c', '41', { ttlSeconds: 5 });
    store.advance(6);
    const increment = store.write('c', { op: 'INCR' as const, delta: 1n });
    expect(store.run(kvIncrement, increment).json.value).toBe(1);
    expect(store.run(kvEntry, { table, key: 'c' }).json.expire_at).toBeNull();
  });

  test('expire and persist change the ETag but neither value nor updated_at', () => {
    store.set('s', '1');
    const before = store.run(kvEntry, { table, key: 's' }).json;
    store.advance(3);
    const expire = store.run(kvExpire, store.write('s', { ttlSeconds: 60 })).json;
    expect(expire.expire_at).toBe(store.now + 60);
    expect(expire.etag).not.toBe(before.etag);
    const persist = store.run(kvExpire, store.write('s', { ttlSeconds: null })).json;
    expect(persist.expire_at).toBeNull();
    expect(persist.etag).not.toBe(expire.etag);
    expect(store.run(kvExpire, store.write('s', { ttlSeconds: null })).json.etag).toBe(persist.etag);
    expect(store.run(kvEntry, { table, key: 's' }).json).toMatchObject({ value: 1, updated_at: before.updated_at });
  });

  test('a PUT without ttl ends the time to live, counters and parts keep it', () => {
    store.set('s', '1', { ttlSeconds: 60 });
    store.run(kvIncrement, store.write('s', { op: 'INCR' as const, delta: 1n }));
    expect(store.run(kvEntry, { table, key: 's' }).json.expire_at).toBe(store.now + 60);
    store.set('s', '2');
    expect(store.run(kvEntry, { table, key: 's' }).json.expire_at).toBeNull();
  });
});

describe('conditions', () => {
  const set = (key: string, conditions: object) =>
    store.run(kvSet, { ...store.write(key, { ...body(9), ttlSeconds: 0 }), conditions });

  test('If-Match holds for the current tag only, and 412 names the current one', () => {
    const first = store.set('a', '1').json.etag;
    const second = set('a', { ifMatch: ['"x"', first] }).json.etag;
    expect(() => set('a', { ifMatch: [first] })).toThrow(
      expect.objectContaining({ code: 'PRECONDITION_FAILED', members: { current_etag: second } }),
    );
    expect(() => set('none', { ifMatch: '*' })).toThrow(
      expect.objectContaining({ code: 'PRECONDITION_FAILED', members: { current_etag: null } }),
    );
    expect(() => set('a', { ifAbsent: true })).toThrow(code('PRECONDITION_FAILED'));
    set('b', { ifAbsent: true });
  });

  test('if_match compares the stored bytes', () => {
    store.set('a', '{"v": 1}');
    expect(() => set('a', { ifValue: '{"v":1}' })).toThrow('Value mismatch for CAS');
    set('a', { ifValue: '{"v": 1}' });
    expect(() => set('none', { ifValue: '' })).toThrow('Key does not exist for CAS');
  });

  test('a deleted and recreated key never gets an old tag again', () => {
    const tags = new Set<string>();
    for (let round = 0; round < 5; round += 1) {
      tags.add(store.set('a', '1').json.etag);
      store.delete('a');
    }
    expect(tags.size).toBe(5);
  });

  test('If-None-Match of a read answers 304', () => {
    store.set('a', '1');
    const etag = store.etag('a');
    expect(store.run(kvGet, { table, key: 'a', ifNoneMatch: `"z", W/${etag}` })).toMatchObject({
      status: 304,
      text: '',
    });
    expect(store.run(kvGet, { table, key: 'a', ifNoneMatch: '"z"' }).status).toBe(200);
  });
});

describe('list', () => {
  test('pages by prefix in byte order', () => {
    for (const key of ['b', 'a:2', 'a:1', 'a:10', 'a;']) store.set(key, '1');
    const first = list({ prefix: 'a:', limit: 2 });
    expect(first).toMatchObject({ count: 2, limit: 2, has_more: true, next_after: 'a:10' });
    expect(first.items.map((item: { key: string }) => item.key)).toEqual(['a:1', 'a:10']);
    const second = list({ prefix: 'a:', limit: 2, after: 'a:10' });
    expect(second).toMatchObject({ count: 1, has_more: false, next_after: null });
    expect(list({ limit: 0 })).toMatchObject({ items: null, count: 0, has_more: false });
    expect(list({ offset: 4 }).items.map((item: { key: string }) => item.key)).toEqual(['b']);
    expect(first.items[0]).toMatchObject({ size: 1, content_type: 'application/json', etag: store.etag('a:1') });
  });

  test('an expired key does not shorten a page', () => {
    store.set('a', '1', { ttlSeconds: 1 });
    store.set('b', '1');
    store.set('c', '1');
    store.advance(2);
    expect(list({ limit: 2 }).items).toHaveLength(2);
  });
});

describe('idempotent writes', () => {
  const increment = (request: string) =>
    store.run(kvIncrement, {
      ...store.write('c', { op: 'INCR' as const, delta: 1n }),
      idempotency: { key: 'once', request },
    });

  test('the same request is answered again, another one with the same key is refused', () => {
    const first = increment('r1');
    const second = increment('r1');
    expect(second.text).toBe(first.text);
    expect(second.headers['idempotent-replayed']).toBe('true');
    expect(store.get('c')).toBe('1');
    expect(() => increment('r2')).toThrow(code('IDEMPOTENCY_KEY_MISMATCH'));
    store.advance(24 * 3600);
    expect(increment('r1').headers['idempotent-replayed']).toBe('true');
    store.advance(1);
    expect(increment('r2').json.value).toBe(2);
  });
});

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
    expect(list().items[0].etag).toBe(etag);
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

describe('tables', () => {
  test('a table of that name with other columns is refused and left alone', () => {
    store.native.exec('CREATE TABLE kv_store (id INTEGER PRIMARY KEY, name TEXT)');
    expect(() => store.set('a', '1')).toThrow(code('CONFLICT'));
    expect(() => store.run(kvGet, { table, key: 'a' })).toThrow(code('CONFLICT'));
    expect(store.native.prepare("SELECT count(*) FROM sqlite_master WHERE name LIKE 'hoody:%'").pluck().get()).toBe(0);
  });

  test.each(['', 'sqlite_x', 'hoody:kv_meta', '_query_history', 'a\0b'])('the table name %j is refused', (name) => {
    expect(() => store.run(kvGet, { table: name, key: 'a' })).toThrow(code('INVALID_PARAMETERS'));
  });

  test('odd table names work and tables do not see each other', () => {
    const names = ['odd "name"', "it's", 'x;y', 'ключи'];
    for (const name of names) store.run(kvSet, { ...store.write('k', { ...body(name), ttlSeconds: 0 }), table: name });
    for (const name of names) expect(store.run(kvEntry, { table: name, key: 'k' }).json.value).toBe(name);
  });

  /** The columns of a table that can be adopted, with one declared otherwise. */
  const columns = (changed: Record<string, string> = {}) =>
    Object.entries({
      key: 'TEXT PRIMARY KEY',
      value: '',
      content_type: 'TEXT',
      created_at: 'INTEGER',
      updated_at: 'INTEGER',
      expire_at: 'INTEGER',
      ...changed,
    })
      .map(([name, type]) => `${name} ${type}`)
      .join(', ');
  const strict = { value: 'ANY' };

  test.each([
    ['key with COLLATE NOCASE', columns({ key: 'TEXT COLLATE NOCASE PRIMARY KEY' }), '', 'key has COLLATE NOCASE'],
    ['key with COLLATE RTRIM', columns({ key: 'TEXT PRIMARY KEY COLLATE "rtrim"' }), '', 'key has COLLATE RTRIM'],
    ['value with COLLATE NOCASE', columns({ value: 'TEXT /* , */ COLLATE nocase' }), '', 'value has COLLATE NOCASE'],
    [
      'type with COLLATE',
      columns({ content_type: "TEXT DEFAULT ('x') COLLATE NOCASE" }),
      '',
      'content_type has COLLATE',
    ],
    ['unique in NOCASE only', columns({ key: 'TEXT', 'UNIQUE (key COLLATE NOCASE)': '' }), '', 'neither PRIMARY KEY'],
    ['unique with another', columns({ key: 'TEXT', 'PRIMARY KEY (key, value)': '' }), '', 'neither PRIMARY KEY'],
    ['key INTEGER', columns({ key: 'INTEGER PRIMARY KEY' }), '', 'key is declared INTEGER'],
    ['key NUMERIC', columns({ key: 'NUMERIC PRIMARY KEY' }), '', 'key is declared NUMERIC'],
    ['value INTEGER', columns({ value: 'INTEGER' }), '', 'value is declared INTEGER'],
    ['value JSON', columns({ value: 'JSON' }), '', 'value is declared JSON'],
    ['value REAL', columns({ value: 'DOUBLE' }), '', 'value is declared DOUBLE'],
    ['content_type NUMERIC', columns({ content_type: 'NUMERIC' }), '', 'content_type is declared NUMERIC'],
    ['expire_at TEXT', columns({ expire_at: 'TEXT' }), '', 'expire_at is declared TEXT'],
    ['created_at VARCHAR', columns({ created_at: 'VARCHAR(20)' }), '', 'created_at is declared VARCHAR(20)'],
    ['expire_at NOT NULL', columns({ expire_at: 'INTEGER NOT NULL DEFAULT 0' }), '', 'expire_at is NOT NULL'],
    ['value generated', columns({ value: "TEXT AS (key || 'x')" }), '', 'value is generated'],
    ['STRICT with value TEXT', columns({ value: 'TEXT' }), 'STRICT', 'value is declared TEXT in a STRICT table'],
    ['STRICT with value BLOB', columns({ value: 'BLOB' }), 'STRICT', 'value is declared BLOB in a STRICT table'],
    ['STRICT with key BLOB', columns({ ...strict, key: 'BLOB PRIMARY KEY' }), 'STRICT', 'key is declared BLOB'],
  ])('%s is refused with the reason, for reads and writes', (_, definition, suffix, reason) => {
    store.native.exec(`CREATE TABLE kv_store (${definition}) ${suffix}`);
    const refused = expect.objectContaining({ code: 'CONFLICT', message: expect.stringContaining(reason) });
    expect(() => store.set('007', '007')).toThrow(refused);
    expect(() => store.run(kvGet, { table, key: '007' })).toThrow(refused);
    expect(() => list()).toThrow(refused);
  });

  test.each([
    ['as simple as can be', columns({ key: 'PRIMARY KEY' }), ''],
    ['with types by other names', columns({ key: 'VARCHAR(9) UNIQUE', value: 'LONGBLOB', expire_at: 'DATETIME' }), ''],
    ['with COLLATE BINARY', columns({ key: 'TEXT COLLATE BINARY PRIMARY KEY', note: 'TEXT COLLATE NOCASE' }), ''],
    ['WITHOUT ROWID', columns(), 'WITHOUT ROWID'],
    ['STRICT', columns(strict), 'STRICT'],
    ['STRICT with ANY', columns({ ...strict, key: 'ANY PRIMARY KEY', expire_at: 'ANY' }), 'STRICT'],
    ['with generated columns of its own', columns({ size: 'INTEGER AS (length(value))' }), ''],
    ['with columns in capitals', columns().toUpperCase(), ''],
    ['with a CHECK', columns({ 'CHECK (key COLLATE NOCASE <> 1)': '' }), ''],
  ])('a table %s keeps what is written', (_, definition, suffix) => {
    store.native.exec(`CREATE TABLE kv_store (${definition}) ${suffix}`);
    const bytes = Buffer.from([0, 255, 1]);
    for (const key of ['007', '7', '7.0', 'a', 'A', 'a ']) {
      store.set(key, '007', { contentType: 'text/plain', ttlSeconds: 60 });
      expect(store.get(key)).toBe('007');
      store.run(kvSet, store.write(key, { body: bytes, ttlSeconds: 0 }));
      expect(store.call(kvGet, { table, key }).body).toEqual(bytes);
      expect(store.run(kvHistory, { table, key, limit: 9 }).json.operations[1].operation.new_value).toBe('007');
      expect(store.run(kvEntry, { table, key }).json).toMatchObject({ created_at: store.now, expire_at: null });
    }
    expect(list().items).toHaveLength(6);
  });

  test('a write that the table itself lets be ignored is refused, and the background does not insist', () => {
    store.set('k', '1', { ttlSeconds: 5 });
    store.native.exec(`CREATE TRIGGER guard_insert BEFORE INSERT ON kv_store WHEN NEW.key = 'no' BEGIN SELECT RAISE(IGNORE); END;
      CREATE TRIGGER guard_update BEFORE UPDATE ON kv_store BEGIN SELECT RAISE(IGNORE); END;
      CREATE TRIGGER guard_delete BEFORE DELETE ON kv_store BEGIN SELECT RAISE(IGNORE); END`);
    const ignored = expect.objectContaining({ code: 'CONFLICT', message: expect.stringContaining('be ignored') });
    expect(() => store.set('no', '1')).toThrow(ignored);
    expect(() => store.set('k', '2')).toThrow(ignored);
    expect(() => store.delete('k')).toThrow(ignored);
    expect(() => store.run(kvExpire, store.write('k', { ttlSeconds: 60 }))).toThrow(ignored);
    expect(store.get('k')).toBe('1');
    store.advance(60);
    expect(store.call(kvRetain, { maxAgeSeconds: 0, maxOps: 0, progress: {} }).hasMore).toBe(false);
  });

  test('a table made by SQL with the right columns is adopted, its rows included', () => {
    store.native.exec(`CREATE TABLE kv_store (key TEXT PRIMARY KEY, value, content_type TEXT, created_at INTEGER,
      updated_at INTEGER, expire_at INTEGER, note TEXT);
      INSERT INTO kv_store (key, value) VALUES ('old', 7)`);
    expect(store.get('old')).toBe('7');
    store.set('new', '1');
    const tag = store.etag('old');
    store.native.exec("UPDATE kv_store SET value = 8 WHERE key = 'old'");
    expect(store.etag('old')).not.toBe(tag);
    expect(store.run(kvDelete, store.write('old', {})).json.deleted).toBe(true);
  });
});
