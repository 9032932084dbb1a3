// POST /db: what is refused, what a failure undoes, and what it leaves alone.
import { describe, expect, test } from 'vitest';
import { useDaemon } from '../helpers/http.ts';
import { sqlItems } from './sql-items.ts';

const api = useDaemon();
const { sql, last, table } = sqlItems(api);

describe('noFail', () => {
  test('a failed item is undone alone', async () => {
    const t = await table();
    const { json } = await sql(
      { statement: `INSERT INTO ${t}(b) VALUES ('one')` },
      { statement: `INSERT INTO ${t}(b) VALUES ('two'); INSERT INTO ${t}(b) VALUES ('one')`, noFail: true },
      { statement: 'SELEKT', noFail: true },
      { statement: 'COMMIT', noFail: true },
      { query: `SELECT b FROM ${t}` },
    );
    expect(json.results.map((item: { code?: string }) => item.code)).toEqual([
      undefined,
      'SQL_CONSTRAINT',
      'SQL_ERROR',
      'SQL_ERROR',
      undefined,
    ]);
    expect(json.results[1]).not.toHaveProperty('reqIdx');
    expect(json.results[4].resultSet).toEqual([{ b: 'one' }]);
  });

  test('failed rows of a valuesBatch are skipped and named', async () => {
    const t = await table();
    const item = await last({
      statement: `INSERT INTO ${t}(b) VALUES (?)`,
      valuesBatch: [['x'], ['x'], ['y']],
      noFail: true,
    });
    expect(item).toMatchObject({ success: true, rowsUpdatedBatch: [1, 1] });
    expect(item.rowErrors).toHaveLength(1);
  });

  test('a failure that ends the transaction ends the request', async () => {
    const t = await table();
    const { status, json } = await sql(
      { statement: `INSERT INTO ${t}(b) VALUES ('x')` },
      { statement: `INSERT OR ROLLBACK INTO ${t}(b) VALUES ('x')`, noFail: true },
      { statement: `INSERT INTO ${t}(b) VALUES ('z')` },
    );
    expect([status, json.reqIdx, json.code]).toEqual([409, 1, 'SQL_CONSTRAINT']);
    expect((await last({ query: `SELECT count(*) AS n FROM ${t}` })).resultSet).toEqual([{ n: 0 }]);
  });
});

describe('refuses', () => {
  const cases: [string, object[], number, string, number][] = [
    ['an unknown member', [{ query: 'SELECT 1' }, { query: 'SELECT 1', valeus: [] }], 400, 'UNKNOWN_FIELD', 1],
    ['values and params that differ', [{ query: 'SELECT ?', values: [1], params: [2] }], 400, 'VALUES_CONFLICT', 0],
    ['a null beside values', [{ query: 'SELECT ?', values: [1], params: null }], 400, 'VALUES_CONFLICT', 0],
    ['two texts', [{ query: 'SELECT 1', statement: 'SELECT 1' }], 400, 'INVALID_PARAMETERS', 0],
    ['no text', [{ values: [] }], 400, 'INVALID_PARAMETERS', 0],
    ['a text that is none', [{ sql: 5 }], 400, 'INVALID_PARAMETERS', 0],
    ['valuesBatch with values', [{ sql: 'SELECT 1', values: [], valuesBatch: [] }], 400, 'VALUES_CONFLICT', 0],
    ['valuesBatch on a query', [{ query: 'SELECT 1', valuesBatch: [[]] }], 400, 'INVALID_PARAMETERS', 0],
    ['noFail that is no boolean', [{ query: 'SELECT 1', noFail: 1 }], 400, 'INVALID_PARAMETERS', 0],
    ['no items', [], 400, 'INVALID_PARAMETERS', -1],
    ['a syntax error', [{ query: 'SELECT 1' }, { query: 'SELEKT 1' }], 400, 'SQL_ERROR', 1],
    ['an unknown table', [{ query: 'SELECT * FROM nowhere' }], 400, 'SQL_ERROR', 0],
    ['an empty text', [{ query: ' -- nothing' }], 400, 'SQL_ERROR', 0],
    ['NUL in the text', [{ query: 'SELECT 1 \0, 2' }], 400, 'SQL_ERROR', 0],
    ['too few values', [{ query: 'SELECT ?, ?', values: [1] }], 400, 'SQL_BIND_ERROR', 0],
    ['a nested value', [{ query: 'SELECT ?', values: [[1]] }], 400, 'SQL_BIND_ERROR', 0],
    ['BEGIN', [{ statement: 'BEGIN' }], 400, 'SQL_ERROR', 0],
    ['ROLLBACK after a comment', [{ statement: '/* x */ ROLLBACK' }], 400, 'SQL_ERROR', 0],
    ['VACUUM', [{ statement: 'VACUUM' }], 400, 'SQL_ERROR', 0],
    ['ATTACH', [{ statement: "ATTACH '/tmp/x.db' AS x" }], 400, 'SQL_ERROR', 0],
    ['DETACH', [{ statement: 'DETACH x' }], 400, 'SQL_ERROR', 0],
    ['load_extension', [{ query: "SELECT load_extension('/tmp/x.so')" }], 400, 'SQL_ERROR', 0],
    ['a pragma off the list', [{ statement: 'PRAGMA writable_schema=ON' }], 400, 'SQL_ERROR', 0],
    ['the same with a schema', [{ statement: 'PRAGMA main.writable_schema=ON' }], 400, 'SQL_ERROR', 0],
    ['the same quoted', [{ statement: 'PRAGMA "writable_schema"=ON' }], 400, 'SQL_ERROR', 0],
    ['setting a pragma that is read only here', [{ statement: 'PRAGMA max_page_count=1' }], 400, 'SQL_ERROR', 0],
    ["the server's own tables", [{ query: 'SELECT * FROM "hoody:kv_meta"' }], 409, 'CONFLICT', 0],
    ['sqlite_sequence', [{ query: 'DELETE FROM sqlite_sequence' }], 409, 'CONFLICT', 0],
  ];
  test.each(cases)('%s', async (_name, items, status, code, reqIdx) => {
    const answer = await sql(...items);
    expect([answer.status, answer.json.code, answer.json.reqIdx]).toEqual([status, code, reqIdx]);
    expect(answer.json.error).toMatch(/\w+ \w+/);
  });

  test.each([
    '',
    '{',
    'null',
    '[]',
    '1',
    '{}',
    '{"transaction":5}',
    '{"transaction":{}}',
    '{"transaction":[1]}',
    '\xff',
  ])('the body %j', async (body) => {
    const answer = await api().call('POST', '/db?db=tx', { body: Buffer.from(body, 'latin1') });
    expect([answer.status, answer.json.code]).toEqual([400, 'INVALID_PARAMETERS']);
  });

  test('an integer beyond 64 bits', async () => {
    const body = '{"transaction":[{"query":"SELECT ?","values":[9223372036854775808]}]}';
    const { status, json } = await api().call('POST', '/db?db=tx', { body });
    expect([status, json.code]).toEqual([400, 'SQL_BIND_ERROR']);
  });

  test('more items, or more rows, than the limits', async () => {
    const items = Array.from({ length: 10_001 }, () => ({ query: 'SELECT 1' }));
    expect((await sql(...items)).json.code).toBe('PAYLOAD_TOO_LARGE');
    const rows = Array.from({ length: 100_001 }, () => []);
    expect((await sql({ statement: 'SELECT 1', valuesBatch: rows })).status).toBe(413);
  });

  test('an answer beyond the limit, and commits nothing', async () => {
    const t = await table();
    const { status, json } = await sql(
      { statement: `INSERT INTO ${t}(a) VALUES (1)` },
      {
        query:
          'WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r LIMIT 9000) SELECT hex(zeroblob(4000)) FROM r',
      },
    );
    expect([status, json.code]).toEqual([413, 'RESPONSE_TOO_LARGE']);
    expect((await last({ query: `SELECT count(*) AS n FROM ${t}` })).resultSet).toEqual([{ n: 0 }]);
  });

  test('to leave a constraint broken at COMMIT', async () => {
    const { status, json } = await sql(
      { statement: 'PRAGMA foreign_keys=ON' },
      { statement: 'CREATE TABLE dp(id INTEGER PRIMARY KEY)' },
      { statement: 'CREATE TABLE dc(p REFERENCES dp(id) DEFERRABLE INITIALLY DEFERRED)' },
      { statement: 'INSERT INTO dc VALUES (1)' },
    );
    expect([status, json.code, json.reqIdx]).toEqual([409, 'SQL_CONSTRAINT', -1]);
    expect((await last({ query: "SELECT count(*) AS n FROM sqlite_master WHERE name = 'dc'" })).resultSet).toEqual([
      { n: 0 },
    ]);
  });
});

test('a failed item undoes the whole request and carries its index', async () => {
  const t = await table();
  const { status, json } = await sql(
    { statement: `INSERT INTO ${t}(b) VALUES ('x')` },
    { statement: `INSERT INTO ${t}(b) VALUES ('x')` },
  );
  expect([status, json]).toEqual([
    409,
    { reqIdx: 1, error: `UNIQUE constraint failed: ${t}.b`, code: 'SQL_CONSTRAINT' },
  ]);
  expect((await last({ query: `SELECT count(*) AS n FROM ${t}` })).resultSet).toEqual([{ n: 0 }]);
});
