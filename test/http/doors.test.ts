// The doors of all protocols, with a token file: none gets in without a token, and a read token writes through none of
// them; hosts, origins, sizes and deadlines are the same everywhere; all of them lead to one store with one history.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { redisCommands } from '../../server/messages/redis-commands.ts';
import { type Answer, request, useDaemon } from '../helpers/http.ts';
import { withClients } from '../helpers/sqlite-client.ts';

const directory = mkdtempSync(join(tmpdir(), 'hoody-tokens-'));
const file = join(directory, 'tokens');
writeFileSync(file, 'full writer\nread reader\n', { mode: 0o600 });
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const mostBytes = 64 * 1024;
const limits = ['--max-body-bytes', String(mostBytes)];
const api = useDaemon(['--allow-any-absolute-db-path', '--auth-token-file', file, ...limits]);
const call = (path: string, token: string | null, body: unknown, method = 'POST') =>
  request(`${api().daemon.url}${path}`, method, {
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
  });

test('the Redis door', async () => {
  await call('/api/v1/sqlite/db/create?path=app', 'writer', undefined);
  expect((await call('/upstash/app', 'writer', ['set', 'k', 'v'])).json).toEqual({ result: 'OK' });
  for (const token of [null, 'wrong']) {
    const { status, json } = await call('/upstash/app', token, ['get', 'k']);
    expect([status, json.error.split(' ')[0]]).toEqual([401, 'WRONGPASS']);
  }
  expect((await call('/upstash/app', 'reader', ['get', 'k'])).json).toEqual({ result: 'v' });
  const words = (name: string, arity: number) => [name, ...Array(Math.abs(arity) - 1).fill('1')];
  for (const [name, { arity, kind }] of Object.entries(redisCommands)) {
    if (kind !== 'write') continue;
    const command = words(name, arity);
    const refusal = `NOPERM this user has no permissions to run the '${name}' command`;
    const single = await call('/upstash/app', 'reader', command);
    expect([single.status, single.json.error]).toEqual([403, refusal]);
    const pipeline = await call('/upstash/app/pipeline', 'reader', [['get', 'k'], command]);
    expect(pipeline.json).toEqual([{ result: 'v' }, { error: refusal }]);
    expect((await call('/upstash/app/multi-exec', 'reader', [['get', 'k'], command])).status).toBe(403);
    expect((await call(`/upstash/app/${command.join('/')}`, 'reader', undefined)).status).toBe(403);
  }
  expect((await call('/upstash/app', 'writer', ['dbsize'])).json).toEqual({ result: 1 });
  const created = await call('/upstash/new?create_db_if_missing=true', 'reader', ['get', 'k']);
  expect(created.json.code).toBe('DATABASE_NOT_FOUND');
});

test('the unstorage door', async () => {
  await call('/api/v1/sqlite/db/create?path=store', 'writer', undefined);
  expect((await call('/unstorage/store/k', 'writer', 'v', 'PUT')).status).toBe(200);
  expect((await call('/unstorage/store/k', null, undefined, 'GET')).status).toBe(401);
  expect((await call('/unstorage/store/k', 'reader', undefined, 'GET')).json).toBe('v');
  expect((await call('/unstorage/store/:', 'reader', undefined, 'GET')).json).toEqual(['k']);
  for (const [method, path] of [
    ['PUT', 'k'],
    ['DELETE', 'k'],
    ['DELETE', ':'],
  ] as const) {
    expect((await call(`/unstorage/store/${path}`, 'reader', method === 'PUT' ? 'w' : undefined, method)).status).toBe(
      403,
    );
  }
  expect((await call('/unstorage/store/k', 'reader', undefined, 'GET')).json).toBe('v');
});

test('the MCP door', async () => {
  await call('/api/v1/sqlite/db/create?path=agents', 'writer', undefined);
  const ask = (token: string | null, method: string, params: object, query = '') =>
    call(`/mcp${query}`, token, { jsonrpc: '2.0', id: 1, method, params });
  const toolsOf = async (token: string, query = '') =>
    (await ask(token, 'tools/list', {}, query)).json.result.tools.map(({ name }: { name: string }) => name);
  for (const token of [null, 'wrong']) {
    const { status, json } = await ask(token, 'tools/list', {});
    expect([status, json.jsonrpc, json.error.data.code]).toEqual([401, '2.0', 'UNAUTHORIZED']);
  }
  expect(await toolsOf('reader')).toContain('query');
  expect(await toolsOf('writer', '?write=false')).toEqual(await toolsOf('reader'));
  const offered = await toolsOf('writer');
  const writing = offered.filter((name: string) => /^(execute|kv_set|kv_delete|rollback|rewind)$/.test(name));
  expect(writing).toHaveLength(5);
  const set = { name: 'kv_set', arguments: { db: 'agents', key: 'k', value: 1 } };
  expect((await ask('writer', 'tools/call', set)).json.result.isError).toBeUndefined();
  for (const name of writing) {
    const { json } = await ask('reader', 'tools/call', { ...set, name });
    expect([name, json.error.code]).toEqual([name, -32602]);
  }
  expect((await ask('reader', 'tools/call', set, '?write=true')).status).toBe(403);
  const drop = { name: 'query', arguments: { db: 'agents', sql: 'DROP TABLE kv_store' } };
  expect((await ask('reader', 'tools/call', drop)).json.result.isError).toBe(true);
  const get = { name: 'kv_get', arguments: { db: 'agents', key: 'k' } };
  expect((await ask('reader', 'tools/call', get)).json.result.structuredContent).toMatchObject({ value: 1 });
});

test('a directory of files is for full tokens: the file of tokens may lie in one', async () => {
  const kv = (key: string) => `/api/v1/sqlite/kv${key}?db=${encodeURIComponent(directory)}`;
  expect((await call(kv('/made'), 'writer', 'v', 'PUT')).status).toBe(200);
  for (const [method, key] of [
    ['GET', '/tokens'],
    ['HEAD', '/tokens'],
    ['GET', ''],
    ['PUT', '/made'],
    ['DELETE', '/made'],
  ] as const) {
    const { status, text } = await call(kv(key), 'reader', method === 'PUT' ? 'w' : undefined, method);
    expect([method, key, status]).toEqual([method, key, 403]);
    expect(text).not.toContain('full writer');
  }
  expect((await call(kv('/made'), 'writer', undefined, 'GET')).json).toBe('v');
});

type Asked = readonly [method: string, path: string, body: string];

const json = JSON.stringify;
const statement = "UPDATE kv_store SET value = ? WHERE key = 'k'";
const sqlCall = (sql: string, values: unknown[]) =>
  json({ transaction: [{ [/^SELECT/.test(sql) ? 'query' : 'statement']: sql, values }] });
const hranaCall = (sql: string, values: string[]) =>
  json({ requests: [{ type: 'execute', stmt: { sql, args: values.map((value) => ({ type: 'text', value })) } }] });
const toolCall = (name: string, args: object) =>
  json({
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name, arguments: { db: 'doors', key: 'k', ...args } },
  });

/** How each door writes a JSON value to the key `k` of the database `doors`. */
const writing: Readonly<Record<string, (value: string) => Asked>> = {
  keys: (value) => ['PUT', '/api/v1/sqlite/kv/k?db=doors', value],
  SQL: (value) => ['POST', '/api/v1/sqlite/db?db=doors', sqlCall(statement, [value])],
  Redis: (value) => ['POST', '/upstash/doors', json(['SET', 'k', value])],
  unstorage: (value) => ['PUT', '/unstorage/doors/k', value],
  MCP: (value) => ['POST', '/mcp?', toolCall('kv_set', { value: JSON.parse(value) })],
  libSQL: (value) => ['POST', '/libsql/doors/v3/pipeline', hranaCall(statement, [value])],
};
const select = "SELECT value FROM kv_store WHERE key = 'k'";
const reading: Readonly<Record<string, readonly [...Asked, (answer: Answer) => unknown]>> = {
  keys: ['GET', '/api/v1/sqlite/kv/k?db=doors', '', ({ json }) => json],
  SQL: ['POST', '/api/v1/sqlite/db?db=doors', sqlCall(select, []), ({ json }) => json.results[0].resultSet[0].value],
  Redis: ['POST', '/upstash/doors', json(['GET', 'k']), ({ json }) => json.result],
  unstorage: ['GET', '/unstorage/doors/k', '', ({ json }) => json],
  MCP: ['POST', '/mcp', toolCall('kv_get', {}), ({ json }) => json.result.structuredContent.value],
  libSQL: [
    'POST',
    '/libsql/doors/v3/pipeline',
    hranaCall(select, []),
    ({ json }) => json.results[0].response.result.rows[0][0].value,
  ],
};

describe('every door', () => {
  const send = ([method, path, body]: Asked, headers = {}) =>
    request(`${api().daemon.url}${path}`, method, {
      ...(body === '' ? {} : { body }),
      headers: { authorization: 'Bearer writer', ...headers },
    });
  const make = async () => {
    await call('/api/v1/sqlite/db/create?path=doors', 'writer', undefined);
    expect((await call('/api/v1/sqlite/kv/k?db=doors', 'writer', { by: 'nobody' }, 'PUT')).status).toBe(200);
  };
  /** As each door reads it, which is the same. */
  const sameValue = async () => {
    const values = Object.values(reading).map(async ([method, path, body, read]) => {
      const value = read(await send([method, path, body]));
      return typeof value === 'string' ? JSON.parse(value) : value;
    });
    const [value, ...others] = await Promise.all(values);
    for (const other of others) expect(other).toEqual(value);
    return value;
  };
  const path = () => json(join(api().daemon.root, 'doors.db'));

  test('reads what another one wrote, and the one history names who wrote it', async () => {
    await make();
    for (const [by, asked] of Object.entries(writing)) {
      expect([by, (await send(asked(json({ by })))).status]).toEqual([by, 200]);
      expect(await sameValue()).toEqual({ by });
    }
    const program = `import sqlite3; c = sqlite3.connect(${path()}, timeout=60, isolation_level=None)
c.execute(${json(statement)}, ('{"by":"python"}',))`;
    execFileSync('python3', ['-c', program]);
    expect(await sameValue()).toEqual({ by: 'python' });
    const { json: past } = await send(['GET', '/api/v1/sqlite/kv/k/history?db=doors', '']);
    const clients = past.operations.map(({ client }: { client: string }) => client.split(':')[0]);
    const expected = ['native', 'http', 'mcp', 'http', 'http', 'http', 'http', 'http'];
    expect(clients).toEqual(expected);
  });

  test.each(Object.entries(writing))('%s keeps hosts and origins out, and large bodies', async (_, asked) => {
    await make();
    const foreign = [{ host: 'evil.example' }, { origin: 'https://evil.example' }, { origin: 'null' }];
    for (const headers of foreign) {
      expect([headers, (await send(asked('{"by":"a foreign page"}'), headers)).status]).toEqual([headers, 403]);
    }
    const large = asked(json({ by: 'x'.repeat(mostBytes) }));
    expect((await send(large)).status).toBe(413);
    expect(await sameValue()).toEqual({ by: 'nobody' });
  });

  test('ends at its deadline where a program holds the lock, and writes nothing later', async () => {
    await make();
    await withClients(async (start) => {
      const holder = start();
      await holder.open(JSON.parse(path()));
      expect(
        (await holder.run(['BEGIN IMMEDIATE', "UPDATE kv_store SET expire_at = NULL WHERE key = 'k'"])).error,
      ).toBe(null);
      const answers = Object.entries(writing).map(async ([by, asked]) => {
        const [method, place, body] = asked(json({ by }));
        const limited = `${place}${place.includes('?') ? '&' : '?'}timeout=1`;
        return [by, (await send([method, limited, body])).text] as const;
      });
      for (const [by, text] of await Promise.all(answers))
        expect([by, text]).toEqual([by, expect.stringMatching(/BUSY/)]);
      expect((await holder.run('COMMIT')).error).toBe(null);
    });
    expect(await sameValue()).toEqual({ by: 'nobody' });
  });
});
