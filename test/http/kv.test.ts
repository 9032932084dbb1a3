// The key-value endpoints on a real server: what HTTP adds to the operations.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { expectDescribed } from '../helpers/described-answers.ts';
import { eventually } from '../helpers/eventually.ts';
import { useDaemon } from '../helpers/http.ts';
import { SqliteClient } from '../helpers/sqlite-client.ts';

const api = useDaemon(['--create-on-write']);

const json = { 'content-type': 'application/json' };

function url(path: string, query: Record<string, string | number> = {}): string {
  const search = new URLSearchParams({ db: 'app' });
  for (const [name, value] of Object.entries(query)) search.set(name, String(value));
  return `${api().daemon.url}/api/v1/sqlite${path}?${search}`;
}

async function call(
  method: string,
  path: string,
  options: { query?: Record<string, string | number>; headers?: Record<string, string>; body?: string } = {},
) {
  const { query, ...rest } = options;
  const response = await fetch(url(path, query), { method, ...rest });
  const text = await response.text();
  expectDescribed(method, url(path, query), {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    text,
  });
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson && text !== '' ? JSON.parse(text) : undefined,
  };
}

describe('keys', () => {
  test('a value is stored and read with its content type, ETag and times', async () => {
    const put = await call('PUT', '/kv/user:1', { headers: json, body: '{"name": "Alice"}' });
    expect(put).toMatchObject({ status: 200, json: { success: true, key: 'user:1', size: 17 } });
    expect(put.headers.get('etag')).toBe(put.json.etag);
    const get = await call('GET', '/kv/user:1');
    expect(get.text).toBe('{"name": "Alice"}');
    expect(get.headers.get('content-type')).toBe('application/json');
    expect(get.headers.get('etag')).toBe(put.json.etag);
    expect(Number(get.headers.get('x-created-at'))).toBeGreaterThan(1_700_000_000);
    expect(get.headers.get('x-expire-at')).toBeNull();
    const head = await call('HEAD', '/kv/user:1');
    expect(head).toMatchObject({ status: 200, text: '' });
    expect(head.headers.get('etag')).toBe(put.json.etag);
    expect((await call('GET', '/kv/user:1', { headers: { 'if-none-match': put.json.etag } })).status).toBe(304);
  });

  test('HEAD has type, length and times of the value, or of the part that is asked for', async () => {
    await call('PUT', '/kv/head', { headers: json, body: '{"name": "\u00e9", "roles": [1, 2]}' });
    const secondsNow = Math.floor(Date.now() / 1000);
    for (const query of [{}, { path: 'roles' }, { at_timestamp: secondsNow }]) {
      const [get, head] = [await call('GET', '/kv/head', { query }), await call('HEAD', '/kv/head', { query })];
      expect([head.status, head.text]).toEqual([200, '']);
      expect(head.headers.get('content-length')).toBe(String(Buffer.byteLength(get.text)));
      for (const name of ['content-type', 'etag', 'last-modified', 'cache-control', 'x-updated-at', 'x-json-path']) {
        expect([name, head.headers.get(name)]).toEqual([name, get.headers.get(name)]);
      }
    }
    expect((await call('HEAD', '/kv/head', { query: { path: 'nothing' } })).status).toBe(404);
  });

  test('Last-Modified is the second of the last write, where HTTP can say it', async () => {
    await call('PUT', '/kv/dated', { body: '1' });
    const { headers } = await call('GET', '/kv/dated');
    expect(Date.parse(headers.get('last-modified') ?? '')).toBe(Number(headers.get('x-updated-at')) * 1000);
    // Without it, a browser would take an old value for a fresh one.
    expect(headers.get('cache-control')).toBe('no-cache');
    for (const odd of [-1, 0, '4102444800', '9007199254740991']) {
      await api().sql('app', { statement: `UPDATE kv_store SET updated_at = ${odd} WHERE key = 'dated'` });
      const answer = await call('GET', '/kv/dated');
      expect([answer.status, answer.headers.get('last-modified')]).toEqual([200, null]);
    }
  });

  test('a list of ETags may have empty elements, and commas inside of tags', async () => {
    const { etag } = (await call('PUT', '/kv/listed', { body: '1' })).json;
    const ifMatch = async (value: string) =>
      await call('PUT', '/kv/listed', { headers: { 'if-match': value }, body: '1' });
    const next = await ifMatch(`, "a,b",,${etag} ,`);
    expect(next.status).toBe(200);
    expect((await ifMatch('"a,b"')).status).toBe(412);
    for (const malformed of [',', '"a" "b"', 'a', '"a', 'W/"a"']) {
      expect([malformed, (await ifMatch(malformed)).status]).toEqual([malformed, 400]);
    }
    const unchanged = { 'if-none-match': `"x,y", ,W/${next.json.etag}` };
    expect((await call('GET', '/kv/listed', { headers: unchanged })).status).toBe(304);
  });

  test('a missing key is 404: null for a plain client, the error object for one that says JSON', async () => {
    const plain = await call('GET', '/kv/none');
    expect(plain).toMatchObject({ status: 404, text: 'null' });
    expect(plain.headers.get('x-hoody-error-code')).toBe('KEY_NOT_FOUND');
    expect((await call('GET', '/kv/none', { headers: json })).json).toMatchObject({ code: 'KEY_NOT_FOUND' });
    expect((await call('GET', '/kv/none', { headers: { accept: 'application/json' } })).json.code).toBe(
      'KEY_NOT_FOUND',
    );
    const head = await call('HEAD', '/kv/none');
    expect(head.status).toBe(404);
    expect(head.headers.get('x-hoody-error-code')).toBe('KEY_NOT_FOUND');
    expect(await call('DELETE', '/kv/none')).toMatchObject({ status: 404, json: { code: 'KEY_NOT_FOUND' } });
    expect(await call('GET', '/kv/none/entry')).toMatchObject({ status: 404, json: { code: 'KEY_NOT_FOUND' } });
  });

  test.each(['a/b', 'a%2Fb/c', 'with%20space', '%E2%82%AC', 'ends/incr/', 'x%3Fy%23z', 'incr'])(
    'the key %s in a path is decoded once',
    async (key) => {
      const put = await call('PUT', `/kv/${key}`, { body: '1' });
      expect(put).toMatchObject({ status: 200, json: { key: decodeURIComponent(key) } });
      expect((await call('GET', `/kv/${key}/entry`)).json).toMatchObject({ key: decodeURIComponent(key), value: 1 });
      expect((await call('DELETE', `/kv/${key}`)).json).toEqual({ success: true, deleted: true });
    },
  );

  test('names of fixed routes are keys for other methods', async () => {
    for (const key of ['snapshot', 'diff', 'batch/get']) {
      expect((await call('PUT', `/kv/${key}`, { body: '1' })).json).toMatchObject({ key });
    }
    expect((await call('DELETE', '/kv/snapshot')).status).toBe(200);
  });

  test('conditions answer 412 with the current tag', async () => {
    const first = (await call('PUT', '/kv/cond', { body: '1' })).json.etag;
    const stale = await call('PUT', '/kv/cond', { body: '2', headers: { 'if-match': '"stale"' } });
    expect(stale).toMatchObject({ status: 412, json: { code: 'PRECONDITION_FAILED', current_etag: first } });
    expect((await call('PUT', '/kv/cond', { body: '2', headers: { 'if-none-match': '*' } })).status).toBe(412);
    expect((await call('PUT', '/kv/cond', { body: '2', headers: { 'if-match': 'W/"weak"' } })).status).toBe(400);
    expect((await call('PUT', '/kv/cond', { body: '2', headers: { 'if-none-match': first } })).status).toBe(400);
    expect((await call('PUT', '/kv/cond', { body: '2', query: { if_match: '7' } })).status).toBe(412);
    expect((await call('PUT', '/kv/cond', { body: '2', query: { if_match: '1' } })).status).toBe(200);
    expect((await call('DELETE', '/kv/cond', { headers: { 'if-match': first } })).status).toBe(412);
    expect((await call('POST', '/kv/batch/set', { body: '{"items":[]}', headers: { 'if-match': '*' } })).status).toBe(
      400,
    );
  });

  test('ttl, expire and persist', async () => {
    const put = await call('PUT', '/kv/s', { body: '1', query: { ttl: 3600 } });
    expect(put.status).toBe(200);
    expect(Number((await call('GET', '/kv/s')).headers.get('x-expire-at'))).toBeGreaterThan(Date.now() / 1000 + 3000);
    expect((await call('POST', '/kv/s/persist')).json.expire_at).toBeNull();
    expect((await call('POST', '/kv/s/expire', { query: { ttl: 60 } })).json.expire_at).toBeGreaterThan(
      Date.now() / 1000,
    );
    expect((await call('POST', '/kv/s/expire')).status).toBe(400);
    expect((await call('POST', '/kv/s/expire', { query: { ttl: 0 } })).status).toBe(400);
    expect((await call('PUT', '/kv/s', { body: '1', query: { ttl: -1 } })).status).toBe(400);
    expect((await call('POST', '/kv/none/expire', { query: { ttl: 5 } })).status).toBe(404);
  });

  test.each([
    ['for a writer', 'WAL', ['BEGIN IMMEDIATE']],
    // In rollback mode it is the COMMIT that needs the readers to be gone.
    ['for a reader of a rollback journal', 'DELETE', ['BEGIN', 'SELECT * FROM t']],
  ])('a time to live begins when the value can be written, however long it waited %s', async (_, mode, lock) => {
    const query = { db: `waited-${mode}` };
    const holder = new SqliteClient();
    try {
      await holder.open(join(api().daemon.root, `${query.db}.db`), { timeout: 9 });
      await holder.run([`PRAGMA journal_mode=${mode}`, 'CREATE TABLE t(x)']);
      expect((await call('PUT', '/kv/waited', { body: '0', query })).status).toBe(200);
      expect((await holder.run(lock)).error).toBe(null);
      const sentMs = Date.now();
      const put = call('PUT', '/kv/waited', { body: '1', query: { ...query, ttl: 1 } });
      await eventually(() => expect(Date.now()).toBeGreaterThan(sentMs + 2_500));
      const releasedMs = Date.now();
      await holder.run('COMMIT');
      expect((await put).status).toBe(200);
      // It may be over by now on a busy machine, but says all the same when it was to end.
      const { events } = (await call('GET', '/changes', { query: { ...query, since: '0-0-0-0', limit: 1000 } })).json;
      const [event] = events.filter(({ key }: { key: string }) => key === 'waited').slice(-1);
      const expireAt = event.op === 'set' ? event.expire_at : event.ts;
      expect(expireAt).toBeGreaterThanOrEqual(Math.floor(releasedMs / 1000) + 1);
    } finally {
      holder.process.kill();
    }
  });

  test('list answers a page and refuses bad pages', async () => {
    for (const key of ['page:1', 'page:2', 'page:3']) await call('PUT', `/kv/${key}`, { body: '1' });
    const page = await call('GET', '/kv', { query: { prefix: 'page:', limit: 2 } });
    expect(page.json).toMatchObject({ success: true, count: 2, has_more: true, next_after: 'page:2', offset: 0 });
    expect(page.json.change_cursor).toMatch(/^[0-9a-f]+-[0-9a-f]+-\d+-[0-9a-f]+$/);
    expect((await call('GET', '/kv', { query: { limit: 5000 } })).json.limit).toBe(1000);
    expect((await call('GET', '/kv', { query: { limit: -1 } })).status).toBe(400);
    expect((await call('GET', '/kv', { query: { offset: 'x' } })).status).toBe(400);
    expect((await call('GET', '/kv', { query: { after: 'a', offset: 1 } })).status).toBe(400);
  });
});

describe('counters, lists and batches', () => {
  test('delta must be a positive integer', async () => {
    for (const delta of ['0', '-1', '1.5', 'x']) {
      expect((await call('POST', '/kv/c/incr', { query: { delta } })).status).toBe(400);
    }
    expect((await call('POST', '/kv/c/decr', { query: { delta: 5 } })).json.value).toBe(-5);
  });

  test('lists work with the bodies that fetch sends without a content type', async () => {
    await call('POST', '/kv/cart/push', { body: JSON.stringify({ value: { product_id: 'p', quantity: 2 } }) });
    await call('POST', '/kv/cart/push', { body: '"x"' });
    expect((await call('POST', '/kv/cart/pop', { headers: json })).json).toMatchObject({ value: 'x', length: 1 });
    const removed = await call('POST', '/kv/cart/remove', { body: '{"value":{"product_id":"p"}}' });
    expect(removed.json).toMatchObject({ removed: { product_id: 'p', quantity: 2 }, length: 0 });
    expect((await call('POST', '/kv/cart/remove', { query: { index: 0 } })).status).toBe(404);
    expect((await call('POST', '/kv/cart/push', { body: '{' })).json.code).toBe('INVALID_PARAMETERS');
  });

  test('a batch of 100 in both forms', async () => {
    const batch = Array.from({ length: 100 }, (_, n) => ({ key: `b:${n}`, value: { n } }));
    expect((await call('POST', '/kv/batch/set', { body: JSON.stringify({ batch }) })).json.count).toBe(100);
    const got = await call('POST', '/kv/batch/get', { body: JSON.stringify({ keys: ['b:7', 'b:none'] }) });
    expect(got.json.results).toMatchObject({ 'b:7': { value: { n: 7 } }, 'b:none': null });
    const keys = batch.map(({ key }) => key);
    expect((await call('POST', '/kv/batch/delete', { body: JSON.stringify({ keys }) })).json.deleted).toBe(100);
  });
});

describe('idempotent requests', () => {
  test('a repeated request is answered again, a different one with the same key is refused', async () => {
    const headers = { 'idempotency-key': 'abc' };
    const first = await call('POST', '/kv/idem/incr', { headers });
    const again = await call('POST', '/kv/idem/incr', { headers });
    expect(again.json).toEqual(first.json);
    expect(again.headers.get('etag')).toBe(first.headers.get('etag'));
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    const other = await call('POST', '/kv/idem/incr', { headers, query: { delta: 2 } });
    expect(other).toMatchObject({ status: 422, json: { code: 'IDEMPOTENCY_KEY_MISMATCH' } });
  });
});

describe('databases', () => {
  test('a write creates the file only if asked, an explicit false wins over the server', async () => {
    const none = await call('PUT', '/kv/a', { body: '1', query: { db: 'fresh', create_db_if_missing: 'false' } });
    expect(none).toMatchObject({ status: 400, json: { code: 'DATABASE_NOT_FOUND' } });
    expect((await call('GET', '/kv/a', { query: { db: 'fresh' }, headers: json })).json.code).toBe(
      'DATABASE_NOT_FOUND',
    );
    expect((await call('PUT', '/kv/a', { body: '1', query: { db: 'fresh' } })).status).toBe(200);
  });

  test('a table of the user with that name is a conflict, not an error of the server', async () => {
    const create = { transaction: [{ statement: 'CREATE TABLE mine (id INTEGER PRIMARY KEY, v TEXT)' }] };
    expect((await call('POST', '/db', { body: JSON.stringify(create) })).status).toBe(200);
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const body = method === 'PUT' ? { body: '1' } : {};
      const answer = await call(method, '/kv/a', { query: { table: 'mine' }, ...body });
      expect(answer).toMatchObject({ status: 409, json: { code: 'CONFLICT' } });
    }
  });

  test('what SQL writes, KV reads, and the other way round', async () => {
    await call('PUT', '/kv/shared', { body: '{"a":1}', headers: json });
    const read = {
      transaction: [{ query: "SELECT json_extract(value, '$.a') AS a FROM kv_store WHERE key = 'shared'" }],
    };
    const answer = await call('POST', '/db', { body: JSON.stringify(read) });
    expect(answer.json.results[0].resultSet).toEqual([{ a: 1 }]);
    const write = { transaction: [{ statement: "UPDATE kv_store SET value = '{\"a\":2}' WHERE key = 'shared'" }] };
    await call('POST', '/db', { body: JSON.stringify(write) });
    expect((await call('GET', '/kv/shared', { query: { path: 'a' } })).text).toBe('2');
    const history = (await call('GET', '/kv/shared/history')).json.operations;
    expect(history[0]).toMatchObject({
      op_number: 2,
      client: 'http',
      operation: { op: 'SET', old_value: { a: 1 }, new_value: { a: 2 } },
    });
    const view = { transaction: [{ query: "SELECT op_number, op FROM kv_store_history WHERE key = 'shared'" }] };
    const rows = (await call('POST', '/db', { body: JSON.stringify(view) })).json.results[0].resultSet;
    expect(rows).toEqual([
      { op_number: 1, op: 'SET' },
      { op_number: 2, op: 'SET' },
    ]);
  });
});
