// Which tables serve as key-value tables: those made by hand with columns that keep what is written, and no others.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { kvHistory } from '../../../../server/executor/kv/past/history.ts';
import { kvDelete, kvEntry, kvExpire, kvGet, kvSet } from '../../../../server/executor/kv/store/store.ts';
import { kvRetain } from '../../../../server/executor/kv/upkeep/retention.ts';
import { body, TestStore, table } from '../../../helpers/kv-store.ts';

let store: TestStore;
beforeEach(() => {
  store = new TestStore();
});
afterEach(() => store.close());

const code = (value: string) => expect.objectContaining({ code: value });

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
    expect(() => store.list()).toThrow(refused);
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
    expect(store.list().items).toHaveLength(6);
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
