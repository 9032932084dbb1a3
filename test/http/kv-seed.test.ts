// The key-value examples of the seed text, as printed there with only the host and the directory replaced: fetch
// without any header, absolute paths, databases that do not exist yet.
import { expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { useDaemon } from '../helpers/http.ts';
import { run } from '../helpers/process.ts';

const api = useDaemon(['--allow-any-absolute-db-path', '--create-on-write']);

/** `.../kv/x?db=/data/app.db` of the seed. */
const at = (text: string) =>
  text.replace('...', `${api().daemon.url}/api/v1/sqlite`).replace('/data/', `${api().daemon.folder}/`);
const read = async (text: string): Promise<unknown> => (await fetch(at(text))).json();

test('store and retrieve configuration', async () => {
  await fetch(at('.../kv/config:api?db=/data/app.db'), {
    method: 'PUT',
    body: JSON.stringify({ timeout: 30, retries: 3, endpoint: 'https://api.example.com' }),
  });
  const config = await read('.../kv/config:api?db=/data/app.db');
  expect(config).toEqual({ timeout: 30, retries: 3, endpoint: 'https://api.example.com' });
  const timeout = await read('.../kv/config:api?db=/data/app.db&path=timeout');
  expect(timeout).toBe(30);
});

test('page views', async () => {
  await fetch(at('.../kv/views:homepage/incr?db=/data/stats.db'), { method: 'POST' });
  await fetch(at('.../kv/views:homepage/incr?db=/data/stats.db'), { method: 'POST' });
  const count = await fetch(at('.../kv/views:homepage?db=/data/stats.db')).then((r) => r.json());
  expect(count).toBe(2);
});

test('a session with a time to live', async () => {
  await fetch(at('.../kv/session:abc123?db=/data/sessions.db&ttl=3600'), {
    method: 'PUT',
    body: JSON.stringify({ user_id: 'user-456', ip: '203.0.113.50', created_at: Date.now() }),
  });
  expect(await read('.../kv/session:abc123?db=/data/sessions.db')).toMatchObject({ user_id: 'user-456' });
});

test('a shopping cart', async () => {
  await fetch(at('.../kv/cart:user1/push?db=/data/store.db'), {
    method: 'POST',
    body: JSON.stringify({ value: { product_id: 'prod-xyz', quantity: 2, price: 29.99 } }),
  });
  const full = await fetch(at('.../kv/cart:user1?db=/data/store.db')).then((r) => r.json());
  expect(full).toEqual([{ product_id: 'prod-xyz', quantity: 2, price: 29.99 }]);
  await fetch(at('.../kv/cart:user1/remove?db=/data/store.db'), {
    method: 'POST',
    body: JSON.stringify({ value: { product_id: 'prod-xyz' } }),
  });
  const cart = await fetch(at('.../kv/cart:user1?db=/data/store.db')).then((r) => r.json());
  expect(cart).toEqual([]);
});

test('feature flags in one batch', async () => {
  const features = [
    { key: 'feature:new-ui', value: true },
    { key: 'feature:beta-api', value: false },
    { key: 'feature:dark-mode', value: true },
  ];
  await fetch(at('.../kv/batch/set?db=/data/app.db'), { method: 'POST', body: JSON.stringify({ batch: features }) });
  expect(await read('.../kv/feature:new-ui?db=/data/app.db')).toBe(true);
  expect(await read('.../kv/feature:beta-api?db=/data/app.db')).toBe(false);
});

test('a cache: a miss reads as null', async () => {
  const cacheKey = 'cache:api:users';
  const lookUp = () =>
    fetch(at(`.../kv/${cacheKey}?db=/data/cache.db`))
      .then((r) => r.json())
      .catch(() => null);
  expect(await lookUp()).toBeNull();
  await fetch(at(`.../kv/${cacheKey}?db=/data/cache.db&ttl=600`), { method: 'PUT', body: JSON.stringify([1, 2]) });
  expect(await lookUp()).toEqual([1, 2]);
});

test('an audit trail', async () => {
  for (const email of ['old-email@example.com', 'new-email@example.com']) {
    await fetch(at('.../kv/user:1:email?db=/data/users.db'), { method: 'PUT', body: JSON.stringify(email) });
  }
  const history = (await read('.../kv/user:1:email/history?db=/data/users.db')) as { operations: unknown[] };
  expect(history.operations[0]).toMatchObject({
    client_ip: expect.any(String),
    timestamp: expect.any(Number),
    operation: { old_value: 'old-email@example.com', new_value: 'new-email@example.com' },
  });
});

test('history, snapshot and rollback with curl', async () => {
  const base = at('.../kv');
  const db = at('db=/data/travel.db');
  const curl = async (...args: string[]) => JSON.parse((await run('curl', ['-sS', ...args])).stdout);
  await curl('-X', 'PUT', `${base}/config:timeout?${db}`, '-H', 'Content-Type: application/json', '-d', '30');
  await curl('-X', 'PUT', `${base}/config:timeout?${db}`, '-d', '60');
  const history = await curl(`${base}/config:timeout/history?${db}`);
  const opNumber = history.operations[1].op_number;
  expect((await curl(`${base}/config:timeout/snapshot?op_number=${opNumber}&${db}`)).value).toBe(30);
  expect((await curl('-X', 'POST', `${base}/config:timeout/rollback?${db}`)).rolled_back).toBe(1);
  expect(await curl(`${base}/config:timeout?${db}`)).toBe(30);

  const timestamp = Math.floor(Date.now() / 1000);
  await eventually(() => expect(Math.floor(Date.now() / 1000)).toBeGreaterThan(timestamp));
  await curl('-X', 'PUT', `${base}/config:timeout?${db}`, '-d', '90');
  const preview = await curl('-X', 'POST', `${base}/rollback?to_timestamp=${timestamp}&${db}`);
  expect(preview).toMatchObject({ dry_run: true, preview: { keys_to_rollback: 1 } });
  expect(await curl(`${base}/config:timeout?${db}`)).toBe(90);
  await curl('-X', 'POST', `${base}/rollback?to_timestamp=${timestamp}&${db}&confirm=yes`);
  expect(await curl(`${base}/config:timeout?${db}`)).toBe(30);
});
