// Who may use the door for libSQL clients: tokens, hosts, origins and limits are those of HTTP, also for WebSockets.
// Whatever comes in, no answer is a 500.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@libsql/client';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { request, useDaemon } from '../helpers/http.ts';

const folder = mkdtempSync(join(tmpdir(), 'hoody-tokens-'));
const tokens = join(folder, 'tokens');
writeFileSync(tokens, 'full writer\nread reader\n', { mode: 0o600 });
const mostBytes = 1024 * 1024;
const api = useDaemon(['--create-on-write', '--auth-token-file', tokens, '--max-body-bytes', String(mostBytes)]);
afterAll(() => rmSync(folder, { recursive: true }));

const url = (scheme: string, db = 'doors') => `${api().daemon.url.replace('http', scheme)}/libsql/${db}/`;
const schemes = ['http', 'ws'] as const;

describe.each(schemes)('by %s', (scheme) => {
  test('a read token reads, and cannot write in any way', async () => {
    const db = `tokens-${scheme}`;
    const writer = createClient({ url: url(scheme, db), authToken: 'writer' });
    const reader = createClient({ url: url(scheme, db), authToken: 'reader' });
    try {
      await writer.executeMultiple('CREATE TABLE t (a); INSERT INTO t VALUES (1)');
      expect((await reader.execute('SELECT a FROM t')).rows).toHaveLength(1);
      const write = 'INSERT INTO t VALUES (2)';
      const refused = { code: expect.stringMatching(/^SQLITE_(AUTH|READONLY)$/) };
      await expect(reader.execute(write)).rejects.toMatchObject(refused);
      await expect(reader.execute(`${write} RETURNING a`)).rejects.toMatchObject(refused);
      await expect(reader.execute('WITH x AS (SELECT 2) INSERT INTO t SELECT * FROM x')).rejects.toMatchObject(refused);
      await expect(reader.batch([write], 'write')).rejects.toMatchObject(refused);
      await expect(reader.executeMultiple(`BEGIN; ${write}; COMMIT`)).rejects.toMatchObject(refused);
      await expect(reader.execute('PRAGMA user_version = 5')).rejects.toThrow();
      await expect(reader.execute('CREATE TABLE u (a)')).rejects.toMatchObject(refused);
      for (const mode of ['write', 'read', 'deferred'] as const) {
        const transaction = await reader.transaction(mode);
        await expect(transaction.execute(write)).rejects.toMatchObject(refused);
        expect((await transaction.execute('SELECT a FROM t')).rows).toHaveLength(1);
        await transaction.commit();
      }
      // The server may have made the table of its query history.
      const made = "SELECT count(*) FROM sqlite_schema WHERE name = 'u'";
      const rows = await writer.execute(`SELECT count(*) AS n, (${made}) AS m FROM t`);
      expect(rows.rows).toMatchObject([{ n: 1, m: 0 }]);
    } finally {
      writer.close();
      reader.close();
    }
  });

  test('a wrong token and none are refused', async () => {
    for (const authToken of ['wrong', undefined]) {
      const client = createClient({ url: url(scheme), ...(authToken === undefined ? {} : { authToken }) });
      await expect(client.execute('SELECT 1')).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
      client.close();
    }
  });
});

test("a reader's baton is none for a writer, and the other way round", async () => {
  const send = (token: string, baton: string | null, ...sqls: string[]) =>
    request(`${url('http')}v3/pipeline`, 'POST', {
      body: { baton, requests: sqls.map((sql) => ({ type: 'execute', stmt: { sql } })) },
      headers: { authorization: `Bearer ${token}` },
    });
  await send('writer', null, 'CREATE TABLE IF NOT EXISTS t (a)');
  for (const [one, other] of [
    ['writer', 'reader'],
    ['reader', 'writer'],
  ] as const) {
    const begun = await send(one, null, 'BEGIN', 'SELECT 1');
    expect(begun.json.baton).toMatch(/./);
    expect((await send(other, begun.json.baton, 'COMMIT')).json.code).toBe('STREAM_EXPIRED');
    expect((await send(one, begun.json.baton, 'COMMIT')).status).toBe(200);
  }
});

describe('a WebSocket', () => {
  /** What became of it: `open`, or the status of the refusal. */
  const connect = (path: string, options: object = {}) =>
    new Promise<string>((resolve) => {
      const socket = new WebSocket(`${api().daemon.url.replace('http', 'ws')}${path}`, ['hrana3'], options);
      socket.once('open', () => {
        resolve('open');
        socket.close();
      });
      socket.once('unexpected-response', (_, response) => {
        resolve(String(response.statusCode));
        response.destroy();
      });
      socket.on('error', (error) => resolve(String(error)));
    });

  test('is taken at the addresses of the door, from hosts and origins that HTTP takes', async () => {
    expect(await connect('/libsql/doors/')).toBe('open');
    expect(await connect('/libsql/doors/v3')).toBe('open');
    expect(await connect('/libsql/')).toBe('404');
    expect(await connect('/api/v1/sqlite/health')).toBe('404');
    expect(await connect('/libsql/..%2fx/')).toBe('400');
    expect(await connect('/libsql/doors/', { headers: { host: 'evil.example' } })).toBe('403');
    expect(await connect('/libsql/doors/', { origin: 'http://evil.example' })).toBe('403');
  });

  test('is closed by a message that is too large, no JSON or no request, and the server goes on', async () => {
    const closedBy = (message: string | Buffer) =>
      new Promise<number>((resolve) => {
        const socket = new WebSocket(url('ws'), ['hrana2']);
        socket.once('open', () => socket.send(message));
        socket.once('close', (code) => resolve(code));
        socket.on('error', () => {});
      });
    expect(await closedBy('{')).toBe(1003);
    expect(await closedBy(Buffer.from('{}'))).toBe(1003);
    expect(await closedBy('{"type":"explode"}')).toBe(1002);
    expect(await closedBy('x'.repeat(mostBytes + 1))).toBe(1009);
    expect(await connect('/libsql/doors/')).toBe('open');
  });

  test('answers every request, whatever it is', async () => {
    const socket = new WebSocket(url('ws'), ['hrana3']);
    await new Promise((resolve) => socket.once('open', resolve));
    const answers: { request_id: number; type: string; error?: { code: string } }[] = [];
    socket.on('message', (data) => answers.push(JSON.parse(String(data))));
    const types = ['open_stream', 'close_stream', 'execute', 'batch', 'sequence', 'describe', 'store_sql', 'close_sql'];
    const more = ['open_cursor', 'fetch_cursor', 'close_cursor', 'get_autocommit', 'explode'];
    const small = fc.oneof(fc.integer({ min: 0, max: 2 }), fc.jsonValue());
    const sql = fc.constantFrom('SELECT 1', 'BEGIN', 'COMMIT', 'ROLLBACK', 'SELEC', ' ', 'SAVEPOINT a', 'RELEASE a');
    const any = fc.record(
      {
        type: fc.constantFrom(...types, ...more),
        stream_id: small,
        cursor_id: small,
        sql_id: small,
        max_count: small,
        sql: fc.oneof(sql, fc.jsonValue()),
        stmt: fc.oneof(fc.record({ sql, args: fc.jsonValue() }, { requiredKeys: ['sql'] }), fc.jsonValue()),
        batch: fc.oneof(fc.record({ steps: fc.array(fc.record({ stmt: fc.record({ sql }) })) }), fc.jsonValue()),
      },
      { requiredKeys: ['type'] },
    );
    const requests = fc.sample(any, 200);
    socket.send(JSON.stringify({ type: 'hello', jwt: 'writer' }));
    requests.forEach((one, at) => {
      socket.send(JSON.stringify({ type: 'request', request_id: at, request: one }));
    });
    await expect.poll(() => answers.length, { timeout: 60_000 }).toBe(requests.length + 1);
    expect(answers.filter(({ error }) => error?.code === 'INTERNAL_ERROR')).toEqual([]);
    socket.close();
  }, 90_000);
});

test('whatever is sent to the routes, no answer is a 500', async () => {
  const sql = fc.oneof(
    fc.constantFrom('SELECT 1', 'SELECT ?', 'SELECT :a', 'BEGIN', 'COMMIT', 'ROLLBACK TO a', 'SAVEPOINT a', 'SELEC'),
    fc.constantFrom('BEGIN CONCURRENT', 'PRAGMA foreign_keys=on', 'CREATE TABLE IF NOT EXISTS f (a)', "SELECT '"),
    fc.string(),
  );
  const value = fc.oneof(
    fc.record({ type: fc.constantFrom('integer', 'float', 'text', 'blob', 'null'), value: fc.jsonValue() }),
    fc.record({ type: fc.constant('blob'), base64: fc.string() }),
    fc.jsonValue(),
  );
  const stmt = fc.oneof(
    fc.record({ sql, args: fc.array(value), named_args: fc.array(fc.record({ name: fc.string(), value })) }),
    fc.record({ sql }),
    fc.jsonValue(),
  );
  const condition = fc.letrec((tie) => ({
    cond: fc.oneof(
      { depthSize: 'small' },
      fc.record({ type: fc.constantFrom('ok', 'error'), step: fc.integer({ min: -1, max: 3 }) }),
      fc.record({ type: fc.constant('not'), cond: tie('cond') }),
      fc.record({ type: fc.constantFrom('and', 'or'), conds: fc.array(tie('cond'), { maxLength: 2 }) }),
      fc.constant({ type: 'is_autocommit' }),
    ),
  })).cond;
  const batch = fc.record({ steps: fc.array(fc.record({ stmt, condition }, { requiredKeys: ['stmt'] })) });
  const one = fc.oneof(
    fc.record({ type: fc.constant('execute'), stmt }),
    fc.record({ type: fc.constant('batch'), batch }),
    fc.record({ type: fc.constantFrom('sequence', 'describe'), sql }),
    fc.record({ type: fc.constantFrom('store_sql', 'close_sql'), sql_id: fc.integer(), sql }),
    fc.record({ type: fc.constantFrom('get_autocommit', 'close', 'explode') }),
    fc.jsonValue(),
  );
  const body = fc.oneof(
    fc.record({ baton: fc.oneof(fc.constant(null), fc.string()), requests: fc.array(one, { maxLength: 6 }) }),
    fc.record({ requests: fc.array(one, { maxLength: 6 }) }),
    fc.record({ batch }),
    fc.jsonValue(),
  );
  const path = fc.constantFrom('v2/pipeline', 'v3/pipeline', 'v3/cursor');
  const name = fc.oneof(fc.constant('fuzz'), fc.string({ minLength: 1 }).map(encodeURIComponent));
  await fc.assert(
    fc.asyncProperty(name, path, body, async (db, route, text) => {
      const answer = await request(`${api().daemon.url}/libsql/${db}/${route}?timeout=20`, 'POST', {
        body: JSON.stringify(text),
        headers: { authorization: 'Bearer writer' },
      });
      expect([answer.status, answer.text]).toEqual([expect.toSatisfy((status: number) => status < 500), answer.text]);
      expect(answer.text).not.toContain('INTERNAL_ERROR');
    }),
    { numRuns: 100 },
  );
}, 120_000);
