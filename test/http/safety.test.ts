// What the server refuses, and that nothing makes it hang or fall: hosts, origins, tokens, sizes, slow clients, bad
// input.
// Runs alone: it measures memory.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { withDaemon } from '../helpers/daemon.ts';
import { fuzzDoors } from '../helpers/doors-fuzz.ts';
import { apiOf, useDaemon } from '../helpers/http.ts';
import { fuzzRoutes, fuzzTransactions } from '../helpers/http-fuzz.ts';

const api = useDaemon(['--create-on-write', '--max-body-bytes', '1048576']);

describe('host and origin', () => {
  const health = (headers: Record<string, string>) => api().call('GET', '/health', { headers });

  test('a host that is not this machine is refused, an unknown origin too', async () => {
    expect((await health({ host: 'evil.example' })).json).toMatchObject({ code: 'FORBIDDEN' });
    expect((await health({ host: 'localhost:8484' })).status).toBe(200);
    expect((await health({ origin: 'https://evil.example' })).status).toBe(403);
    const put = await api().call('PUT', '/kv/k?db=app', { body: '1', headers: { origin: 'null' } });
    expect([put.status, put.json.code]).toEqual([403, 'FORBIDDEN']);
  });

  test('a preflight of a foreign page is refused', async () => {
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'PUT' };
    expect((await api().call('OPTIONS', '/kv/k?db=app', { headers })).status).toBe(403);
  });

  test('both are opened by flags', async () => {
    await withDaemon(['--no-mount', '--allow-host', '*', '--cors-origin', 'https://page.example'], async (daemon) => {
      const open = apiOf(daemon);
      const headers = { host: 'other.example', origin: 'https://page.example' };
      const answer = await open.call('GET', '/health', { headers });
      expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, 'https://page.example']);
      const preflight = await open.call('OPTIONS', '/kv/k?db=app', { headers });
      expect(preflight.status).toBe(204);
      expect(preflight.headers['access-control-allow-methods']).toContain('PUT');
      expect(preflight.headers['access-control-allow-headers']).toContain('If-Match');
      expect((await open.call('GET', '/health', { headers: { origin: 'https://evil.example' } })).status).toBe(403);
    });
  });
});

test('no answer can run as a page of this server, whatever somebody has stored', async () => {
  const { call, sql } = api();
  const page = '<script>fetch("/api/v1/sqlite/kv/k?db=app", { method: "DELETE" })</script>';
  for (const type of ['text/html', 'image/svg+xml', 'application/xhtml+xml', 'text/javascript']) {
    await call('PUT', '/kv/page?db=pages', { body: page, headers: { 'content-type': type } });
    const { headers, text } = await call('GET', '/kv/page?db=pages');
    expect([headers['content-type'], text]).toEqual([type, page]);
    expect([headers['content-security-policy'], headers['x-content-type-options']]).toEqual(['sandbox', 'nosniff']);
  }
  await sql('pages', { query: 'SELECT 1' });
  const now = Math.floor(Date.now() / 1000);
  const answers = await Promise.all([
    call('GET', '/kv/page/entry?db=pages'),
    call('GET', '/kv/page/history?db=pages'),
    call('GET', '/kv/page/snapshot?db=pages&op_number=1'),
    call('GET', `/kv/snapshot?db=pages&timestamp=${now}`),
    call('GET', `/kv/page?db=pages&at_timestamp=${now}`),
    call('POST', '/kv/batch/get?db=pages', { body: { keys: ['page'] } }),
    call('GET', '/query?db=pages&sql=SELECT%201'),
    call('POST', '/db?db=pages', { body: { transaction: [{ query: 'SELECT 1' }] } }),
    call('GET', '/history?db=pages'),
    call('GET', '/kv/missing?db=pages'),
    call('GET', '//metrics'),
    call('GET', '/nothing'),
  ]);
  for (const { headers } of answers) {
    expect(headers).toMatchObject({ 'content-security-policy': 'sandbox', 'x-content-type-options': 'nosniff' });
  }
  expect((await call('GET', '//')).headers['content-security-policy']).toMatch(/^default-src 'none'/);
});

test('a request may name the whole URL, whose host then counts', async () => {
  const get = (target: string, host: string) =>
    raw(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  expect(await get('http://localhost/api/v1/sqlite/health', 'evil.example')).toMatch(/^HTTP\/1.1 200 /);
  expect(await get('HTTP://127.0.0.1:1/api/v1/sqlite/health?verbose=true', 'localhost')).toContain('"pid"');
  expect(await get('http://localhost', 'localhost')).toContain('<title>hoody-sqlite');
  expect(await get('http://evil.example/api/v1/sqlite/health', 'localhost')).toMatch(/^HTTP\/1.1 403 /);
});

test('what Node would refuse with an empty answer gets one of the API', async () => {
  const ask = (head: string) => raw(`GET /api/v1/sqlite/health HTTP/${head}\r\nConnection: close\r\n\r\n`);
  const withoutHost = await ask('1.1');
  expect(withoutHost).toMatch(/^HTTP\/1.1 400 /);
  expect(withoutHost).toContain('needs a Host header');
  expect(await ask('1.0')).toMatch(/^HTTP\/1.1 200 /);
  expect(await ask('1.1\r\nHost: localhost\r\nExpect: wonders')).toMatch(/^HTTP\/1.1 200 /);
});

test('a parameter that is sent twice with different values is refused, and nothing is done', async () => {
  const answer = await api().call('POST', '/db/create?path=one-of-two&path=two-of-two');
  expect([answer.status, answer.json.code]).toEqual([400, 'INVALID_PARAMETERS']);
  expect(answer.json.error).toContain('path was sent twice');
  const { json } = await api().call('GET', '/db/list');
  expect(JSON.stringify(json)).not.toContain('of-two');
});

test('an Authorization header is ignored where no tokens are configured', async () => {
  expect((await api().call('GET', '/db/list', { headers: { authorization: 'Bearer x' } })).status).toBe(200);
});

test('with a token file everything but health and the page needs a token, and a read token only reads', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hoody-tokens-'));
  const file = join(folder, 'tokens');
  writeFileSync(file, 'full secret\nread peek\n', { mode: 0o600 });
  try {
    await withDaemon(['--no-mount', '--create-on-write', '--auth-token-file', file], async (daemon) => {
      const { call } = apiOf(daemon);
      const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
      expect((await call('GET', '/health')).status).toBe(200);
      expect((await call('GET', '//')).status).toBe(200);
      expect((await call('GET', '//metrics')).status).toBe(401);
      expect((await call('GET', '/db/list')).json.code).toBe('UNAUTHORIZED');
      expect((await call('GET', '/db/list', as('wrong'))).status).toBe(401);
      expect((await call('GET', '/db/list', as('peek'))).status).toBe(200);
      expect((await call('PUT', '/kv/k?db=a', { body: '1', ...as('peek') })).json.code).toBe('FORBIDDEN');
      expect((await call('PUT', '/kv/k?db=a', { body: '1', ...as('secret') })).status).toBe(200);
      expect((await call('GET', '/kv/k?db=a', as('peek'))).text).toBe('1');
      const body = { transaction: [{ query: 'SELECT 1' }] };
      expect((await call('POST', '/db?db=a', { body, ...as('peek') })).status).toBe(403);
      expect((await call('POST', '/db?db=a', { body, ...as('secret') })).status).toBe(200);
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('sizes', () => {
  test('a body beyond --max-body-bytes is 413, declared or not', async () => {
    const large = Buffer.alloc(1_048_577, 'x');
    const declared = await api().call('PUT', '/kv/k?db=app', { body: large });
    expect([declared.status, declared.json.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    const answer = await raw(
      `PUT /api/v1/sqlite/kv/k?db=app HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${`10000\r\n${'x'.repeat(0x10000)}\r\n`.repeat(20)}`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 413 /);
    expect((await api().call('PUT', '/kv/k?db=app', { body: large.subarray(1) })).status).toBe(200);
  });

  test('100 MB are refused without being read', async () => {
    const before = await rss();
    const answer = await api()
      .call('POST', '/db?db=app', {
        body: Buffer.alloc(100 * 1024 * 1024, ' '),
      })
      .catch((error: NodeJS.ErrnoException) => error.code);
    // The server answers and closes while the client still sends: the client sees the answer or the reset.
    if (typeof answer === 'object') expect(answer.status).toBe(413);
    else expect(answer).toMatch(/^(EPIPE|ECONNRESET)$/);
    expect((await rss()) - before).toBeLessThan(64 * 1024 * 1024);
  });

  test('headers and URLs beyond the limits have a code', async () => {
    const long = await api().call('GET', `/kv/${'k'.repeat(40_000)}?db=app`);
    expect([long.status, long.json.code]).toEqual([414, 'URI_TOO_LONG']);
    const longer = await api().call('GET', `/kv/${'k'.repeat(1_000_000)}?db=app`);
    expect([longer.status, longer.json.code]).toEqual([431, 'HEADERS_TOO_LARGE']);
    const header = await api().call('GET', '/health', { headers: { 'x-large': 'x'.repeat(70_000) } });
    expect(header.status).toBe(431);
  });
});

test('what is not HTTP is answered and closed', async () => {
  expect(await raw('this is not HTTP\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /);
});

// The first one waits for most of its time.
test.concurrent('a client that never ends its header is cut off', async () => {
  const startedMs = performance.now();
  await raw('GET /api/v1/sqlite/health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
  expect(performance.now() - startedMs).toBeLessThan(60_000);
  expect((await api().call('GET', '/health')).status).toBe(200);
});

describe.concurrent('bad input is a 4xx with a code and a sentence', () => {
  test('for every kind of body of POST /db', () => fuzzTransactions(api(), 200));

  test('for every kind of parameter of every route', () => fuzzRoutes(api(), 300));

  test('for whatever clients of other protocols may send', () => fuzzDoors(api(), 400, 1));
});

/** Sends bytes as they are; everything that comes back until the server closes. */
function raw(text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(api().daemon.url).port), '127.0.0.1');
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
    socket.write(text);
  });
}

async function rss(): Promise<number> {
  return (await api().call('GET', '/health?verbose=true')).json.memory.rss;
}
