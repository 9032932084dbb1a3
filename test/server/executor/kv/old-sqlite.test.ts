// What we create in a database works for SQLite 3.8 (2013): sql.js 0.1.1 is SQLite 3.8.4.3, the oldest that npm has.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { kvHistory } from '../../../../server/executor/kv/past/history.ts';
import { TestStore } from '../../../helpers/kv-store.ts';

interface OldDatabase {
  exec(sql: string): { columns: string[]; values: unknown[][] }[];
  export(): Uint8Array;
}

let store: TestStore;
beforeEach(() => {
  store = new TestStore();
});
afterEach(() => store.close());

/** Its loader reads its own source text in the spelling of Node of that time. */
function loadOldSqlite(): new (bytes?: Uint8Array) => OldDatabase {
  const original = Function.prototype.toString;
  Function.prototype.toString = function (this: unknown): string {
    return original
      .call(this)
      .replace(/^function\(/, 'function (')
      .replace(/\)\{/, ') {');
  };
  try {
    return createRequire(import.meta.url)('sql.js').Database;
  } finally {
    Function.prototype.toString = original;
  }
}

/** It knows no WAL and no files: the database is handed over as bytes, and taken back. */
function withOldSqlite(use: (database: OldDatabase) => void): void {
  store.whileClosed(() => {
    const database = new (loadOldSqlite())(readFileSync(store.path));
    expect(database.exec('SELECT sqlite_version()')[0]?.values).toEqual([['3.8.4.3']]);
    use(database);
    writeFileSync(store.path, database.export());
  });
}

function history(key: string): (string | null)[][] {
  const { operations } = store.run(kvHistory, { table: 'kv_store', key, limit: 100 }).json;
  return operations
    .map(({ operation }: { operation: Record<string, string | null> }) => [
      operation.op,
      operation.raw_old_value,
      operation.raw_new_value,
    ])
    .reverse();
}

const raw = (text: string) => Buffer.from(text).toString('base64');

test('SQLite 3.8 reads and writes a KV table, and the triggers see what it does', { timeout: 100_000 }, () => {
  for (const key of ['a', 'b', 'c', 'd']) store.set(key, '1');
  withOldSqlite((old) => {
    expect(old.exec('SELECT key FROM kv_store ORDER BY key')[0]?.values).toEqual([['a'], ['b'], ['c'], ['d']]);
    old.exec("UPDATE kv_store SET value = '2' WHERE key = 'a'");
    old.exec("REPLACE INTO kv_store (key, value) VALUES ('b', '2')");
    old.exec("DELETE FROM kv_store WHERE key = 'c'");
    old.exec("UPDATE kv_store SET key = 'e' WHERE key = 'd'");
    old.exec("INSERT INTO kv_store (key, value) VALUES ('n', 'x')");
    expect(old.exec('SELECT count(*) FROM kv_store_history')[0]?.values).toEqual([['10']]);
    expect(old.exec('PRAGMA integrity_check')[0]?.values).toEqual([['ok']]);
  });
  const set1 = ['SET', null, raw('1')];
  expect(history('a')).toEqual([set1, ['SET', raw('1'), raw('2')]]);
  expect(history('b')).toEqual([set1, ['SET', raw('1'), raw('2')]]);
  expect(history('c')).toEqual([set1, ['DELETE', raw('1'), null]]);
  expect(history('d')).toEqual([set1, ['DELETE', raw('1'), null]]);
  expect(history('e')).toEqual([set1]);
  expect(history('n')).toEqual([['SET', null, raw('x')]]);
  store.set('a', '3');
  expect(history('a')).toHaveLength(3);
});
