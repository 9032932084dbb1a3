// POST /db and the traps of better-sqlite3, through a real mount.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { useDaemon } from '../helpers/http.ts';
import { sqlItems } from './sql-items.ts';

const api = useDaemon();
const { sql, last, table } = sqlItems(api);

describe('answers', () => {
  test('a table, rows and their columns in one request', async () => {
    const t = await table();
    const { status, json } = await sql(
      { statement: `INSERT INTO ${t}(a,b) VALUES(?,?)`, values: ['x', 'one'] },
      { statement: `INSERT INTO ${t}(a,b) VALUES(:a,:b)`, params: { a: 'y', b: 'two' }, noFail: true },
      { statement: `INSERT INTO ${t}(a) VALUES(?)`, valuesBatch: [['p'], ['q']] },
      { query: `SELECT * FROM ${t} WHERE id < 3` },
    );
    expect(status).toBe(200);
    expect(json).toEqual({
      results: [
        { success: true, rowsUpdated: 1 },
        { success: true, rowsUpdated: 1 },
        { success: true, rowsUpdatedBatch: [1, 1] },
        {
          success: true,
          resultHeaders: ['id', 'a', 'b'],
          resultSet: [
            { id: 1, a: 'x', b: 'one' },
            { id: 2, a: 'y', b: 'two' },
          ],
        },
      ],
      bookmark: expect.any(String),
      previous_bookmark: expect.any(String),
    });
  });

  test('rows as lists, in any spelling of list', async () => {
    const body = { resultFormat: 'LIST', transaction: [{ query: 'SELECT 1 AS a, 2 AS b' }] };
    const { json } = await api().call('POST', '/db?db=tx', { body });
    expect(json.results[0]).toEqual({ success: true, resultHeaders: ['a', 'b'], resultSetList: [[1, 2]] });
  });

  test('no rows are an empty list', async () => {
    expect(await last({ query: 'SELECT 1 AS a WHERE 0' })).toEqual({
      success: true,
      resultHeaders: ['a'],
      resultSet: [],
    });
  });

  test.each([
    'SELECT 1 AS a',
    'WITH c AS (SELECT 1 AS a) SELECT * FROM c',
    'VALUES (1)',
    'PRAGMA user_version',
    'EXPLAIN QUERY PLAN SELECT 1',
  ])('a statement that produces columns answers rows: %s', async (statement) => {
    expect(await last({ statement })).toHaveProperty('resultSet');
  });

  test('RETURNING answers rows', async () => {
    const t = await table();
    const item = await last({ statement: `INSERT INTO ${t}(a) VALUES (7), (8) RETURNING a` });
    expect(item.resultSet).toEqual([{ a: 7 }, { a: 8 }]);
  });

  test('a query without columns answers empty headers', async () => {
    const t = await table();
    expect(await last({ query: `INSERT INTO ${t}(a) VALUES (1)` })).toEqual({
      success: true,
      resultHeaders: [],
      resultSet: [],
    });
  });

  test('a repeated column name carries its occurrence, and no column is lost', async () => {
    const item = await last({ query: 'SELECT 1 AS x, 2 AS x, 3 AS "x:2", 4 AS x' });
    expect(Object.values(item.resultSet[0])).toEqual([1, 2, 3, 4]);
    expect(item.resultHeaders).toEqual(Object.keys(item.resultSet[0]));
    expect((await last({ query: 'SELECT 1 AS x, 2 AS x' })).resultHeaders).toEqual(['x', 'x:2']);
  });

  describe('what clients send when they connect', () => {
    const preambles: Readonly<Record<string, readonly string[]>> = {
      'better-sqlite3 and its guides': [
        'journal_mode = WAL',
        'synchronous = NORMAL',
        'busy_timeout = 5000',
        'cache_size = -64000',
        'temp_store = MEMORY',
        'mmap_size = 30000000000',
        'wal_autocheckpoint = 1000',
        'journal_size_limit = 67108864',
        'page_size = 4096',
        'auto_vacuum = INCREMENTAL',
        'locking_mode = NORMAL',
        'threads = 4',
        'analysis_limit = 400',
        'foreign_keys = ON',
      ],
      Django: ['foreign_keys = ON', 'legacy_alter_table = ON', 'foreign_keys', 'foreign_key_check'],
      SQLAlchemy: ['main.table_info("users")', 'foreign_keys=ON', 'read_uncommitted = 0', 'read_uncommitted'],
      Rails: [
        'busy_timeout = 15000',
        'foreign_keys = ON',
        'defer_foreign_keys = ON',
        'mmap_size = 134217728',
        'encoding',
      ],
      Prisma: [
        'defer_foreign_keys=ON',
        'foreign_keys=OFF',
        'main.locking_mode=EXCLUSIVE',
        'busy_timeout=5000',
        'foreign_keys=ON',
      ],
      drizzle: ['foreign_keys=OFF', 'foreign_keys=ON'],
      datasette: [
        'recursive_triggers=on',
        'cache_size=-4000',
        'schema_version',
        'trusted_schema=off',
        'case_sensitive_like=0',
      ],
      'who closes': ['optimize', 'incremental_vacuum(10)', 'shrink_memory', 'optimize=0x10002'],
    };

    test.each(Object.entries(preambles))('%s is answered, and the rest of the request runs', async (_, pragmas) => {
      const t = await table();
      const before = await sql(...pragmas.map((pragma) => ({ query: `PRAGMA ${pragma.replace(/ ?[=(].*/, '')}` })));
      const items = pragmas.map((pragma) => ({ statement: `PRAGMA ${pragma};` }));
      const { status, json } = await sql(
        ...items,
        { statement: `INSERT INTO ${t}(a) VALUES (1)` },
        { query: `SELECT a FROM ${t}` },
      );
      expect([status, json.error, json.results?.at(-1).resultSet]).toEqual([200, undefined, [{ a: 1 }]]);
      const after = await sql(...pragmas.map((pragma) => ({ query: `PRAGMA ${pragma.replace(/ ?[=(].*/, '')}` })));
      // The busy timeout is what is left of the time of each request.
      const changing = ['schema_version', 'timeout'];
      const settings = (answer: typeof after) =>
        answer.json.results.filter(
          ({ resultHeaders }: { resultHeaders: string[] }) => !changing.includes(resultHeaders[0] ?? ''),
        );
      expect(settings(after)).toEqual(settings(before));
    });

    test('a setting that is ignored comes before BEGIN like those around it', async () => {
      const t = await table();
      await sql({ statement: `CREATE TABLE ${t}c(p REFERENCES ${t}(id))` });
      const orphan = await sql(
        { statement: 'PRAGMA busy_timeout=5000' },
        { statement: 'PRAGMA cache_size=1; PRAGMA foreign_keys=ON' },
        { statement: `INSERT INTO ${t}c VALUES (99)` },
      );
      expect([orphan.status, orphan.json.code, orphan.json.reqIdx]).toEqual([409, 'SQL_CONSTRAINT', 2]);
    });

    test('wal_checkpoint runs at the head of a request, and says where it belongs elsewhere', async () => {
      await sql({ statement: 'CREATE TABLE checkpointed(a)' });
      const { json } = await sql({ query: 'PRAGMA wal_checkpoint(TRUNCATE)' }, { query: 'SELECT 1 AS one' });
      expect(json.results[0].resultSet).toEqual([{ busy: 0, log: 0, checkpointed: 0 }]);
      expect(json.results[1].resultSet).toEqual([{ one: 1 }]);
      const late = await sql({ query: 'SELECT 1' }, { query: 'PRAGMA wal_checkpoint' });
      expect([late.status, late.json.code, late.json.reqIdx]).toEqual([400, 'SQL_ERROR', 1]);
      expect(late.json.error).toContain('at the head of the request');
    });
  });

  test('a BLOB is written as {"base64": ...} by position, by name and in a batch, and is what a native program reads', async () => {
    const [one, two, three] = ['AP8=', 'AQI=', ''].map((base64) => ({ base64 }));
    const { status, json } = await api().sql(
      'blobs',
      { statement: 'CREATE TABLE b(a)' },
      { statement: 'INSERT INTO b VALUES (?)', values: [one] },
      { statement: 'INSERT INTO b VALUES (:base64)', values: { base64: two } },
      { statement: 'INSERT INTO b VALUES (?)', valuesBatch: [[three], ['text']] },
      { query: 'SELECT a, typeof(a) AS type FROM b' },
    );
    expect([status, json.results?.at(-1).resultSet]).toEqual([
      200,
      [
        { a: 'AP8=', type: 'blob' },
        { a: 'AQI=', type: 'blob' },
        { a: '', type: 'blob' },
        { a: 'text', type: 'text' },
      ],
    ]);
    const native = spawnSync('sqlite3', [join(api().daemon.root, 'blobs.db'), 'SELECT hex(a) FROM b'], {
      encoding: 'utf8',
    });
    expect(native.stdout).toBe('00FF\n0102\n\n74657874\n');
  });

  test('integers are exact both ways, reals stay reals, BLOBs are base64', async () => {
    const body =
      '{"transaction":[{"query":"SELECT ?1 AS most, ?2 AS least, typeof(?3) AS one, typeof(?4) AS real, x\'00ff\' AS blob, 9e999 AS inf","values":[9223372036854775807,-9223372036854775808,1,1.0]}]}';
    const { text } = await api().call('POST', '/db?db=tx', { body });
    expect(text).toContain(
      '"most":9223372036854775807,"least":-9223372036854775808,"one":"integer","real":"real","blob":"AP8=","inf":9e999',
    );
  });

  test('a SELECT is cut at 10,000 rows and says so', async () => {
    const item = await last({
      query: 'WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r LIMIT 10001) SELECT x FROM r',
    });
    expect(item.resultSet).toHaveLength(10_000);
    expect(item.truncated).toBe(true);
  });

  test('several statements of an item run in order, values are dealt out, the last one answers', async () => {
    const t = await table();
    const item = await last({
      statement: `INSERT INTO ${t}(a) VALUES (?); -- a ; comment
        INSERT INTO ${t}(a, b) VALUES (?, ';'); UPDATE ${t} SET a = a || ?;`,
      values: ['x', 'y', '!'],
    });
    expect(item).toEqual({ success: true, rowsUpdated: 2 });
    expect((await last({ query: `SELECT a FROM ${t} ORDER BY id` })).resultSet).toEqual([{ a: 'x!' }, { a: 'y!' }]);
  });

  test('a trigger with statements in its body is created', async () => {
    const t = await table();
    const item = await last(
      { statement: `CREATE TRIGGER tr AFTER INSERT ON ${t} BEGIN UPDATE ${t} SET b = 'set' WHERE id = new.id; END;` },
      { statement: `INSERT INTO ${t}(a) VALUES (1)` },
      { query: `SELECT b FROM ${t}` },
    );
    expect(item.resultSet).toEqual([{ b: 'set' }]);
  });

  test('DDL updates no rows', async () => {
    expect(await last({ statement: 'CREATE TABLE ddl(a)' })).toEqual({ success: true, rowsUpdated: 0 });
  });

  test('a double-quoted string is a string where it names no column', async () => {
    const t = await table();
    await sql({ statement: `INSERT INTO ${t}(a, b) VALUES ("pending", 'it"s')` });
    const item = await last({ query: `SELECT COUNT(*) AS n FROM ${t} WHERE "a" = "pending"` });
    expect(item.resultSet).toEqual([{ n: 1 }]);
    expect((await last({ query: `SELECT "it""s" AS v FROM ${t}` })).resultSet).toEqual([{ v: 'it"s' }]);
  });

  test('a body that the CLI wrapped once more is unwrapped', async () => {
    const transaction = [{ query: 'SELECT 1 AS a' }];
    const first = async (body: object) => (await api().call('POST', '/db?db=tx', { body })).json.results[0];
    expect((await first({ transaction: { transaction } })).resultSet).toEqual([{ a: 1 }]);
    expect((await first({ transaction: { transaction, resultFormat: 'list' } })).resultSetList).toEqual([[1]]);
    expect((await first({ transaction, credentials: null })).resultSet).toEqual([{ a: 1 }]);
  });

  test('journal_mode=WAL answers wal, and a database in another mode is turned', async () => {
    expect((await last({ query: 'PRAGMA journal_mode=WAL' })).resultSet).toEqual([{ journal_mode: 'wal' }]);
  });

  test('foreign keys are off as in stock SQLite, on for a request that begins with the pragma', async () => {
    const items = [
      { statement: 'CREATE TABLE IF NOT EXISTS p(id INTEGER PRIMARY KEY)' },
      { statement: 'CREATE TABLE IF NOT EXISTS c(p REFERENCES p(id))' },
      { statement: 'INSERT INTO c VALUES (99)' },
    ];
    expect((await sql(...items)).status).toBe(200);
    const { status, json } = await sql({ statement: 'PRAGMA foreign_keys=ON' }, ...items);
    expect([status, json.code]).toEqual([409, 'SQL_CONSTRAINT']);
    expect((await sql(...items)).status).toBe(200);
  });

  test.each([undefined, 'text/plain;charset=UTF-8', 'application/x-www-form-urlencoded', 'application/json'])(
    'the body is JSON whatever the Content-Type says: %s',
    async (type) => {
      const { status } = await api().call('POST', '/db?db=tx', {
        body: { transaction: [{ query: 'SELECT 1' }] },
        headers: type === undefined ? {} : { 'content-type': type },
      });
      expect(status).toBe(200);
    },
  );
});

test('temporary objects and settings do not reach the next request', async () => {
  await sql({ statement: 'CREATE TEMP TABLE mine(a)' }, { statement: 'PRAGMA recursive_triggers=ON' });
  expect((await sql({ query: 'SELECT * FROM mine' })).json.code).toBe('SQL_ERROR');
  expect((await last({ query: 'PRAGMA recursive_triggers' })).resultSet).toEqual([{ recursive_triggers: 0 }]);
});
