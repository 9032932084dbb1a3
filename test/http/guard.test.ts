// SQLite is the guard of what SQL may do: a sample of test/server/executor/guard over real HTTP and a real mount.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { useDaemon } from '../helpers/http.ts';

const api = useDaemon();
const sql = (...items: object[]) => api().sql('guarded', ...items);
const query = (text: string) => api().call('GET', `/query?db=guarded&sql=${encodeURIComponent(text)}`);
const path = () => join(api().daemon.mount, 'guarded.db');
/** As a native program, with stock SQLite. */
const native = (text: string) => execFileSync('sqlite3', [path(), text], { encoding: 'utf8' }).trim();

beforeAll(async () => {
  await api().call('PUT', '/kv/first?db=guarded&create_db_if_missing=true', { body: 'one' });
  await sql({ statement: 'CREATE TABLE t (id INTEGER, name TEXT, status TEXT)' });
});

describe.each(['\ufeff', '/* \ufeff */\ufeff', '-- x\n\t\ufeff', ' \v'])('behind %j', (before) => {
  test.each([
    "ATTACH '/hoody/other.db' AS x",
    "VACUUM INTO '/tmp/hoody-copied.db'",
    'COMMIT',
    'ROLLBACK',
    'SAVEPOINT item',
    'PRAGMA query_only=ON',
    'PRAGMA writable_schema=ON',
    'PRAGMA journal_mode=OFF',
  ])('%s is refused', async (statement) => {
    const { status, json } = await sql({ statement: before + statement });
    expect([status, json.code]).toEqual([400, 'SQL_ERROR']);
    expect((await query(before + statement)).status).toBe(400);
    expect((await query('SELECT name FROM pragma_database_list')).json.resultSet).toEqual([{ name: 'main' }]);
    expect((await sql({ statement: "INSERT INTO t(name) VALUES ('goes on')" })).status).toBe(200);
    expect(existsSync('/tmp/hoody-copied.db')).toBe(false);
  });
});

test.each([
  "UPDATE OR IGNORE 'hoody:kv_log:kv_store' SET op = 9",
  "DROP TRIGGER 'hoody:kv_insert:kv_store'",
  "SELECT * FROM t, 'hoody:kv_log:kv_store'",
  'SELECT * FROM t,[hoody:kv_meta]',
  "DELETE FROM 'sqlite_sequence'",
  "INSERT INTO main.'HOODY:KV_META'(name, id) VALUES ('x', 'y')",
  "ALTER TABLE t RENAME TO 'hoody:kv_log:t'",
])('%s is a conflict', async (statement) => {
  // The last table of SQLite's own exists once something counts by itself.
  await sql({ statement: 'CREATE TABLE IF NOT EXISTS counted (id INTEGER PRIMARY KEY AUTOINCREMENT)' });
  const { status, json } = await sql({ statement });
  expect([status, json.code]).toEqual([409, 'CONFLICT']);
});

test('a TEMP table that shadows a KV table does not live to the next request', async () => {
  const made = await sql({ statement: '\ufeffCREATE TABLE temp.kv_store (key, value)' });
  expect(made.status).toBe(200);
  expect((await api().call('GET', '/kv/first?db=guarded')).text).toBe('one');
  expect((await query('SELECT count(*) AS n FROM kv_store')).json.resultSet).toEqual([{ n: 1 }]);
});

test('"text" in triggers and views that a native program made works for SQL and for key-value writes', async () => {
  native(`CREATE TABLE log (msg);
    CREATE TRIGGER noted AFTER INSERT ON kv_store BEGIN INSERT INTO log VALUES ("noted"); END;
    CREATE VIEW open_orders AS SELECT * FROM t WHERE status <> "done";`);
  expect((await api().call('PUT', '/kv/second?db=guarded', { body: 'two' })).status).toBe(200);
  expect((await sql({ statement: "INSERT INTO kv_store(key, value) VALUES ('third', '3')" })).status).toBe(200);
  expect((await query('SELECT count(*) AS n FROM open_orders')).json.resultSet).toEqual([{ n: 0 }]);
  expect(native('SELECT msg FROM log')).toBe('noted\nnoted');
});

test('"text" means in every part of a statement what stock SQLite takes it for', async () => {
  await sql({ statement: `INSERT INTO t VALUES (1, 'one', 'done')` });
  for (const text of [
    `SELECT count(*) AS n FROM t WHERE "status"='done' UNION ALL SELECT count(*) FROM log WHERE msg="status"`,
    'SELECT "id","name" UNION ALL SELECT "id","name" FROM t WHERE id = 1',
  ]) {
    const { json } = await sql({ query: text });
    expect(json.results[0].resultSet.map((row: object) => Object.values(row).join('|')).join('\n')).toBe(native(text));
  }
});

test('nothing was left beside the database', () => {
  expect(readdirSync(api().daemon.mount).filter((name) => !name.startsWith('guarded.db'))).toEqual([]);
});
