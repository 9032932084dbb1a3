// Load on one database that must not be felt on another, and heavy requests beside light ones, through a real mount.
// Runs alone: it measures how long requests take.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { useDaemon } from '../helpers/http.ts';
import { type SqliteClient, withClients } from '../helpers/sqlite-client.ts';
import { endless } from './sql-items.ts';

const api = useDaemon(['--create-on-write']);

/** Locks a database that has a table of its history: what is recorded from now on waits for the lock. */
async function lock(holder: SqliteClient): Promise<void> {
  await eventually(async () => expect((await holder.run('SELECT count(*) FROM _query_history')).error).toBe(null));
  expect((await holder.run('BEGIN IMMEDIATE')).error).toBe(null);
}

test('a lock on two databases keeps nobody waiting who asks for the history of a third', async () => {
  const waiting: Promise<unknown>[] = [];
  const names = ['locked-1', 'locked-2', 'free'];
  for (const name of names) await api().call('PUT', `/kv/k?db=${name}`, { body: '1' });
  await withClients(async (start) => {
    for (const name of names.slice(0, 2)) {
      const holder = start();
      await holder.open(join(api().daemon.root, `${name}.db`), { timeout: 30 });
      await lock(holder);
    }
    // What records these waits for the locks now.
    for (const name of names.slice(0, 2)) await api().call('GET', `/query?db=${name}&sql=SELECT%201`);
    const late = names.slice(0, 2).map((name) => api().call('DELETE', `/history?db=${name}&timeout=20`));
    const startedMs = performance.now();
    await api().call('PUT', '/kv/k?db=free', { body: '2' });
    const { status, json } = await api().call('GET', '/history?db=free');
    expect([status, json.total]).toEqual([200, 2]);
    expect(performance.now() - startedMs).toBeLessThan(4_000);
    waiting.push(...late);
    expect((await api().call('GET', '/history?db=locked-1&timeout=2')).status).toBe(200);
    // Whoever clears the history of a locked one is told so in his own time.
    const { status: busy, json: told } = await api().call('DELETE', '/history?db=locked-1&timeout=2');
    expect([busy, told.code, told.holder?.command]).toEqual([503, 'DATABASE_BUSY', 'python3']);
    expect(performance.now() - startedMs).toBeLessThan(9_000);
  });
  await Promise.all(waiting);
});

test('endless SELECTs on one database leave executors to the SQL of another', async () => {
  for (const name of ['greedy', 'modest']) await api().call('PUT', `/kv/k?db=${name}`, { body: '1' });
  let isOver = false;
  const late = Promise.all(
    Array.from({ length: 12 }, () =>
      api().call('GET', `/query?db=greedy&timeout=5&sql=${encodeURIComponent(endless)}`),
    ),
  ).then(() => {
    isOver = true;
  });
  let longestMs = 0;
  while (!isOver) {
    const startedMs = performance.now();
    expect((await api().call('GET', '/query?db=modest&sql=SELECT%201')).status).toBe(200);
    longestMs = Math.max(longestMs, performance.now() - startedMs);
  }
  expect(longestMs).toBeLessThan(3_000);
  await late;
});

test('plain GETs are answered while 50,000 keys are looked through', async () => {
  await api().call('PUT', '/kv/k?db=many', { body: '1' });
  const before = Math.floor(Date.now() / 1000);
  await eventually(() => expect(Math.floor(Date.now() / 1000)).toBeGreaterThan(before));
  const fill = `WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 50000) INSERT INTO kv_store (key, value, content_type, created_at, updated_at)
    SELECT 'key' || value, 'v', 'text/plain', ${before}, ${before} FROM n`;
  expect((await api().sql('many', { statement: fill })).status).toBe(200);
  let isOver = false;
  const heavyMs = performance.now();
  const heavy = api()
    .call('POST', `/kv/rollback?db=many&timeout=60&to_timestamp=${before}`)
    .then((answer) => {
      isOver = true;
      return answer;
    });
  let longestMs = 0;
  while (!isOver) {
    const startedMs = performance.now();
    expect((await api().call('GET', '/kv/k?db=many')).status).toBe(200);
    longestMs = Math.max(longestMs, performance.now() - startedMs);
  }
  const tookMs = performance.now() - heavyMs;
  expect((await heavy).status).toBe(200);
  process.stdout.write(`${Math.round(tookMs)} ms for 50,000 keys, at most ${Math.round(longestMs)} ms for a GET\n`);
  expect(longestMs).toBeLessThan(tookMs / 2); // none waits for the whole of it
});
