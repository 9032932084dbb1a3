// The unstorage door on a real mount, through its own HTTP driver, and by hand where the driver hides an answer.

import { createStorage, prefixStorage } from 'unstorage';
import httpDriver from 'unstorage/drivers/http';
import { beforeAll, describe, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { type CallOptions, request, useDaemon } from '../helpers/http.ts';

const api = useDaemon();
const url = (path: string) => `${api().daemon.url}/unstorage/${path}`;
const call = (method: string, path: string, options: CallOptions = {}) => request(url(path), method, options);
const storageOf = (database: string) => createStorage({ driver: httpDriver({ base: url(database) }) });

beforeAll(async () => {
  await api().call('POST', '/db/create?path=app');
  await api().call('POST', '/db/create?path=cleared');
});

describe('unstorage', () => {
  test('reads what it writes: objects, texts, numbers, texts that are no JSON, bytes', async () => {
    const storage = storageOf('app');
    for (const value of [{ a: [1, 'x'] }, 'plain text', '{ not json', 12, true, 'caf\u00e9 \u{1f600}', ['x']]) {
      await storage.setItem('user:1', value);
      expect(await storage.getItem('user:1')).toEqual(value);
    }
    expect(await storage.hasItem('user:1')).toBe(true);
    expect(await storage.hasItem('nothing')).toBe(false);
    expect(await storage.getItem('nothing')).toBe(null);
    const bytes = Buffer.from([0, 255, 1, 128]);
    await storage.setItemRaw('raw', bytes);
    expect(Buffer.from((await storage.getItemRaw('raw')) as ArrayBuffer)).toEqual(bytes);
  });

  test('a missing key may be removed; keys are listed and cleared below a base', async () => {
    const storage = storageOf('cleared');
    await storage.removeItem('nothing');
    for (const key of ['a', 'users:1', 'users:2', 'users:deep:er', 'usersx']) await storage.setItem(key, 1);
    expect((await storage.getKeys()).sort()).toEqual(['a', 'users:1', 'users:2', 'users:deep:er', 'usersx']);
    const users = prefixStorage(storage, 'users');
    expect((await users.getKeys()).sort()).toEqual(['1', '2', 'deep:er']);
    await users.removeItem('1');
    // A storage clears what is mounted below a base; the driver is asked for the base itself.
    await httpDriver({ base: url('cleared') }).clear?.('users', {});
    expect((await storage.getKeys()).sort()).toEqual(['a', 'usersx']);
    await storage.clear();
    expect(await storage.getKeys()).toEqual([]);
  });

  test('more keys than a page or a transaction holds are listed and cleared all', async () => {
    const items = Array.from({ length: 1100 }, (_, at) => ['SET', `many:${at}`, '1']);
    await request(`${api().daemon.url}/upstash/cleared/pipeline`, 'POST', { body: items });
    const storage = storageOf('cleared');
    expect((await storage.getKeys('many')).length).toBe(1100);
    expect((await call('DELETE', 'cleared/many/:')).json).toEqual({ success: true, deleted: 1100 });
    expect(await storage.getKeys()).toEqual([]);
  });

  test('a time to live goes in and out as X-TTL', async () => {
    const storage = storageOf('app');
    await storage.setItem('brief', 'x', { ttl: 100 });
    const meta = await storage.getMeta('brief');
    expect(meta.ttl).toBeGreaterThan(90);
    expect(meta.ttl).toBeLessThanOrEqual(100);
    expect(Math.abs(Date.now() - (meta.mtime?.getTime() ?? 0))).toBeLessThan(60_000);
    await storage.setItem('briefer', 'x', { ttl: 1 });
    await eventually(async () => expect(await storage.getItem('briefer')).toBe(null));
  });
});

test('a value is the one of the key-value store, with one history', async () => {
  const storage = storageOf('app');
  await storage.setItem('shared:key', { n: 1 });
  const kv = await api().call('GET', '/kv/shared:key?db=app');
  expect([kv.text, kv.headers['content-type']]).toEqual(['{"n":1}', 'application/json']);
  const redis = (command: unknown[]) => request(`${api().daemon.url}/upstash/app`, 'POST', { body: command });
  expect((await redis(['GET', 'shared:key'])).json).toEqual({ result: '{"n":1}' });
  await redis(['SET', 'shared:key', 'by Redis']);
  expect(await storage.getItem('shared:key')).toBe('by Redis');
  // Without a content type: bytes that are text are no Blob.
  await api().call('PUT', '/kv/shared:key?db=app', { body: 'by KV' });
  expect(await storage.getItem('shared:key')).toBe('by KV');
  await storage.removeItem('shared:key');
  const { json } = await api().call('GET', '/kv/shared:key/history?db=app');
  expect(json.operations.map((entry: { client: string }) => entry.client)).toEqual(['http', 'http', 'http', 'http']);
});

test('conditions hold, and what cannot be done is refused', async () => {
  const { headers } = await call('PUT', 'app/cond', { body: '1' });
  expect((await call('PUT', 'app/cond', { body: '2', headers: { 'if-none-match': '*' } })).status).toBe(412);
  expect((await call('GET', 'app/cond', { headers: { 'if-none-match': headers.etag } })).status).toBe(304);
  expect((await call('DELETE', 'app/cond', { headers: { 'if-match': '"other"' } })).status).toBe(412);
  for (const [method, path] of [
    ['GET', 'app'],
    ['DELETE', 'app'],
    ['PUT', 'app/a/:'],
    ['HEAD', 'app/:'],
    ['PUT', 'app/%00'],
    ['GET', 'app/%ff'],
    ['GET', 'no-such/a'],
    ['GET', '..%2Fx/a'],
  ] as const) {
    expect([path, (await call(method, path, { body: 'x' })).status]).toEqual([path, 400]);
  }
  for (const ttl of ['-1', 'x', '1e99']) {
    expect((await call('PUT', 'app/a', { body: 'x', headers: { 'x-ttl': ttl } })).status).toBe(400);
  }
  const slash = await call('PUT', 'app/a%2Fb/c', { body: 'x' });
  expect(slash.json.key).toBe('a/b:c');
});
