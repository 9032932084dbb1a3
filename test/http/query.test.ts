// GET /query and the query history, through a real mount.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { request, useDaemon } from '../helpers/http.ts';
import { withServer } from '../helpers/server.ts';

const api = useDaemon();
const query = (sql: string, db = 'app') => api().call('GET', `/query?db=${db}&sql=${sql}`);
const plain = (sql: string, db?: string) => query(encodeURIComponent(sql), db);

beforeAll(async () => {
  await api().sql(
    'app',
    { statement: 'CREATE TABLE users(id INTEGER PRIMARY KEY, name, data)' },
    { statement: "INSERT INTO users VALUES (1, 'Alice', x'00ff'), (2, 'Bob', CAST('text' AS BLOB))" },
  );
});

describe('GET /query', () => {
  test('answers the rows of base64, base64url and plain SQL, padded or not', async () => {
    const sql = "SELECT id, name FROM users WHERE name > 'Alice>>>???' ORDER BY id";
    const expected = {
      success: true,
      query: sql,
      columns: ['id', 'name'],
      resultSet: [{ id: 2, name: 'Bob' }],
      rowCount: 1,
      truncated: false,
    };
    const base64 = Buffer.from(sql).toString('base64');
    // btoa() without URL encoding, as the seed does: a + arrives as a space.
    for (const text of [base64, base64.replaceAll('=', ''), Buffer.from(sql).toString('base64url')]) {
      expect((await query(text)).json).toEqual(expected);
    }
    expect((await plain(sql)).json).toEqual(expected);
  });

  test('a + that arrives as a space is base64 all the same', async () => {
    const sql = "SELECT '>>>~~~>>>' AS a";
    const base64 = Buffer.from(sql).toString('base64');
    expect(base64).toContain('+');
    expect((await query(base64)).json.resultSet).toEqual([{ a: '>>>~~~>>>' }]);
  });

  test('btoa() of text beyond ASCII is Latin-1, and the text is what was meant', async () => {
    const sql = "SELECT 'Zo\u00eb, \u00a3 5' AS a";
    expect(btoa(sql)).toBe(Buffer.from(sql, 'latin1').toString('base64'));
    for (const base64 of [btoa(sql), Buffer.from(sql).toString('base64')]) {
      expect((await query(encodeURIComponent(base64))).json).toMatchObject({
        query: sql,
        resultSet: [{ a: 'Zo\u00eb, \u00a3 5' }],
      });
    }
    const replacement = "SELECT '\ufffd' AS a";
    expect((await query(Buffer.from(replacement).toString('base64url'))).json.resultSet).toEqual([{ a: '\ufffd' }]);
  });

  test('no rows are null, a BLOB is text where it is UTF-8', async () => {
    expect((await plain('SELECT * FROM users WHERE 0')).json).toMatchObject({ resultSet: null, rowCount: 0 });
    expect((await plain('SELECT data FROM users ORDER BY id')).json.resultSet).toEqual([
      { data: { value_base64: 'AP8=' } },
      { data: 'text' },
    ]);
  });

  test('WITH, replace() and a semicolon in a string are reading', async () => {
    expect((await plain("WITH a(x) AS (SELECT 'a;b') SELECT replace(x, 'a', 'c') AS x FROM a")).json.resultSet).toEqual(
      [{ x: 'c;b' }],
    );
  });

  test.each([
    'DELETE FROM users',
    'INSERT INTO users(name) VALUES (1) RETURNING *',
    'WITH a AS (SELECT 1) DELETE FROM users',
    'WITH a AS (SELECT 1) INSERT INTO users(name) SELECT * FROM a RETURNING id',
    'SELECT 1; DELETE FROM users',
    'SELECT 1;',
    'PRAGMA user_version = 5',
    'PRAGMA user_version',
    'VACUUM',
    "ATTACH '/tmp/hoody-attached.db' AS x",
    'EXPLAIN SELECT 1',
    '/* SELECT */ DROP TABLE users',
    'x',
  ])('%s is refused', async (sql) => {
    for (const text of [encodeURIComponent(sql), encodeURIComponent(Buffer.from(sql).toString('base64'))]) {
      const { status, json } = await query(text);
      expect([status, json.code]).toEqual([400, 'INVALID_PARAMETERS']);
    }
    expect(existsSync('/tmp/hoody-attached.db')).toBe(false);
    expect((await plain('SELECT count(*) AS n FROM users')).json.resultSet).toEqual([{ n: 2 }]);
  });

  test('errors have their codes', async () => {
    const codes = async (sql: string) => {
      const { status, json } = await plain(sql);
      return [status, json.code];
    };
    expect(await codes('SELECT * FROM nowhere')).toEqual([400, 'SQL_ERROR']);
    expect(await codes('SELECT 9e999')).toEqual([500, 'INTERNAL_ERROR']);
    expect(await codes("SELECT load_extension('x')")).toEqual([400, 'SQL_ERROR']);
    for (const parameter of ['?', '?2', ':a', '@a', '$a']) {
      expect(await codes(`SELECT ${parameter}`)).toEqual([400, 'SQL_BIND_ERROR']);
    }
    expect(await codes('SELECT 1 \0')).toEqual([400, 'SQL_ERROR']);
    expect((await api().call('GET', '/query?db=app')).json.code).toBe('INVALID_PARAMETERS');
  });

  test('may be framed and linked by any page, and read by none that --cors-origin does not name', async () => {
    const path = '/query?db=app&sql=SELECT%201';
    const framed = await api().call('GET', path, { headers: { 'sec-fetch-dest': 'iframe' } });
    expect(framed.status).toBe(200);
    expect(framed.headers).not.toHaveProperty('x-frame-options');
    expect(framed.headers['content-security-policy']).toBe('sandbox');
    const origin = 'https://page.example';
    const read = await api().call('GET', path, { headers: { origin } });
    expect([read.status, read.json.code]).toEqual([403, 'FORBIDDEN']);
    expect(read.headers).not.toHaveProperty('access-control-allow-origin');
    await withServer({ corsOrigins: [origin] }, async ({ url }) => {
      await request(`${url}/api/v1/sqlite/db/create?path=app`, 'POST');
      const allowed = await request(`${url}/api/v1/sqlite${path}`, 'GET', { headers: { origin } });
      expect([allowed.status, allowed.headers['access-control-allow-origin']]).toEqual([200, origin]);
    });
  });
});

describe('the query history', () => {
  const history = async (more = '', db = 'hist') => (await api().call('GET', `/history?db=${db}${more}`)).json;

  test('holds every item, newest first, failed ones with their error', async () => {
    await api().call('POST', '/db/create?path=hist&init_kv=true');
    expect(await history()).toEqual({ count: 0, total: 0, limit: 100, offset: 0, history: null, entries: null });
    await api().sql('hist', { statement: 'CREATE TABLE t(a UNIQUE)' }, { query: 'SELECT 1' });
    await api().sql('hist', { statement: 'INSERT INTO t VALUES (1)' }, { statement: 'INSERT INTO t VALUES (1)' });
    await api().call('GET', '/query?db=hist&sql=SELECT%202');
    await api().call('PUT', '/kv/k?db=hist', { body: 'v' });
    const found = await history();
    expect(found).toMatchObject({ count: 6, total: 6 });
    expect(found.entries).toEqual(found.history);
    const brief = found.history.map((entry: Record<string, unknown>) => [
      entry.source,
      entry.is_statement,
      entry.success,
      'error' in entry,
    ]);
    expect(brief).toEqual([
      ['kv', true, true, false],
      ['sql', false, true, false],
      ['sql', true, false, true],
      ['sql', true, false, true],
      ['sql', false, true, false],
      ['sql', true, true, false],
    ]);
    expect(found.history[4]).toMatchObject({
      sql: 'SELECT 1',
      row_count: 1,
      client_ip: '127.0.0.1',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      execution_time_ms: expect.any(Number),
      id: expect.any(Number),
    });
  });

  test('pages, and refuses a malformed page', async () => {
    const page = await history('&limit=2&offset=1');
    expect([page.count, page.total, page.limit, page.offset]).toEqual([2, 6, 2, 1]);
    expect((await history('&limit=0')).limit).toBe(100);
    expect((await history('&limit=5000')).limit).toBe(1000);
    expect((await history('&limit=-1')).code).toBe('INVALID_PARAMETERS');
    expect((await history('&limit=x')).code).toBe('INVALID_PARAMETERS');
  });

  test('counts', async () => {
    const { json } = await api().call('GET', '/history/stats?db=hist');
    expect(json).toMatchObject({ total_queries: 6, success_count: 4, failure_count: 2, last_minute: 6, last_hour: 6 });
    expect(json.avg_exec_time_ms).toBeGreaterThanOrEqual(0);
  });

  test('loses an entry or everything on request', async () => {
    const { id } = (await history()).history[0];
    expect((await api().call('DELETE', `/history/${id}?db=hist`)).json).toMatchObject({ success: true });
    const again = await api().call('DELETE', `/history/${id}?db=hist`);
    expect([again.status, again.json.code]).toEqual([404, 'HISTORY_ENTRY_NOT_FOUND']);
    expect((await api().call('DELETE', '/history/x?db=hist')).json.code).toBe('INVALID_PARAMETERS');
    expect((await api().call('DELETE', '/history?db=hist')).json).toEqual({
      success: true,
      message: 'history cleared',
    });
    expect((await history()).total).toBe(0);
    // An id that somebody still has never comes to name another entry.
    await api().sql('hist', { statement: 'CREATE TABLE IF NOT EXISTS other(a)' });
    expect((await history()).history[0].id).toBeGreaterThan(id);
  });

  test('keeps the newest 1000', async () => {
    const items = Array.from({ length: 1100 }, (_, index) => ({ query: `SELECT ${index}` }));
    await api().sql('hist', { statement: 'CREATE TABLE IF NOT EXISTS other(a)' });
    await api().sql('hist', ...items);
    const found = await history('&limit=1000');
    expect([found.total, found.count, found.history[0].sql]).toEqual([1000, 1000, 'SELECT 1099']);
  });

  test('is never begun by a read', async () => {
    const path = join(api().daemon.root, 'native.db');
    expect(spawnSync('sqlite3', [path, 'CREATE TABLE t(a)']).status).toBe(0);
    await api().call('GET', '/query?db=native&sql=SELECT%201');
    await api().call('POST', '/db?db=native', { body: { transaction: [{ query: 'SELECT 1' }] } });
    expect(await history('', 'native')).toMatchObject({ total: 0, entries: null });
    expect((await api().call('GET', '/history/stats?db=native')).json.total_queries).toBe(0);
    const tables = spawnSync('sqlite3', [path, 'SELECT name FROM sqlite_master'], { encoding: 'utf8' });
    expect(tables.stdout).toBe('t\n');
  });
});
