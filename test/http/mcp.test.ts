// The door of MCP with the public clients of both eras, on a real mount. What each tool does to a database is seen from
// outside: over HTTP, and by a program that opens the file.
import {
  type ClientOptions,
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernHttp,
} from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { describe, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { useDaemon } from '../helpers/http.ts';
import { type AnyClient, identity, postTo, readingTools, type ToolAnswer, writingTools } from '../helpers/mcp.ts';
import { SqliteClient } from '../helpers/sqlite-client.ts';

const api = useDaemon(['--create-on-write', '--archive', 'wal']);
const address = (query = '') => new URL(`${api().daemon.url}/mcp${query}`);

type Negotiation = NonNullable<ClientOptions['versionNegotiation']>;
type CallTool = (name: string, args?: Record<string, unknown>) => Promise<ToolAnswer>;

const clients: Readonly<Record<string, (query: string) => Promise<AnyClient>>> = {
  '@modelcontextprotocol/sdk': async (query) => {
    const client = new Client(identity);
    await client.connect(new StreamableHTTPClientTransport(address(query)));
    return client;
  },
  '@modelcontextprotocol/client, auto': (query) => modern(query, { mode: 'auto' }),
  '@modelcontextprotocol/client, pinned': (query) => modern(query, { mode: { pin: '2026-07-28' } }),
  '@modelcontextprotocol/client, legacy': (query) => modern(query, { mode: 'legacy' }),
};

async function modern(query: string, versionNegotiation: Negotiation): Promise<AnyClient> {
  const client = new ModernClient(identity, { versionNegotiation });
  await client.connect(new ModernHttp(address(query)));
  return client;
}

async function withClient(query: string, use: (call: CallTool, client: AnyClient) => Promise<void>): Promise<void> {
  const client = await modern(query, { mode: 'auto' });
  try {
    await use((name, args = {}) => client.callTool({ name, arguments: args }) as Promise<ToolAnswer>, client);
  } finally {
    await client.close();
  }
}

const failure = ({ isError, content }: ToolAnswer, what = content[0]?.text) => {
  expect(isError, what).toBe(true);
  return JSON.parse(content[0]?.text ?? '') as Record<string, unknown>;
};

describe.each(Object.entries(clients))('%s', (name, connect) => {
  test('lists tools, reads and writes', async () => {
    const db = `client-${Object.keys(clients).indexOf(name)}`;
    const reader = await connect('');
    const { tools } = await reader.listTools();
    expect(tools.map((tool) => tool.name).sort()).toEqual([...readingTools].sort());
    expect(tools.every(({ annotations }) => annotations?.readOnlyHint === true)).toBe(true);
    await expect(
      reader.callTool({ name: 'execute', arguments: { db, statements: [{ sql: 'SELECT 1' }] } }),
    ).rejects.toThrow(/may only read/);
    await reader.close();

    const client = await connect('?write=true');
    const all = await client.listTools();
    expect(all.tools.map((tool) => tool.name).sort()).toEqual([...readingTools, ...writingTools].sort());
    const run = (tool: string, args: object) => client.callTool({ name: tool, arguments: { db, ...args } });
    const statements = [
      { sql: 'CREATE TABLE t(id INTEGER PRIMARY KEY, v)' },
      { sql: 'INSERT INTO t(v) VALUES (?), (?)', params: ['one', 2.5] },
      { sql: 'SELECT v FROM t' },
    ];
    expect(await run('execute', { statements })).toMatchObject({
      structuredContent: {
        items: [{ rows_changed: 0 }, { rows_changed: 2 }, { columns: ['v'], rows: [['one'], [2.5]] }],
        committed: true,
      },
    });
    const rows = { columns: ['id', 'v'], rows: [[2, 2.5]], row_count: 1, truncated: false };
    const sql = 'SELECT * FROM t WHERE id = :id';
    expect(await run('query', { sql, params: { id: 2 } })).toMatchObject({ structuredContent: rows });
    expect(await run('kv_set', { key: 'a/b', value: { n: 1 } })).toMatchObject({ structuredContent: { key: 'a/b' } });
    const entry = { key: 'a/b', value: { n: 1 }, content_type: 'application/json' };
    expect(await run('kv_get', { key: 'a/b' })).toMatchObject({ structuredContent: entry });
    await client.close();

    const { json } = await api().call('GET', `/kv/a%2Fb?db=${db}`);
    expect(json).toEqual({ n: 1 });
    const history = await api().call('GET', `/kv/a%2Fb/history?db=${db}`);
    expect(history.json.operations).toMatchObject([
      { client: 'mcp:agent-of-test@127.0.0.1', client_ip: '127.0.0.1', operation: { op: 'SET', new_value: { n: 1 } } },
    ]);
    const shown = await api().call('GET', `/studio/kv/history?db=${db}&key=a%2Fb`);
    expect(shown.json.versions).toMatchObject([{ who: 'mcp:agent-of-test@127.0.0.1' }]);
  });
});

describe('tools', () => {
  test('every tool answers as its outputSchema says, which the clients check', async () => {
    await withClient('?write=true', async (run) => {
      const db = 'every';
      const ok = async (name: string, args: object = { db }) => {
        const answer = await run(name, args as Record<string, unknown>);
        expect(answer.isError, `${name}: ${answer.content[0]?.text}`).toBeUndefined();
        return answer.structuredContent as Record<string, unknown>;
      };
      const made = 'CREATE TABLE t(a UNIQUE, b); CREATE INDEX i ON t(b); CREATE VIEW v AS SELECT a FROM t';
      await ok('execute', { db, statements: [{ sql: made }] });
      const { etag } = await ok('kv_set', { db, key: 'k', text: '1', content_type: 'application/json' });
      const { cursor } = await ok('changes');
      const second = Math.floor(Date.now() / 1000);
      await new Promise((resolve) => setTimeout(resolve, 1000 * (second + 1) - Date.now()));
      await ok('kv_set', { db, key: 'k', value: 2, if_match: etag, ttl: 1000 });
      expect(await ok('list_databases', {})).toMatchObject({
        items: expect.arrayContaining([expect.objectContaining({ name: 'every.db' })]),
      });
      const { items } = await ok('schema');
      expect((items as { name: string }[]).map(({ name }) => name)).toEqual(
        expect.arrayContaining(['t', 'i', 'v', 'kv_store']),
      );
      expect(JSON.stringify(items)).not.toMatch(/hoody:|_query_history|autoindex/);
      expect(await ok('kv_list', { db, prefix: 'k' })).toMatchObject({ items: [{ key: 'k' }], has_more: false });
      expect(await ok('kv_get', { db, key: 'k', at_timestamp: second })).toMatchObject({ value: 1 });
      expect(await ok('kv_history', { db, key: 'k' })).toMatchObject({ count: 2 });
      expect(await ok('changes', { db, since: cursor, include_values: true })).toMatchObject({
        events: [{ key: 'k', value: 2 }],
      });
      expect(await ok('locks', {})).toHaveProperty('databases');
      expect(await ok('rollback_preview', { db, to_timestamp: second })).toMatchObject({
        preview: { keys_to_rollback: 1 },
      });
      expect(await ok('rollback', { db, to_timestamp: second, confirm: true })).toMatchObject({ rolled_back: 1 });
      expect(await ok('kv_get', { db, key: 'k' })).toMatchObject({ value: 1 });
      await ok('kv_delete', { db, key: 'k' });
      expect(failure(await run('kv_get', { db, key: 'k' }))).toMatchObject({ code: 'KEY_NOT_FOUND', hint: /kv_list/ });
    });
  });

  test('a rewind takes back what execute names', async () => {
    await withClient('?write=true', async (run) => {
      const db = 'rewound';
      await run('execute', { db, statements: [{ sql: 'CREATE TABLE t(a)' }, { sql: 'INSERT INTO t VALUES (1)' }] });
      // The history begins with a copy of the database, which the server makes when it hears of it.
      const at = await eventually(
        async () => {
          const statements = [{ sql: 'UPDATE t SET a = 2' }];
          await run('execute', { db, statements: [{ sql: 'UPDATE t SET a = 1' }] });
          const written = (await run('execute', { db, statements })).structuredContent;
          const { previous_bookmark: before } = written as { previous_bookmark: string };
          const preview = await run('rewind_preview', { db, at: before });
          expect(preview.isError, preview.content[0]?.text).toBeUndefined();
          expect(preview.structuredContent).toMatchObject({ dry_run: true, tables: [{ table: 't', rows_changed: 1 }] });
          return before;
        },
        { timeoutMs: 60_000 },
      );
      const history = await run('database_history', { db, limit: 1 });
      expect(history.structuredContent).toMatchObject({ commits: [{ kind: 'commit' }] });
      expect(failure(await run('rewind', { db, at }))).toMatchObject({ code: 'INVALID_PARAMETERS' });
      expect((await run('rewind', { db, at, confirm: true })).structuredContent).toMatchObject({ changed: true });
      expect((await run('query', { db, sql: 'SELECT a FROM t' })).structuredContent).toMatchObject({ rows: [[1]] });
    });
  });

  test('integers of 64 bits, REAL, BLOB and long values are exact both ways', async () => {
    await withClient('?write=true', async (run) => {
      const db = 'exact';
      const long = 'x"\n\u{1f600}'.repeat(100_000);
      const params = [
        { integer: '9223372036854775807' },
        { integer: '-9007199254740993' },
        0.1,
        { base64: '/+8=' },
        long,
        true,
        null,
      ];
      const insert = { sql: 'CREATE TABLE t(a, b, c, d, e, f, g)' };
      const answer = await run('execute', {
        db,
        statements: [insert, { sql: 'INSERT INTO t VALUES (?,?,?,?,?,?,?) RETURNING a, d', params }],
      });
      expect(answer.structuredContent).toMatchObject({ items: [{}, { rows: [['9223372036854775807', '/+8=']] }] });
      const shown = ['9223372036854775807', '-9007199254740993', 0.1, { base64: '/+8=' }, long, 1, null];
      const { structuredContent } = await run('query', { db, sql: 'SELECT * FROM t' });
      expect(structuredContent).toMatchObject({ rows: [shown] });
      const same = await run('query', {
        db,
        sql: 'SELECT count(*) FROM t WHERE a = ? AND b = ? AND c = ? AND d = ? AND e = ?',
        params: params.slice(0, 5),
      });
      expect(same.structuredContent).toMatchObject({ rows: [[1]] });
      const big = '{"id":9007199254740993,"real":1e400}';
      await run('kv_set', { db, key: 'big', text: big, content_type: 'application/json' });
      expect((await api().call('GET', `/kv/big?db=${db}`)).text).toBe(big);
      expect((await run('kv_get', { db, key: 'big' })).content[0]?.text).toContain(big);
      await run('kv_set', { db, key: 'bytes', base64: 'AP8=' });
      expect((await run('kv_get', { db, key: 'bytes' })).structuredContent).toMatchObject({ value_base64: 'AP8=' });
      await run('kv_set', { db, key: 'long', value: long });
      expect((await run('kv_get', { db, key: 'long' })).structuredContent).toMatchObject({ value: long });
      await run('kv_set', { db, key: 'snapshot', value: 1 });
      expect(
        (await run('kv_get', { db, key: 'snapshot', at_timestamp: Math.floor(Date.now() / 1000) })).structuredContent,
      ).toMatchObject({ key: 'snapshot' });
    });
    const body =
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"execute","arguments":{"db":"exact","statements":[{"sql":"SELECT ?","params":[1e999]}]}}}';
    expect((await postTo(address('?write=true'), body)).text).toContain('beyond what a REAL holds');
  });

  test('at most 1,000 rows, and what does not fit into an answer is said', async () => {
    await withClient('', async (run) => {
      const numbers = (count: number) =>
        `WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i+1 FROM n WHERE i < ${count}) SELECT i`;
      const db = 'exact';
      const rows = async (sql: string, limit?: number) => {
        const { structuredContent } = await run('query', { db, sql, ...(limit && { limit }) });
        return structuredContent as { row_count: number; truncated: boolean };
      };
      expect(await rows(`${numbers(1000)} FROM n`, 1000)).toMatchObject({ row_count: 1000, truncated: false });
      expect(await rows(`${numbers(1001)} FROM n`, 1000)).toMatchObject({ row_count: 1000, truncated: true });
      expect(await rows(`${numbers(101)} FROM n`)).toMatchObject({ row_count: 100, truncated: true });
      expect(failure(await run('query', { db, sql: 'SELECT 1', limit: 1001 }))).toMatchObject({
        code: 'INVALID_PARAMETERS',
      });
      const wide = await rows(`${numbers(20)}, hex(zeroblob(1000000)) FROM n`);
      expect(wide.truncated).toBe(true);
      expect(wide.row_count).toBeLessThan(20);
    });
  });
});

test('nothing writes through query, whatever it looks like', async () => {
  await withClient('?write=true', async (run) => {
    const db = 'kept';
    await run('execute', {
      db,
      statements: [{ sql: 'CREATE TABLE t(a UNIQUE)' }, { sql: 'INSERT INTO t VALUES (1)' }],
    });
    const attempts = [
      'WITH x AS (SELECT 1) DELETE FROM t',
      'WITH x AS (SELECT 2 AS a) INSERT INTO t SELECT a FROM x RETURNING a',
      '/* a comment */ DELETE FROM t',
      '-- SELECT\nDELETE FROM t RETURNING *',
      'SELECT 1; DELETE FROM t',
      'SELECT 1;;DROP TABLE t--',
      'COMMIT; DELETE FROM t',
      'COMMIT',
      'ROLLBACK',
      'BEGIN IMMEDIATE',
      'SAVEPOINT a',
      "ATTACH 'other.db' AS other",
      "VACUUM INTO 'copy.db'",
      'VACUUM',
      'PRAGMA user_version = 7',
      'PRAGMA query_only = 0',
      'PRAGMA writable_schema = ON',
      'PRAGMA journal_mode = DELETE',
      'PRAGMA wal_checkpoint(TRUNCATE)',
      "SELECT load_extension('/tmp/x.so')",
      "SELECT writefile('/tmp/x', 'y')",
      'CREATE TEMP TABLE u(a)',
      'CREATE TABLE u(a)',
      'ANALYZE',
      'REINDEX',
      "SELECT * FROM 'hoody:kv_log:kv_store'",
      'SELECT 1\u0000; DELETE FROM t',
      'REPLACE INTO t VALUES (2)',
      'EXPLAIN SELECT 1; DELETE FROM t',
      'SELECT 1; SELECT 2',
      ';',
      '',
    ];
    for (const sql of attempts) {
      const answer = await run('query', { db, sql });
      const rest = await run('query', { db, sql: 'SELECT a, (SELECT user_version FROM pragma_user_version) FROM t' });
      expect(rest.structuredContent, sql).toMatchObject({ rows: [[1, 0]] });
      if (sql.startsWith('PRAGMA') && !answer.isError) continue;
      expect(failure(answer, sql), sql).toMatchObject({
        error: expect.any(String),
        code: expect.any(String),
        hint: expect.any(String),
      });
    }
    const files = await run('list_databases');
    expect(JSON.stringify(files.structuredContent)).not.toMatch(/other\.db|copy\.db/);
    for (const sql of [
      'SELECT 1 ;  -- end',
      'EXPLAIN QUERY PLAN SELECT * FROM t',
      'PRAGMA table_info(t)',
      'VALUES (1)',
    ]) {
      expect((await run('query', { db, sql })).isError, sql).toBeUndefined();
    }
  });
});

test('errors say what to do, and which statement failed', async () => {
  await withClient('?write=true', async (run) => {
    const statements = [
      { sql: 'CREATE TABLE e(a UNIQUE)' },
      { sql: 'INSERT INTO e VALUES (1)' },
      { sql: 'INSERT INTO e VALUES (1)' },
    ];
    expect(failure(await run('execute', { db: 'errors', statements }))).toMatchObject({
      code: 'SQL_CONSTRAINT',
      statement_index: 2,
    });
    await run('execute', { db: 'errors', statements: [{ sql: 'CREATE TABLE users(name)' }] });
    expect(failure(await run('query', { db: 'errors', sql: 'SELECT * FROM user' }))).toMatchObject({
      code: 'SQL_ERROR',
      hint: 'did you mean users?',
    });
    expect(failure(await run('query', { db: 'nothere', sql: 'SELECT 1' }))).toMatchObject({
      code: 'DATABASE_NOT_FOUND',
      hint: /list_databases/,
    });
    expect(failure(await run('query', { db: 'errors', sql: 'SELECT 1', more: 1 }))).toMatchObject({
      error: 'arguments has no "more"; known: db, sql, params, limit',
    });
    expect(failure(await run('query', { sql: 'SELECT 1' }))).toMatchObject({ error: 'arguments must have "db"' });
    expect(failure(await run('query', { db: '../../etc/passwd', sql: 'SELECT 1' })).code).toBe('INVALID_DB_PATH');
    const params = [{ blob: 1 }];
    expect(
      failure(await run('execute', { db: 'errors', statements: [{ sql: 'SELECT 1' }, { sql: 'SELECT ?', params }] })),
    ).toMatchObject({ code: 'SQL_BIND_ERROR', statement_index: 1 });
  });
});

test('a busy database names locks, and locks names the program', async () => {
  await withClient('?write=true&timeout=1', async (run) => {
    const db = 'busy';
    await run('execute', { db, statements: [{ sql: 'CREATE TABLE t(a)' }] });
    const program = new SqliteClient();
    try {
      await program.open(`${api().daemon.mount}/busy.db`);
      await program.run('BEGIN IMMEDIATE');
      const refused = failure(await run('execute', { db, statements: [{ sql: 'INSERT INTO t VALUES (1)' }] }));
      expect(refused).toMatchObject({ code: 'DATABASE_BUSY', hint: expect.stringContaining('call locks') });
      const { structuredContent } = await run('locks', { db });
      expect(structuredContent).toMatchObject({
        databases: [
          { db: 'busy.db', holders: expect.arrayContaining([expect.objectContaining({ pid: program.pid })]) },
        ],
      });
      expect((await run('query', { db, sql: 'SELECT count(*) FROM t' })).structuredContent).toMatchObject({
        rows: [[0]],
      });
    } finally {
      program.process.kill('SIGKILL');
    }
  });
});

test('a connection for one database sees no other', async () => {
  await withClient('?write=true', async (run) => {
    for (const db of ['mine', 'other']) await run('kv_set', { db, key: 'k', value: db });
  });
  await withClient('?db=mine', async (run, client) => {
    const { tools } = await client.listTools();
    expect(tools.every(({ inputSchema }) => inputSchema?.properties?.db === undefined)).toBe(true);
    expect((await run('list_databases')).structuredContent).toMatchObject({
      items: [{ name: 'mine.db' }],
      more: false,
    });
    expect((await run('kv_get', { key: 'k' })).structuredContent).toMatchObject({ value: 'mine' });
    expect((await run('kv_get', { key: 'k', db: 'mine.db' })).structuredContent).toMatchObject({ value: 'mine' });
    expect(failure(await run('kv_get', { key: 'k', db: 'other' }))).toMatchObject({ code: 'FORBIDDEN' });
    const held = (await run('locks')).structuredContent as { databases: { db: string }[] };
    expect(held.databases.every(({ db }) => db === 'mine.db')).toBe(true);
  });
});
