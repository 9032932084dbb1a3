// Deadlines, lanes, group commit and the death of executors, through a real mount.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { type Answer, executorsOf, metricOf, useDaemon } from '../helpers/http.ts';
import { killEach, run } from '../helpers/process.ts';
import { withClients } from '../helpers/sqlite-client.ts';
import { endless } from './sql-items.ts';

const api = useDaemon(['--create-on-write']);
const metric = (name: string) => metricOf(api(), name);
const executors = () => executorsOf(api());

// These wait for most of their time: for what is done after some seconds of rest, and for deadlines.
test.concurrent('an idle database is closed, so that others can replace it', async () => {
  await api().sql('idle', { statement: 'CREATE TABLE t(a)' });
  await eventually(
    async () => {
      const open = (await executors()).flatMap(openFiles);
      expect(open).not.toContain(join(api().daemon.root, 'idle.db'));
    },
    { timeoutMs: 30_000 },
  );
});

describe.concurrent('an endless SELECT', () => {
  test('ends at its deadline, and nobody else waits for it', async () => {
    await api().call('PUT', '/kv/k?db=busy', { body: '1' });
    await api().call('PUT', '/kv/k?db=other', { body: '1' });
    let areLateAnswered = false;
    // One less than the SQL of one database may have: a third would be what the query below waits for.
    const late = Promise.all(
      Array.from({ length: 2 }, () =>
        api().call('POST', '/db?db=busy&timeout=5', { body: { transaction: [{ query: endless }] } }),
      ),
    );
    void late.then(() => {
      areLateAnswered = true;
    });
    const others = await Promise.all([
      api().call('GET', '/kv/k?db=busy'),
      api().call('POST', '/kv/k/incr?db=busy'),
      api().call('GET', '/query?db=busy&sql=SELECT%201'),
      api().call('PUT', '/kv/k?db=other', { body: '2' }),
    ]);
    expect(areLateAnswered).toBe(false);
    expect(others.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    for (const { status, json, headers } of await late) {
      expect([status, json.code, headers['retry-after']]).toEqual([503, 'REQUEST_TIMEOUT', '1']);
    }
  });

  test('on GET /query too; a malformed timeout is ignored, one out of range is clamped', async () => {
    const path = `/query?db=clamped&sql=${encodeURIComponent(endless)}`;
    await api().call('PUT', '/kv/k?db=clamped', { body: '1' });
    expect((await api().call('GET', `${path}&timeout=0`)).json.code).toBe('REQUEST_TIMEOUT');
    expect((await api().call('GET', '/query?db=clamped&sql=SELECT%201&timeout=soon')).status).toBe(200);
    expect((await api().call('GET', '/query?db=clamped&sql=SELECT%201&timeout=9999')).status).toBe(200);
  });
});

const insert = (id: number) => ({ transaction: [{ statement: 'INSERT INTO t VALUES (?)', values: [id] }] });
const sqlGroups = () => metric('hoody_sqlite_group_jobs_count{lane="sql"}');

test('requests of SQL that wait share transactions; one that never ends takes none of the others along', async () => {
  await api().sql('shared', { statement: 'CREATE TABLE t(a UNIQUE)' });
  const groupsBefore = await sqlGroups();
  let answers: Promise<Answer[]> | undefined;
  await withClients(async (start) => {
    const holder = start();
    await holder.open(join(api().daemon.root, 'shared.db'));
    await eventually(async () => expect((await holder.run('BEGIN IMMEDIATE')).error).toBe(null));
    const post = (body: object, timeout: number) => api().call('POST', `/db?db=shared&timeout=${timeout}`, { body });
    const queued = (count: number) =>
      eventually(async () => expect(await metric('hoody_sqlite_queued_jobs')).toBeGreaterThanOrEqual(count), {
        timeoutMs: 40_000,
      });
    const ordinary = (n: number) => post(n % 10 === 9 ? insert(0) : insert(n), 120);
    const first = Array.from({ length: 100 }, (_, n) => ordinary(n));
    await queued(100);
    const never = post({ transaction: [{ statement: `INSERT INTO t ${endless}` }] }, 6);
    await queued(101);
    const last = Array.from({ length: 99 }, (_, n) => ordinary(n + 101));
    answers = Promise.all([...first, never, ...last]);
    await queued(120);
    await holder.run('ROLLBACK');
  });
  const codes = (await answers)?.map(({ json }) => json.code ?? 'ran');
  const count = (code: string) => codes?.filter((one) => one === code).length;
  expect([count('ran'), count('SQL_CONSTRAINT'), count('REQUEST_TIMEOUT')]).toEqual([179, 20, 1]);
  expect((await api().sql('shared', { query: 'SELECT count(*) AS n FROM t' })).json.results[0].resultSet).toEqual([
    { n: 179 },
  ]);
  expect((await sqlGroups()) - groupsBefore).toBeLessThan(40);
});

test('a request that asks for it has a transaction of its own', async () => {
  await api().sql('isolated', { statement: 'CREATE TABLE t(a UNIQUE)' });
  const groupsBefore = await sqlGroups();
  const post = (n: number) => api().call('POST', '/db?db=isolated&isolated=true', { body: insert(n) });
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => post(n)));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  expect((await sqlGroups()) - groupsBefore).toBeGreaterThanOrEqual(20);
});

test('1,000 concurrent increments end at exactly 1,000 and share transactions', async () => {
  await api().call('PUT', '/kv/k?db=count', { body: '1' });
  let increments: Promise<Answer[]> | undefined;
  await withClients(async (start) => {
    // They gather behind a lock; else a fast machine would have written each before the next one comes.
    const holder = start();
    await holder.open(join(api().daemon.root, 'count.db'));
    await eventually(async () => expect((await holder.run('BEGIN IMMEDIATE')).error).toBe(null));
    increments = Promise.all(Array.from({ length: 1000 }, () => api().call('POST', '/kv/n/incr?db=count&timeout=60')));
    await eventually(async () => expect(await metric('hoody_sqlite_queued_jobs')).toBeGreaterThan(900), {
      timeoutMs: 40_000,
    });
    await holder.run('COMMIT');
  });
  const answers = (await increments) ?? [];
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  expect(new Set(answers.map(({ json }) => json.value)).size).toBe(1000);
  expect((await api().call('GET', '/kv/n?db=count')).text).toBe('1000');
  const groups = await metric('hoody_sqlite_group_jobs_count{lane="kv-write"}');
  expect(groups).toBeLessThan(500);
});

test('an executor that is killed loses no acknowledged write and is replaced', async () => {
  let acknowledged = 0;
  let unknown = 0;
  let isOver = false;
  await api().call('POST', '/kv/n/incr?db=killed');
  const client = async (): Promise<void> => {
    while (!isOver) {
      const { status, json } = await api().call('POST', '/kv/n/incr?db=killed');
      if (status === 200) acknowledged += 1;
      else {
        expect([status, json.code]).toEqual([503, 'SERVICE_UNAVAILABLE']);
        if (/may or may not/.test(json.error)) unknown += 1;
      }
    }
  };
  const clients = Promise.all(Array.from({ length: 8 }, client));
  for (let round = 0; round < 5; round += 1) {
    const before = acknowledged;
    await eventually(() => expect(acknowledged).toBeGreaterThan(before + 20));
    killEach(await executors());
  }
  isOver = true;
  await clients;
  // A read that meets two executors that are dying is refused, and may be sent again.
  const value = await eventually(async () => {
    const { status, text } = await api().call('GET', '/kv/n?db=killed');
    expect(status, text).toBe(200);
    return Number(text);
  });
  expect(value).toBeGreaterThanOrEqual(1 + acknowledged);
  expect(value).toBeLessThanOrEqual(1 + acknowledged + unknown);
  expect((await api().call('POST', '/maintenance?db=killed', { body: { op: 'quick_check' } })).json.result).toBe('ok');
});

test('a transaction whose executor is killed leaves nothing behind', async () => {
  await api().sql('half', { statement: 'CREATE TABLE t(a)' });
  const transaction = [{ statement: 'INSERT INTO t VALUES (1)' }, { query: endless }];
  let answer: Answer | undefined;
  const late = api()
    .call('POST', '/db?db=half&timeout=60', { body: { transaction } })
    .then((got) => {
      answer = got;
    });
  await eventually(
    async () => {
      const holders = (await executors()).filter((pid) => openFiles(pid).includes(join(api().daemon.root, 'half.db')));
      killEach(holders);
      expect(answer).toBeDefined();
    },
    { intervalMs: 200, timeoutMs: 50_000 },
  );
  await late;
  expect([answer?.status, answer?.json.code]).toEqual([503, 'SERVICE_UNAVAILABLE']);
  // Another executor that has the file open was killed with it, and may not be known to be dead yet.
  await eventually(async () => {
    const { json: after } = await api().sql('half', { query: 'SELECT count(*) AS n FROM t' });
    expect(after.results?.[0].resultSet).toEqual([{ n: 0 }]);
  });
});

test('HTTP and native clients increment one row together, without an error and exactly', async () => {
  await api().call('PUT', '/kv/n?db=shared', { body: '0', headers: { 'content-type': 'text/plain' } });
  const script = `import sqlite3,sys
c=sqlite3.connect(sys.argv[1],timeout=60,isolation_level=None)
for i in range(100):
    c.execute("BEGIN IMMEDIATE")
    c.execute("UPDATE kv_store SET value=CAST(CAST(CAST(value AS TEXT) AS INTEGER)+1 AS TEXT) WHERE key='n'")
    c.execute("COMMIT")`;
  const path = join(api().daemon.root, 'shared.db');
  const natives = [run('python3', ['-c', script, path]), run('python3', ['-c', script, path])];
  const answers = await Promise.all(Array.from({ length: 300 }, () => api().call('POST', '/kv/n/incr?db=shared')));
  expect(answers.filter(({ status }) => status !== 200).map(({ json }) => json)).toEqual([]);
  for (const native of await Promise.all(natives)) expect([native.code, native.stderr]).toEqual([0, '']);
  expect((await api().call('GET', '/kv/n?db=shared')).text).toBe('500');
});

function openFiles(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/maps`, 'utf8')
      .split('\n')
      .map((line) => line.slice(line.indexOf('/')).replace(/-shm$/, ''));
  } catch {
    return [];
  }
}
