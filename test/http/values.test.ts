// Values and statements that are hard to keep or to answer: nested without limit, text that is no text, numbers beyond
// a double.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { useDaemon } from '../helpers/http.ts';

const api = useDaemon(['--create-on-write']);
const json = { 'content-type': 'application/json' };
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

async function executorDeaths(): Promise<string | undefined> {
  const { text } = await api().call('GET', '//metrics');
  return /^hoody_sqlite_executor_deaths_total (\d+)$/m.exec(text)?.[1];
}

describe('JSON that is nested without limit', () => {
  const deep = nested(6_000);

  test('is refused where it is sent as JSON, and kept as bytes where it is not', async () => {
    const { call } = api();
    const put = await call('PUT', '/kv/k?db=deep', { body: deep, headers: json });
    expect([put.status, put.json.code]).toEqual([400, 'INVALID_JSON_VALUE']);
    expect(put.json.error).toContain('nested deeper than 1000 levels');
    expect((await call('PUT', '/kv/most?db=deep', { body: nested(1_000), headers: json })).status).toBe(200);
    expect((await call('GET', '/kv/most/entry?db=deep', { headers: json })).text).toContain(`"value":${nested(1_000)}`);
    expect((await call('PUT', '/kv/bytes?db=deep', { body: deep })).status).toBe(200);
    expect((await call('GET', '/kv/bytes?db=deep')).text).toBe(deep);
    for (const [path, body] of [
      ['/kv/l/push', deep],
      ['/kv/l/remove', `{"value":${deep}}`],
      ['/kv/batch/set', `{"batch":[{"key":"a","value":${deep}}]}`],
      ['/kv/batch/get', `{"keys":[${deep}]}`],
      ['/kv/batch/delete', `{"keys":[${deep}]}`],
      ['/db', `{"transaction":[{"query":"SELECT 1","values":${deep}}]}`],
    ]) {
      const refused = await call('POST', `${path}?db=deep`, { body: body ?? '' });
      expect([path, refused.status, refused.json.code]).toEqual([path, 400, 'INVALID_PARAMETERS']);
    }
    expect((await call('PUT', '/kv/most?db=deep&path=a', { body: deep })).status).toBe(400);
    expect((await call('PUT', `/kv/most?db=deep&path=${'[0]'.repeat(200)}`, { body: nested(900) })).status).toBe(400);
    expect(await executorDeaths()).toBe('0');
  });

  test('is answered as bytes where a native program has stored it', async () => {
    const { call } = api();
    await call('PUT', '/kv/k?db=stored', { body: '1', headers: json });
    const { cursor } = (await call('GET', '/changes?db=stored')).json;
    const path = join(api().daemon.root, 'stored.db');
    const write = `UPDATE kv_store SET value = '${nested(100_000)}'`;
    expect(spawnSync('sqlite3', ['-cmd', '.timeout 9000', path], { input: write }).status).toBe(0);
    const now = Math.floor(Date.now() / 1000);
    const base64 = Buffer.from(nested(100_000)).toString('base64');
    for (const question of [
      ['GET', `/changes?db=stored&since=${cursor}&include_values=true`],
      ['GET', '/kv/k/entry?db=stored'],
      ['POST', '/kv/batch/get?db=stored', '{"keys":["k"]}'],
      ['GET', '/kv/k/history?db=stored'],
      ['GET', '/kv/k/snapshot?db=stored&op_number=2'],
      ['GET', `/kv/snapshot?db=stored&timestamp=${now}`],
      ['GET', `/kv/diff?db=stored&from=1&to=${now}`],
      ['GET', `/kv/k?db=stored&at_timestamp=${now}`],
    ]) {
      const [method = '', place = '', body] = question;
      const answer = await call(method, place, body === undefined ? {} : { body });
      expect([place, answer.status]).toEqual([place, 200]);
      if (!place.includes('include_values')) expect(answer.text).toContain(base64);
    }
    expect((await call('GET', '/kv/k?db=stored&path=[0]')).status).toBe(400);
    expect((await call('POST', '/kv/k/push?db=stored', { body: '1' })).status).toBe(400);
    expect(await executorDeaths()).toBe('0');
  });
});

describe('text that is no text', () => {
  test('is refused in values and statements with its place, and nothing is written', async () => {
    const { call, sql } = api();
    await sql('text', { statement: 'CREATE TABLE t(a, b)' });
    const refusals = [
      [
        '{"statement":"INSERT INTO t VALUES(1, 2)"},{"statement":"INSERT INTO t VALUES(?, ?)","values":["x","\\ud800"]}',
        1,
        'parameter 2',
      ],
      [
        '{"statement":"INSERT INTO t(a) VALUES(?)","valuesBatch":[["x"],["\\udc00"]]}',
        0,
        'row 1: the value of parameter 1',
      ],
      ['{"statement":"INSERT INTO t VALUES(1, \'\\ud83d\')"}', 0, 'half of a surrogate pair at position 26'],
      ['{"statement":"INSERT INTO t(a) VALUES(:n)","values":{"n":1E400}}', 0, 'parameter :n is beyond'],
      ['{"statement":"INSERT INTO t(a) VALUES(?)","values":[1234567890123456789012]}', 0, 'parameter 1 does not fit'],
    ] as const;
    for (const [items, reqIdx, place] of refusals) {
      const refused = await call('POST', '/db?db=text', { body: `{"transaction":[${items}]}` });
      expect([refused.status, refused.json.reqIdx]).toEqual([400, reqIdx]);
      expect(refused.json.error).toContain(place);
    }
    expect((await sql('text', { query: 'SELECT count(*) AS n FROM t' })).json.results[0].resultSet).toEqual([{ n: 0 }]);
    // What the query history keeps of such statements can be read by every program.
    await call('GET', '/history?db=text');
    const path = join(api().daemon.root, 'text.db');
    const read =
      "import sqlite3,sys; print(len(sqlite3.connect(sys.argv[1], timeout=9).execute('SELECT sql, error FROM _query_history').fetchall()))";
    // It is written a moment after the answer.
    await eventually(() => {
      const python = spawnSync('python3', ['-c', read, path], { encoding: 'utf8' });
      expect([python.stderr, Number(python.stdout) > 4]).toEqual(['', true]);
    });
  });
});

describe('text of a native program that is no UTF-8', () => {
  const rows = `CREATE TABLE t(a, b); INSERT INTO t VALUES (1, CAST(x'61ff' AS TEXT)), (2, 'a' || char(65533)), (3, x'62'),
    (4, 'c'), (5, 12345678901), (6, 1.0), (7, NULL)`;
  const given = (path: string, before = '') => {
    const write = spawnSync('sqlite3', [join(api().daemon.root, path)], {
      input: `${before}${rows}`,
      encoding: 'utf8',
    });
    expect(write.stderr).toBe('');
  };

  test('is answered by SQL as its bytes, and its neighbours as before', async () => {
    const { call, sql } = api();
    given('latin.db');
    const exact = ['Yf8=', 'a\ufffd', 'Yg==', 'c', 12345678901, 1, null];
    const statement = { query: 'SELECT b, b FROM t WHERE a >= ? ORDER BY a DESC -- all', values: [1] };
    const { results } = (await sql('latin', statement)).json;
    expect(results[0].resultHeaders).toEqual(['b', 'b:2']);
    expect(results[0].resultSet).toEqual(exact.toReversed().map((b) => ({ b, 'b:2': b })));
    const named = { query: 'WITH x AS (SELECT b FROM t WHERE a = :n) SELECT b FROM x', params: { n: 1 } };
    expect((await sql('latin', named)).json.results[0].resultSet).toEqual([{ b: 'Yf8=' }]);
    const shared = await call('GET', `/query?db=latin&sql=${encodeURIComponent('SELECT b FROM t ORDER BY a LIMIT 3')}`);
    expect(shared.json.resultSet).toEqual([{ b: { value_base64: 'Yf8=' } }, { b: 'a\ufffd' }, { b: 'b' }]);
    // It runs once.
    const returned = await sql('latin', { statement: 'UPDATE t SET a = a + 10 WHERE a < 3 RETURNING a, b' });
    expect(returned.json.results[0].resultSet).toEqual([
      { a: 11, b: 'Yf8=' },
      { a: 12, b: 'a\ufffd' },
    ]);
  });

  test('is not asked for in a UTF-16 database', async () => {
    given('wide.db', "PRAGMA encoding='UTF-16le';");
    const { results } = (await api().sql('wide', { query: 'SELECT b FROM t WHERE a = 2' })).json;
    expect(results[0].resultSet).toEqual([{ b: 'a\ufffd' }]);
  });
});

test('a value in an answer is written as it is stored', async () => {
  const { call } = api();
  const value = '{"10":1.0,"2":1E400,"n":1234567890123456789012,"e":"\\u00e9"}';
  await call('PUT', '/kv/k?db=written', { body: `${value.replace('{', '{\n ')}\n`, headers: json });
  const { cursor } = (await call('GET', '/changes?db=written')).json;
  await call('PUT', '/kv/k?db=written&path=e', { body: '"\\u00e9"' });
  for (const path of ['/kv/k/entry?db=written', `/changes?db=written&since=${cursor}&include_values=true`]) {
    expect((await call('GET', path, { headers: json })).text).toContain(`"value":${value}`);
  }
  expect((await call('GET', '/kv/k?db=written')).text).toBe(`${value.replace('{', '{\n ')}\n`);
  expect((await call('GET', '/kv/k?db=written&path=n')).text).toBe('1234567890123456789012');
  const bom = await call('GET', `/query?db=written&sql=${encodeURIComponent("SELECT x'efbbbf61' AS a")}`);
  expect(bom.json.resultSet).toEqual([{ a: '\ufeffa' }]);
});
