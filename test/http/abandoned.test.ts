// What a client that leaves, a deadline, or work on another file means for work that runs, through a real mount.
import http from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { executorsOf, metricOf, useDaemon } from '../helpers/http.ts';
import { withClients } from '../helpers/sqlite-client.ts';

const api = useDaemon(['--create-on-write']);
const counting = (end: number): string =>
  `WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r LIMIT ${end}) SELECT count(*) AS n FROM r`;
const endless = counting(1e15);
const query = (db: string, sql: string, timeout = 100): string =>
  `/query?db=${db}&timeout=${timeout}&sql=${encodeURIComponent(sql)}`;

/** A request whose client leaves when told to. */
function begin(method: string, path: string, body = ''): { leave: () => void } {
  const request = http.request(`${api().daemon.url}/api/v1/sqlite${path}`, { method, agent: false });
  request.on('error', () => {});
  request.end(body);
  return { leave: () => request.destroy() };
}

const metric = (name: string) => metricOf(api(), name);
const executors = () => executorsOf(api());

test('a database is deleted although an executor that has it open reads another one', async () => {
  for (const db of ['reader', 'reader-too']) await api().sql(db, { query: 'SELECT 1' });
  await api().sql('doomed', { statement: 'CREATE TABLE t(a)' });
  // There are few executors yet: the one that has the file open is among those that read now.
  const readers = Array.from({ length: 3 }, () => begin('GET', query('reader', endless)));
  const finite = api().call('GET', query('reader-too', counting(3_000_000)));
  await eventually(async () => expect((await executors()).length).toBeGreaterThanOrEqual(3));
  const deleted = await api().call('DELETE', '/db?db=doomed&timeout=10');
  for (const { leave } of readers) leave();
  expect([deleted.status, deleted.json.error]).toEqual([200, undefined]);
  expect((await finite).json.resultSet).toEqual([{ n: 3_000_000 }]);
});

test('clients that have left hold no executor, and their work leaves the queue', async () => {
  for (const db of ['left', 'left-too']) await api().sql(db, { query: 'SELECT 1' });
  const clients = Array.from({ length: 24 }, (_, n) => begin('GET', query(n % 2 ? 'left' : 'left-too', endless)));
  await eventually(async () => expect(await metric('hoody_sqlite_queued_jobs')).toBe(24));
  await eventually(async () => expect((await executors()).length).toBeGreaterThanOrEqual(6));
  const before = await executors();
  for (const { leave } of clients) leave();
  await eventually(async () => expect(await metric('hoody_sqlite_queued_jobs')).toBe(0), { timeoutMs: 10_000 });
  expect((await api().call('GET', query('left', 'SELECT 1 AS one'))).json.resultSet).toEqual([{ one: 1 }]);
  expect(await executors()).toEqual(expect.arrayContaining(before));
});

test('a write whose client has left is finished', async () => {
  await api().sql('kept', { statement: 'CREATE TABLE t(a)' });
  await withClients(async (start) => {
    const native = start();
    await native.open(join(api().daemon.root, 'kept.db'));
    const rows = async () => (await native.run('SELECT count(*) FROM t')).rows?.[0]?.[0] as number;
    const hasWriteLock = async () => {
      const { json } = await api().call('GET', '/locks?db=kept');
      return JSON.stringify(json).includes('exclusive');
    };
    for (let reads = 0; reads < 20; reads += 1) await rows(); // a proved reader does not wait for who writes
    // A write that is over before it has been seen under its lock says nothing: then a longer one is tried.
    for (let steps = 3_000_000; ; steps *= 3) {
      const before = await rows();
      const transaction = [{ statement: 'INSERT INTO t VALUES (1)' }, { query: counting(steps) }];
      const writing = begin('POST', '/db?db=kept&timeout=100', JSON.stringify({ transaction }));
      let isSeen = false;
      await eventually(
        async () => {
          isSeen = await hasWriteLock();
          expect(isSeen || (await rows()) > before).toBe(true);
        },
        { timeoutMs: 60_000 },
      );
      const isRunning = isSeen && (await rows()) === before;
      writing.leave();
      await eventually(async () => expect(await rows()).toBe(before + 1), { timeoutMs: 60_000 });
      if (isRunning) return;
    }
  });
}, 200_000);

test('a deadline ends the statement and not the executor', async () => {
  // A database each: one that waits for another's lock would hear of that lock instead.
  const names = ['late', 'later', 'latest'];
  for (const name of names) await api().sql(name, { statement: 'CREATE TABLE t(a)' });
  const before = await executors();
  const insert = `INSERT INTO t ${endless.replace('count(*) AS n', 'x')}`;
  const answers = await Promise.all([
    api().call('GET', query('late', endless, 1)),
    api().call('POST', '/db?db=later&timeout=1', { body: { transaction: [{ query: endless, noFail: true }] } }),
    api().call('POST', '/db?db=latest&timeout=1', { body: { transaction: [{ statement: insert }] } }),
  ]);
  expect(answers.map(({ status, json }) => [status, json.code])).toEqual(Array(3).fill([503, 'REQUEST_TIMEOUT']));
  for (const name of names) {
    const { json } = await api().sql(name, { query: 'SELECT count(*) AS n FROM t' });
    expect(json.results[0].resultSet).toEqual([{ n: 0 }]);
  }
  expect(await executors()).toEqual(expect.arrayContaining(before));
});

test('a request that a lock made late says who holds it', async () => {
  await api().call('PUT', '/kv/k?db=held', { body: '1' });
  await withClients(async (start) => {
    const holder = start();
    await holder.open(join(api().daemon.root, 'held.db'));
    expect((await holder.run('BEGIN IMMEDIATE')).error).toBe(null);
    const answers = await Promise.all([
      api().call('PUT', '/kv/first?db=held&timeout=2', { body: '1' }),
      api().call('PUT', '/kv/second?db=held&timeout=3', { body: '1' }),
      api().call('POST', '/db?db=held&timeout=2', { body: { transaction: [{ statement: 'CREATE TABLE t(a)' }] } }),
    ]);
    for (const { status, json } of answers) {
      expect([status, json.code, json.holder?.pid]).toEqual([503, 'DATABASE_BUSY', holder.pid]);
      expect(json.error).toContain('python3');
    }
  });
});
