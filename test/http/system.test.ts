// Health, metrics, OpenAPI and the landing page, through a real mount.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { killProcess } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { request, useDaemon } from '../helpers/http.ts';

const api = useDaemon(['--create-on-write']);

test('health is short, and full on request', async () => {
  expect((await api().call('GET', '/health')).json).toEqual({ status: 'ok' });
  const { json } = await api().call('GET', '/health?verbose=true', { headers: { 'user-agent': 'test/1' } });
  expect(json).toMatchObject({
    status: 'ok',
    service: 'hoody-sqlite',
    built: expect.stringMatching(/Z$/),
    started: expect.stringMatching(/Z$/),
    pid: expect.any(Number),
    ip: '127.0.0.1',
    userAgent: 'test/1',
    memory: { rss: expect.any(Number), heap: expect.any(Number) },
    fds: expect.any(Number),
    counters: { requests: expect.any(Number) },
  });
  expect(json.features).toContain('retry_after');
  expect((await api().call('GET', '/health?verbose=perhaps')).status).toBe(400);
});

test('HEAD is answered wherever GET is, with the headers of GET and no body', async () => {
  await api().call('POST', '/db/create?path=heads');
  for (const path of [
    '/health',
    '/health?verbose=true',
    '/openapi.yaml',
    '//',
    '//metrics',
    '/db/list',
    '/query?db=heads&sql=SELECT+1',
  ]) {
    const [get, head] = [await api().call('GET', path), await api().call('HEAD', path)];
    expect([path, head.status, head.text]).toEqual([path, get.status, '']);
    expect(head.headers['content-type']).toBe(get.headers['content-type']);
    expect(head.headers).toHaveProperty('content-length');
  }
  const stream = await api().call('HEAD', '/locks/stream');
  expect([stream.status, stream.headers['content-type'], stream.text]).toEqual([200, 'text/event-stream', '']);
});

test('an offer of HTTP/2 is passed over, as Java and curl --http2 make it with every request', async () => {
  const headers = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAEAAEAAAAIAAAAB' };
  for (const body of ['x', 'large'.repeat(200_000)]) {
    expect(await api().call('PUT', '/kv/offer?db=offers', { body, headers })).toMatchObject({ status: 200 });
    expect((await api().call('GET', '/kv/offer?db=offers', { headers })).text).toBe(body);
  }
  expect((await api().call('GET', '/no/such/route', { headers })).status).toBe(404);
  expect((await api().call('GET', '//other', { headers: { connection: 'upgrade', upgrade: 'websocket' } })).text).toBe(
    '{"message":"WebSockets are at /libsql/NAME/","code":"NOT_FOUND"}',
  );
});

test('two requests with an offer of HTTP/2 are answered on one connection', async () => {
  const { hostname, port } = new URL(api().daemon.url);
  const socket = connect(Number(port), hostname);
  let answers = '';
  socket.on('data', (data) => {
    answers += data;
  });
  const head = `GET /api/v1/sqlite/health HTTP/1.1\r\nHost: ${hostname}\r\nUpgrade: h2c\r\n`;
  socket.write(`${head}Connection: Upgrade\r\n\r\n`);
  await eventually(() => expect(answers).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*{"status":"ok"}$/));
  answers = '';
  socket.end(`${head}Connection: close, Upgrade\r\n\r\n`);
  await once(socket, 'close');
  expect(answers).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*Connection: close[\s\S]*{"status":"ok"}$/i);
});

test('an empty body with a JSON content type is no error where no body is read', async () => {
  const headers = { 'content-type': 'application/json' };
  expect((await api().call('GET', '/health', { headers })).status).toBe(200);
  expect((await api().call('POST', '/db/create?path=empty-body', { headers })).status).toBe(201);
  expect((await api().call('DELETE', '/db?db=empty-body', { headers })).status).toBe(200);
});

test('health/cache counts the open databases', async () => {
  await api().call('PUT', '/kv/k?db=cached', { body: '1' });
  const { json } = await api().call('GET', '/health/cache');
  expect(json.size).toBeGreaterThanOrEqual(1);
  expect(json).toMatchObject({ max_size: expect.any(Number), directory_mode: { size: 0, held: 0 } });
});

test('the API describes itself, the same in JSON and in YAML', async () => {
  const json = await api().call('GET', '/openapi.json');
  const yaml = await api().call('GET', '/openapi.yaml');
  expect(json.headers['content-type']).toMatch(/^application\/json/);
  expect(yaml.headers['content-type']).toMatch(/yaml/);
  expect(parse(yaml.text)).toEqual(json.json);
  expect(json.json.openapi).toMatch(/^3\.1/);
});

test('every described operation is served, under exactly the described methods', async () => {
  const { json } = await api().call('GET', '/openapi.json');
  for (const [path, methods] of Object.entries<object>(json.paths)) {
    for (const method of ['get', 'head', 'post', 'put', 'delete']) {
      if (path.endsWith('/stream') && (method === 'get' || method === 'head')) continue;
      const url = api().daemon.url + path.replace('{key}', 'a-key');
      const answer = await request(url, method.toUpperCase());
      const code = answer.headers['x-hoody-error-code'];
      const described = (methods as Record<string, { responses: object }>)[method === 'head' ? 'get' : method];
      const mayBeMissing = described !== undefined && '404' in described.responses;
      const isServed = code !== 'METHOD_NOT_ALLOWED' && (code !== 'NOT_FOUND' || mayBeMissing);
      // A path without a key may also be a key for another method: PUT /kv/snapshot.
      const isKeyToo = /^\/(api\/v1\/sqlite\/(kv|history)|upstash)\//.test(path) && !(method in methods);
      const isDescribed = method in methods || (method === 'head' && 'get' in methods);
      if (!isKeyToo) expect([path, method, isServed]).toEqual([path, method, isDescribed]);
    }
  }
});

test('metrics count requests by route, groups by lane, and what the kernel asked', async () => {
  await api().call('PUT', '/kv/k?db=metrics', { body: '1' });
  const { status, headers, text } = await api().call('GET', '//metrics');
  expect([status, headers['content-type']]).toEqual([200, expect.stringContaining('text/plain')]);
  expect(text).toMatch(/^hoody_sqlite_request_seconds_count\{route="kvSet",status="200"\} [1-9]/m);
  expect(text).toMatch(/^hoody_sqlite_group_jobs_count\{lane="kv-write"\} [1-9]/m);
  expect(text).toMatch(/^hoody_sqlite_queued_jobs \d+$/m);
  expect(text).toMatch(/^hoody_sqlite_open_databases [1-9]/m);
  expect(text).toMatch(/^hoody_sqlite_fuse_requests_total\{opcode="LOOKUP"\} [1-9]/m);
  expect(text).toMatch(/^hoody_sqlite_lock_waits_total \d/m);
});

test('metrics show the daemon as a whole', async () => {
  await api().call('PUT', '/kv/k?db=whole', { body: 'x'.repeat(50_000) });
  const { text } = await api().call('GET', '//metrics');
  expect(text).toMatch(/^hoody_sqlite_build_info\{version="\d+\.\d+\.\d+",node="v20\..*"\} 1$/m);
  expect(text).toMatch(/^hoody_sqlite_mount_up 1$/m);
  expect(text).toMatch(/^hoody_sqlite_degraded 0$/m);
  expect(text).toMatch(/^hoody_sqlite_fenced_databases 0$/m);
  expect(text).toMatch(/^hoody_sqlite_child_restarts_total\{role="fs"\} 0$/m);
  expect(text).toMatch(/^hoody_sqlite_executor_deaths_total 0$/m);
  expect(text).toMatch(/^hoody_sqlite_streams 0$/m);
  const started = Number(/^process_start_time_seconds ([\d.]+)$/m.exec(text)?.[1]);
  expect(Math.abs(Date.now() / 1000 - started)).toBeLessThan(600);
  expect(Number(/^hoody_sqlite_wal_bytes (\d+)$/m.exec(text)?.[1])).toBeGreaterThan(50_000);

  await killProcess(api().daemon, 'server');
  await eventually(async () => {
    const { text: after } = await api().call('GET', '//metrics');
    expect(after).toMatch(/^hoody_sqlite_child_restarts_total\{role="server"\} 1$/m);
  });
});

test('the alert rules name metrics that exist', async () => {
  const { text } = await api().call('GET', '//metrics');
  const rules = readFileSync(resolve(import.meta.dirname, '../../docs/alerts.yaml'), 'utf8');
  const names = new Set(rules.match(/hoody_sqlite_\w+/g));
  expect(names.size).toBeGreaterThan(3);
  // Those of shipping are there where something is shipped: test/program/ship-to-s3.test.ts.
  for (const name of names) if (!name.includes('_ship_')) expect(text).toContain(`# TYPE ${name} `);
  expect(parse(rules).groups[0].rules).toHaveLength(4);
});

test('the root of the server is a page', async () => {
  const { status, headers, text } = await api().call('GET', '//');
  expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(text).toContain('hoody-sqlite');
});

test('what is not there has a code', async () => {
  expect((await api().call('GET', '/nothing')).json).toMatchObject({ code: 'NOT_FOUND' });
  const wrong = await api().call('PUT', '/health');
  expect([wrong.status, wrong.json.code, wrong.headers.allow]).toEqual([405, 'METHOD_NOT_ALLOWED', 'GET, HEAD']);
});
