// A program that was built without a C compiler: SQL is limited to what its words show to be harmless, and everybody is
// told.
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withDaemon } from '../helpers/daemon.ts';
import { type Api, apiOf } from '../helpers/http.ts';
import { run } from '../helpers/process.ts';

const checkout = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
const program = join(folder, 'dist/daemon/main.js');
let api: Api;
let finish = () => {};
let session: Promise<void>;

beforeAll(async () => {
  for (const name of ['dist', 'package.json']) cpSync(join(checkout, name), join(folder, name), { recursive: true });
  symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'));
  const guard = join(folder, 'dist/server/executor/guard');
  for (const name of readdirSync(guard)) if (name.endsWith('.so')) rmSync(join(guard, name));
  await new Promise<void>((ready, reject) => {
    const use = (daemon: Parameters<typeof apiOf>[0]) => {
      api = apiOf(daemon);
      ready();
      return new Promise<void>((end) => {
        finish = end;
      });
    };
    session = withDaemon(['--no-mount'], use, { program });
    session.catch(reject);
  });
});

afterAll(async () => {
  finish();
  await session;
  rmSync(folder, { recursive: true, force: true });
});

const sql = (statement: string) => api.sql('plain', { statement });

test('check and the log of a start say so', async () => {
  const check = await run(process.execPath, [program, 'check', '--data', join(folder, 'data'), '--run-dir', folder]);
  expect(check.stdout).toMatch(/WARN SQL guard +SQL over HTTP is limited .*\n +apt-get install -y gcc libc6-dev/);
  expect(api.daemon.stderr()).toContain('sql-guard-missing');
});

test('everyday SQL and key-value work go on', async () => {
  for (const statement of [
    'CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, temp, a UNIQUE)',
    'CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET temp = 1; END',
    "INSERT INTO t(a) VALUES ('x') ON CONFLICT DO UPDATE SET a = 'edit' RETURNING id",
    "WITH c AS (SELECT 1) SELECT *, row_number() OVER () FROM c, t WHERE a LIKE '%hoody%' OR a = 'x'",
    "SELECT name FROM pragma_table_info('t')",
    'PRAGMA journal_mode=WAL',
    'PRAGMA table_info(t)',
    'ALTER TABLE t ADD COLUMN b',
    'DROP TABLE t',
  ]) {
    expect([statement, (await sql(statement)).status]).toEqual([statement, 200]);
  }
  expect((await api.call('PUT', '/kv/k?db=plain', { body: 'v' })).status).toBe(200);
  expect((await api.call('GET', '/kv/k?db=plain')).text).toBe('v');
  expect((await api.call('GET', '/query?db=plain&sql=SELECT+1+AS+one')).json.resultSet).toEqual([{ one: 1 }]);
});

test.each([
  ["ATTACH '/tmp/hoody-other.db' AS x", 400],
  ["\ufeffATTACH '/tmp/hoody-other.db' AS x", 400],
  [" \v\ufeffVACUUM INTO '/tmp/hoody-other.db'", 400],
  ['\ufeffCOMMIT', 400],
  ['EXPLAIN SELECT 1', 400],
  ['CREATE VIRTUAL TABLE f USING fts5(a)', 400],
  ["SELECT load_extension('x')", 400],
  ['SELECT "load_extension"(\'x\')', 400],
  ['PRAGMA journal_mode=OFF', 400],
  ['PRAGMA writable_schema=ON', 400],
  ['SELECT * FROM pragma_wal_checkpoint', 400],
  ['SELECT * FROM pragma_optimize', 400],
  ["UPDATE OR IGNORE 'hoody:kv_meta' SET id = 1", 409],
  ["SELECT * FROM kv_store, 'hoody:kv_log:kv_store'", 409],
  ["DROP TRIGGER 'hoody:kv_insert:kv_store'", 409],
])('%s is refused', async (statement, status) => {
  const answer = await sql(statement);
  expect([answer.status, answer.json.error]).toEqual([status, expect.any(String)]);
  expect(existsSync('/tmp/hoody-other.db')).toBe(false);
});

test('a TEMP table does not live to the next request', async () => {
  expect((await sql('CREATE TABLE temp.kv_store (key, value)')).status).toBe(200);
  expect((await api.call('GET', '/kv/k?db=plain')).text).toBe('v');
});
