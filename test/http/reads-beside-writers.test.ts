// A native program holds the write lock of a database for as long as it likes. What only reads is answered over HTTP
// all the same; what writes waits for its turn.
// Runs alone: it measures how long requests take.
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually } from '../helpers/eventually.ts';
import { type Answer, executorsOf, useDaemon } from '../helpers/http.ts';
import { dieAfter } from '../helpers/killed-writer.ts';
import { run } from '../helpers/process.ts';
import { type SqliteClient, withClients } from '../helpers/sqlite-client.ts';

const api = useDaemon(['--create-on-write']);
const executors = () => executorsOf(api());
/** A read beside a writer takes 40 ms. The mount would hold it for 5 s. */
const soonMs = 4_000;
/** Executors have to start first, which takes long on a busy machine. Writes would keep them all for 25 s. */
const startedMs = 12_000;
const slow = (rows: number) =>
  `WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r WHERE x < ${rows}) SELECT count(*) AS n FROM r`;

const path = (db: string) => join(api().daemon.root, `${db}.db`);
const select = (db: string, sql: string) => api().call('GET', `/query?db=${db}&sql=${encodeURIComponent(sql)}`);
const put = (db: string, value: string) => api().call('PUT', `/kv/k?db=${db}`, { body: value });

/** With a table t of one row and a key k. */
async function make(db: string): Promise<void> {
  await api().sql(db, { statement: 'CREATE TABLE t (v)' }, { statement: 'INSERT INTO t VALUES (1)' });
  await put(db, '1');
}

async function holdLock(client: SqliteClient, db: string): Promise<void> {
  expect((await client.open(path(db))).error).toBe(null);
  expect((await client.run(['BEGIN IMMEDIATE', 'INSERT INTO t VALUES (2)'])).error).toBe(null);
}

async function soon(what: string, call: () => Promise<Answer>, mostMs = soonMs): Promise<Answer> {
  const beganMs = performance.now();
  const answer = await call();
  expect(answer.status, `${what}: ${answer.text}`).toBe(200);
  expect(performance.now() - beganMs, what).toBeLessThan(mostMs);
  return answer;
}

const reads: readonly (readonly [string, (db: string) => Promise<Answer>])[] = [
  ['SELECT by GET', (db) => select(db, 'SELECT count(*) FROM t')],
  ['SELECT by POST', (db) => api().sql(db, { query: "SELECT * FROM t WHERE v <> 'update'" })],
  ['a script that reads', (db) => api().sql(db, { query: 'PRAGMA user_version; SELECT * FROM t', noFail: true })],
  ['a key', (db) => api().call('GET', `/kv/k?db=${db}`)],
  ['the keys', (db) => api().call('GET', `/kv?db=${db}`)],
  ['the history of a key', (db) => api().call('GET', `/kv/k/history?db=${db}`)],
  [
    'the table at a time',
    (db) => api().call('GET', `/kv/snapshot?db=${db}&timestamp=${Math.floor(Date.now() / 1000)}`),
  ],
  ['the queries', (db) => api().call('GET', `/history?db=${db}`)],
  ['the counts of queries', (db) => api().call('GET', `/history/stats?db=${db}`)],
  ['changes', (db) => api().call('GET', `/changes?db=${db}`)],
  ['the rows of the studio', (db) => api().call('POST', `/studio/rows?db=${db}`, { body: { table: 't' } })],
  [
    'the values of a column',
    (db) => api().call('POST', `/studio/facets?db=${db}`, { body: { table: 't', column: 'v' } }),
  ],
  ['the schema of the studio', (db) => api().call('GET', `/studio/schema?db=${db}`)],
  ['SQL of the studio', (db) => api().call('POST', `/studio/sql?db=${db}`, { body: { sql: 'SELECT * FROM t' } })],
  ['the keys of the studio', (db) => api().call('GET', `/studio/kv/keys?db=${db}&table=kv_store`)],
  ['quick_check', (db) => api().call('POST', `/maintenance?db=${db}`, { body: { op: 'quick_check' } })],
  ['a file of the studio', (db) => api().call('GET', `/studio/file?db=${db}`)],
];

test('while a program holds the write lock, every read is answered at once, and no write', async () => {
  await make('held');
  await withReader('held');
  await withClients(async (start) => {
    const holder = start();
    await holdLock(holder, 'held');
    const written: number[] = [];
    const insert = () => api().sql('held', { statement: 'INSERT INTO t VALUES (3)' });
    const writes = [put('held', '2'), insert(), insert(), insert()].map(async (write) => {
      written.push((await write).status);
    });
    for (const [what, read] of reads) await soon(what, () => read('held'));
    expect(written).toEqual([]);
    const { databases } = (await api().call('GET', '/locks?db=held.db')).json;
    const waiters = databases[0].waiters.map(({ pid }: { readonly pid: number }) => pid);
    // The writes, and perhaps the server's own upkeep.
    const [readers, writers] = [await opening('held', 'read'), await opening('held', 'write')];
    expect(readers).not.toEqual([]);
    expect(waiters).not.toEqual([]);
    expect(waiters.filter((pid: number) => !writers.includes(pid) || readers.includes(pid))).toEqual([]);
    await holder.run('COMMIT');
    await Promise.all(writes);
    expect(written).toEqual([200, 200, 200, 200]);
    expect((await api().call('GET', '/kv/k?db=held')).text).toBe('2');
    expect((await select('held', 'SELECT count(*) AS n FROM t')).json.resultSet).toEqual([{ n: 5 }]);
  });
});

test('with a rollback journal, too, as long as the program does not commit', async () => {
  await withClients(async (start) => {
    const holder = start();
    await holder.open(path('rollback'));
    await holder.run(['PRAGMA journal_mode=DELETE', 'CREATE TABLE t (v)', 'INSERT INTO t VALUES (1)']);
    expect((await api().sql('rollback', { statement: 'INSERT INTO t VALUES (1)' })).status).toBe(200);
    await withReader('rollback');
    await holder.run(['BEGIN IMMEDIATE', 'INSERT INTO t VALUES (2)']);
    const { json } = await soon('SELECT', () => select('rollback', 'SELECT count(*) AS n FROM t'));
    expect(json.resultSet).toEqual([{ n: 2 }]);
    await holder.run('COMMIT');
  });
});

test('the query history has what was asked while a program holds the write lock, and each query once', async () => {
  await make('told');
  await withReader('told');
  await withClients(async (start) => {
    const holder = start();
    await holdLock(holder, 'told');
    await select('told', 'SELECT 41');
    const { json } = await soon('the queries', () => api().call('GET', '/history?db=told'));
    expect(json.history[0].sql).toBe('SELECT 41');
    await holder.run('COMMIT');
    await eventually(async () => {
      const sql = "SELECT count(*) AS n FROM _query_history WHERE sql = 'SELECT 41'";
      expect((await select('told', sql)).json.resultSet).toEqual([{ n: 1 }]);
    });
    const later = (await api().call('GET', '/history?db=told')).json.history;
    expect(later.filter(({ sql }: { readonly sql: string }) => sql === 'SELECT 41')).toEqual([json.history[0]]);
  });
});

test('however many writes wait, in one database or in many, reads find an executor', async () => {
  const names = Array.from({ length: 10 }, (_, n) => `many${n}`);
  for (const name of names) await make(name);
  await withClients(async (start) => {
    const holder = start();
    for (const name of names) {
      await holder.open(path(name), { thread: name });
      await holder.run(['BEGIN IMMEDIATE', 'INSERT INTO t VALUES (2)'], name);
    }
    const writes = names.flatMap((name) => [
      put(name, '2'),
      ...Array.from({ length: 3 }, () => api().sql(name, { statement: 'INSERT INTO t VALUES (3)' })),
    ]);
    const waiting = Promise.all(writes);
    for (const name of names) {
      await soon('SELECT', () => select(name, 'SELECT count(*) FROM t'), startedMs);
      await soon('a key', () => api().call('GET', `/kv/k?db=${name}`), startedMs);
      await soon('the keys', () => api().call('GET', `/kv?db=${name}`), startedMs);
    }
    for (const name of names) await holder.run('COMMIT', name);
    expect((await waiting).filter(({ status }) => status !== 200)).toEqual([]);
  });
});

test('a read that begins after the answer to a write sees it', async () => {
  await api().sql('own', { statement: 'CREATE TABLE t (v)' });
  const turn = async (client: number): Promise<void> => {
    for (let n = 0; n < 50; n += 1) {
      await api().call('PUT', `/kv/${client}?db=own`, { body: String(n) });
      expect((await api().call('GET', `/kv/${client}?db=own`)).text).toBe(String(n));
      await api().sql('own', { statement: 'INSERT INTO t VALUES (?)', values: [client] });
      const { json } = await select('own', `SELECT count(*) AS n FROM t WHERE v = ${client}`);
      expect(json.resultSet).toEqual([{ n: n + 1 }]);
    }
  };
  await Promise.all([turn(1), turn(2), turn(3)]);
});

test('nobody sees that an executor is killed while it reads', async () => {
  await make('killed');
  // One that is over before it is killed says nothing: then a longer one is tried.
  for (let rows = 5_000_000; ; rows *= 3) {
    let answer: Answer | undefined;
    const read = select('killed', slow(rows)).then((got) => {
      answer = got;
    });
    const [reader = 0] = await eventually(async () => {
      const pids = await opening('killed', 'read');
      expect(pids).toHaveLength(1);
      return pids;
    });
    const isRunning = answer === undefined;
    process.kill(reader, 'SIGKILL');
    await read;
    expect(answer?.json.resultSet).toEqual([{ n: rows }]);
    if (isRunning) return;
  }
});

describe('what a reader cannot do is done by a writer', () => {
  test('a transaction that was cut off is rolled back', async () => {
    await dieAfter(
      path('hot'),
      'PRAGMA journal_mode=DELETE',
      'CREATE TABLE t (v)',
      'INSERT INTO t VALUES (zeroblob(10000))',
      // So small a cache spills into the file before COMMIT.
      'PRAGMA cache_size=1',
      'BEGIN IMMEDIATE',
      'UPDATE t SET v = randomblob(1000000)',
      'INSERT INTO t SELECT randomblob(1000) FROM t',
    );
    expect(existsSync(`${path('hot')}-journal`)).toBe(true);
    const { status, json } = await select('hot', 'SELECT count(*) AS n FROM t');
    expect([status, json.resultSet]).toEqual([200, [{ n: 1 }]]);
    expect(existsSync(`${path('hot')}-journal`)).toBe(false);
  });

  test('a commit that its program could not copy into the file is read', async () => {
    await dieAfter(path('left'), 'PRAGMA journal_mode=WAL', 'CREATE TABLE t (v)', 'INSERT INTO t VALUES (1)');
    expect((await select('left', 'SELECT * FROM t')).json.resultSet).toEqual([{ v: 1 }]);
  });

  test('a body that hides its words, and one that creates the database', async () => {
    await make('words');
    const hidden = '{"transaction":[{"statement":"\\u0049NSERT INTO t VALUES (7)"}]}';
    const { status, json } = await api().call('POST', '/db?db=words', { body: hidden });
    expect([status, json.results]).toEqual([200, [{ success: true, rowsUpdated: 1 }]]);
    expect((await api().sql('created', { query: 'SELECT 1 AS n' })).json.results[0].resultSet).toEqual([{ n: 1 }]);
    expect(existsSync(path('created'))).toBe(true);
  });
});

describe('readers let go', () => {
  test('of a database that is deleted', async () => {
    await make('deleted');
    await select('deleted', 'SELECT * FROM t');
    expect(await opening('deleted', 'read')).toHaveLength(1);
    expect((await api().call('DELETE', '/db?db=deleted')).status).toBe(200);
    expect(readdirSync(api().daemon.root).filter((name) => name.startsWith('deleted'))).toEqual([]);
    expect((await select('deleted', 'SELECT * FROM t')).json.code).toBe('DATABASE_NOT_FOUND');
  });

  test('of one that leaves WAL mode', async () => {
    await make('mode');
    await withReader('mode');
    const { json, text } = await api().sql('mode', { query: 'PRAGMA journal_mode=DELETE' });
    expect(json.results?.[0].resultSet, text).toEqual([{ journal_mode: 'delete' }]);
    expect((await select('mode', 'SELECT * FROM t')).json.resultSet).toEqual([{ v: 1 }]);
  });

  test('of one that nobody uses, and leave no write-ahead log', async () => {
    const native = (sql: string) => run('sqlite3', [path('idle'), sql]);
    await native("PRAGMA journal_mode=WAL; CREATE TABLE t (v); INSERT INTO t VALUES ('first')");
    // Of what is read so, nothing is written down: no executor opens the database for writing.
    const rows = async () =>
      (await api().call('POST', '/studio/rows?db=idle', { body: { table: 't' } })).json.rows.map(
        ({ values }: { readonly values: readonly unknown[] }) => values[0],
      );
    expect(await rows()).toEqual(['first']);
    await native("INSERT INTO t VALUES ('second')");
    expect(await rows()).toEqual(['first', 'second']);
    expect(statSync(`${path('idle')}-wal`).size).toBeGreaterThan(0);
    expect(await opening('idle', 'write')).toEqual([]);
    const names = () => readdirSync(api().daemon.root).filter((name) => name.startsWith('idle.'));
    await eventually(() => expect(names()).toEqual(['idle.db']), { timeoutMs: 60_000 });
    expect(await rows()).toEqual(['first', 'second']);
  });
});

/** Until one executor has the database open for reading, and another one for writing. */
async function withReader(db: string): Promise<void> {
  await eventually(
    async () => {
      await select(db, 'SELECT * FROM t');
      await api().sql(db, { statement: 'UPDATE t SET v = v' });
      expect(await opening(db, 'read')).not.toEqual([]);
      expect(await opening(db, 'write')).not.toEqual([]);
    },
    { timeoutMs: 30_000 },
  );
}

/** The executors that have the database open, for reading or for writing. */
async function opening(db: string, mode: 'read' | 'write'): Promise<number[]> {
  const isOpen = (pid: number) => {
    const directory = `/proc/${pid}`;
    return readdirSync(`${directory}/fd`).some((fd) => {
      try {
        if (readlinkSync(`${directory}/fd/${fd}`) !== path(db)) return false;
        const flags = /^flags:\s*(\d+)$/m.exec(readFileSync(`${directory}/fdinfo/${fd}`, 'utf8'))?.[1] ?? '';
        return (Number.parseInt(flags, 8) & 3) === (mode === 'read' ? 0 : 2);
      } catch {
        return false;
      }
    });
  };
  return (await executors()).filter(isOpen);
}
