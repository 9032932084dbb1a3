// Embedded replicas of the unmodified @libsql/client. SQLite judges each copy, against the database itself.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient } from '@libsql/client';
import Database from 'better-sqlite3';
import { afterAll, describe, expect, test } from 'vitest';
import { type Daemon, processesOf, withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { freePort } from '../helpers/free-port.ts';
import { killServer, useDaemon } from '../helpers/http.ts';
import { killEach, start } from '../helpers/process.ts';
import { withClients } from '../helpers/sqlite-client.ts';

const api = useDaemon(['--create-on-write']);
const folder = mkdtempSync(join(tmpdir(), 'hoody-copies-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const url = (db: string) => `${api().daemon.url}/libsql/${db}`;
const pathOf = (db: string) => join(api().daemon.root, `${db}.db`);
const copyOf = (name: string) => join(folder, `${name}.db`);

function openCopy(db: string, name = db): Client {
  return createClient({ url: `file:${copyOf(name)}`, syncUrl: url(db) });
}

async function onServer(db: string, script: string): Promise<void> {
  const client = createClient({ url: `${url(db)}/` });
  await client.executeMultiple(script);
  client.close();
}

/** All but the query history, which the server writes when it has time. */
function digestOf(path: string): string {
  const db = new Database(path, { readonly: true });
  try {
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
    const hash = createHash('sha1');
    const schema = "SELECT name, sql FROM sqlite_schema WHERE tbl_name NOT LIKE '\\_query%' ESCAPE '\\' ORDER BY name";
    for (const [name, sql] of db.prepare(schema).raw().all() as [string, string][]) {
      hash.update(JSON.stringify([name, sql]));
      if (!sql.startsWith('CREATE TABLE')) continue;
      for (const row of db.prepare(`SELECT * FROM "${name}" ORDER BY rowid`).raw().iterate()) {
        hash.update(JSON.stringify(row));
      }
    }
    return hash.digest('hex');
  } finally {
    db.close();
  }
}

/** It is the same database; `why` names the step. */
function expectEqual(db: string, name: string, why: unknown): void {
  expect([why, digestOf(copyOf(name))]).toEqual([why, digestOf(pathOf(db))]);
}

test('a copy is equal after each sync, whoever has written, and whatever', async () => {
  await onServer('app', 'PRAGMA journal_mode=wal; CREATE TABLE t (a INTEGER PRIMARY KEY, b, c BLOB)');
  const copy = openCopy('app');
  await copy.sync();
  expectEqual('app', 'app', 'at first');
  const rows = (count: number) =>
    `WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r WHERE x < ${count})
     INSERT INTO t (b, c) SELECT hex(randomblob(8)), randomblob(3000) FROM r`;
  const work = [
    rows(3),
    rows(400), // more frames than fit into one answer
    'UPDATE t SET b = upper(b) || 1 WHERE a % 3 = 0',
    'CREATE INDEX i ON t (b)',
    'DELETE FROM t WHERE a > 40',
    'VACUUM',
    `BEGIN; ${rows(2)}; DROP INDEX i; CREATE TABLE u (x); COMMIT`,
    'DELETE FROM t',
    rows(5),
  ];
  await withClients(async (startClient) => {
    const program = startClient();
    await program.open(pathOf('app'), { timeout: 20 });
    for (const [at, sql] of work.entries()) {
      if (at % 3 === 1) await onServer('app', sql);
      else for (const one of sql.split('; ')) expect((await program.run([one])).error).toBe(null);
      await copy.sync();
      expectEqual('app', 'app', sql);
    }
  });
  copy.close();
});

test('what a copy writes goes to the database, and can be read from it at once', async () => {
  await onServer('own', 'PRAGMA journal_mode=wal; CREATE TABLE t (a)');
  const copy = openCopy('own');
  await copy.sync();
  const count = async () => (await copy.execute('SELECT count(*) AS n FROM t')).rows[0]?.n;
  for (let row = 1; row <= 5; row++) {
    await copy.execute({ sql: 'INSERT INTO t VALUES (?)', args: [row] });
    expect(await count()).toBe(row);
  }
  const transaction = await copy.transaction('write');
  await transaction.execute('INSERT INTO t VALUES (6)');
  await transaction.commit();
  await copy.batch(['INSERT INTO t VALUES (7)', 'INSERT INTO t VALUES (8)'], 'write');
  expect(await count()).toBe(8);
  expectEqual('own', 'own', 'in the end');
  copy.close();
});

describe('a copy becomes equal again', () => {
  const make = (db: string) => onServer(db, 'PRAGMA journal_mode=wal; CREATE TABLE t (a); INSERT INTO t VALUES (1)');
  const sizeOf = async (copy: Client) => (await copy.execute('SELECT count(*) AS n FROM t')).rows[0]?.n;

  test('after the server was killed, and has forgotten it', async () => {
    await make('killed');
    const copy = openCopy('killed');
    await copy.sync();
    await killServer(api());
    await onServer('killed', 'INSERT INTO t VALUES (2)');
    await copy.sync();
    expect(await sizeOf(copy)).toBe(2);
    expectEqual('killed', 'killed', 'after the kill');
    copy.close();
  });

  test('after the archive was killed, with what was committed while it was not there', async () => {
    await make('unseen');
    const copy = openCopy('unseen');
    await copy.sync();
    const { processes } = await api().daemon.status();
    const pid = processes.find(({ role }) => role === 'archive')?.pid ?? Number.NaN;
    process.kill(pid, 'SIGKILL');
    await onServer('unseen', 'INSERT INTO t VALUES (2)');
    // Until there is an archive again, the answer says to try again.
    await eventually(() => copy.sync(), { timeoutMs: 60_000 });
    expect(await sizeOf(copy)).toBe(2);
    expectEqual('unseen', 'unseen', 'after the kill');
    await onServer('unseen', 'INSERT INTO t VALUES (3)');
    await copy.sync();
    expect(await sizeOf(copy)).toBe(3);
    copy.close();
  });

  test('after its database was deleted and made anew, and a copy that begins then is equal as well', async () => {
    await make('anew');
    const copy = openCopy('anew');
    await copy.sync();
    expect((await api().call('DELETE', '/db?db=anew')).status).toBe(200);
    await onServer('anew', 'PRAGMA journal_mode=wal; CREATE TABLE t (a, b); INSERT INTO t VALUES (5, 6), (7, 8)');
    // The archive has to have met the new one: until then the answer says to try again.
    await eventually(() => copy.sync());
    expectEqual('anew', 'anew', 'the old one');
    const other = openCopy('anew', 'anew-2');
    await other.sync();
    expectEqual('anew', 'anew-2', 'the new one');
    other.close();
    copy.close();
  });
});

const transfers = `
import random, sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
while True:
    db.execute('BEGIN IMMEDIATE')
    one, other = random.sample(range(200), 2)
    db.execute('UPDATE accounts SET amount = amount - 1 WHERE id = ?', (one,))
    db.execute('UPDATE accounts SET amount = amount + 1 WHERE id = ?', (other,))
    db.execute('INSERT INTO transfers (a, b, c) VALUES (?, ?, zeroblob(500))', (one, other))
    db.execute('COMMIT')
`;

test('every copy that is made or synced beside writers is one state of the database', async () => {
  await onServer(
    'busy',
    `PRAGMA journal_mode=wal; CREATE TABLE accounts (id INTEGER PRIMARY KEY, amount); CREATE TABLE transfers (a, b, c);
     WITH RECURSIVE r(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM r WHERE x < 199)
     INSERT INTO accounts SELECT x, 100 FROM r`,
  );
  const writers = [0, 1].map(() => start('python3', ['-c', transfers, pathOf('busy')]));
  const copies: Client[] = [];
  try {
    for (let round = 0; round < 4; round++) {
      const before = countIn(pathOf('busy'));
      await eventually(() => expect(countIn(pathOf('busy'))).toBeGreaterThan(before + 5), { timeoutMs: 60_000 });
      copies.push(openCopy('busy', `busy-${round}`));
      for (const [at, copy] of copies.entries()) {
        const least = countIn(pathOf('busy'));
        await copy.sync();
        expect(countIn(copyOf(`busy-${at}`))).toBeGreaterThanOrEqual(least);
      }
    }
  } finally {
    for (const writer of writers) writer.process.kill('SIGKILL');
    await Promise.all(writers.map(({ exited }) => exited));
  }
  // Whoever opens it first decides what became of a transaction in the middle of which its writer was killed.
  countIn(pathOf('busy'));
  for (const [at, copy] of copies.entries()) {
    await copy.sync();
    expectEqual('busy', `busy-${at}`, at);
    copy.close();
  }
});

test('a copy stays readable while the daemon is not there, and is equal again when it is', async () => {
  await withPaths(async (paths) => {
    const listen = `127.0.0.1:${await freePort()}`;
    const flags = ['--listen', listen, '--create-on-write'];
    const openIt = () => createClient({ url: `file:${copyOf('restarted')}`, syncUrl: `http://${listen}/libsql/app` });
    const size = async (copy: Client) => (await copy.execute('SELECT count(*) AS n FROM t')).rows[0]?.n;
    const write = (daemon: Daemon, ...sqls: string[]) =>
      withClients(async (startClient) => {
        const program = startClient();
        await program.open(join(daemon.root, 'app.db'), { timeout: 20 });
        for (const sql of sqls) expect((await program.run([sql])).error).toBe(null);
      });
    const copy = await withDaemon(
      flags,
      async (daemon) => {
        await write(daemon, 'PRAGMA journal_mode=wal', 'CREATE TABLE t (a)', 'INSERT INTO t VALUES (1)');
        const copy = await eventually(async () => {
          const opened = openIt();
          await opened.sync();
          return opened;
        });
        killEach(await processesOf(paths));
        await daemon.finished;
        await expect(copy.sync()).rejects.toThrow();
        expect(await size(copy)).toBe(1);
        return copy;
      },
      { paths },
    );
    await withDaemon(
      flags,
      async (daemon) => {
        await write(daemon, 'INSERT INTO t VALUES (2)');
        await eventually(() => copy.sync(), { timeoutMs: 60_000 });
        expect(await size(copy)).toBe(2);
        expect(digestOf(copyOf('restarted'))).toBe(digestOf(join(daemon.root, 'app.db')));
      },
      { paths },
    );
    copy.close();
  });
});

/** Of transfers, in a state that is whole. */
function countIn(path: string): number {
  const db = new Database(path, { readonly: true });
  try {
    const sql = 'SELECT (SELECT count(*) FROM transfers) AS n, sum(amount) AS s FROM accounts';
    const { n, s } = db.prepare(sql).get() as { n: number; s: number };
    expect([db.pragma('integrity_check', { simple: true }), s]).toEqual(['ok', 20_000]);
    return n;
  } finally {
    db.close();
  }
}

describe('what cannot be copied is refused with a reason', () => {
  test.each([
    ['none', [], 400, 'DATABASE_NOT_FOUND', /not found/],
    ['rollback', ['CREATE TABLE t (a)'], 404, 'NOT_ARCHIVED', /WAL mode/],
    ['pages', ['PRAGMA page_size=8192', 'PRAGMA journal_mode=wal', 'CREATE TABLE t (a)'], 409, 'CONFLICT', /VACUUM/],
  ])('%s', async (db, statements, status, code, message) => {
    const made = statements.length > 0 ? new Database(pathOf(`un${db}`)) : null;
    for (const sql of statements) made?.exec(sql);
    try {
      const answer = await api().call('GET', `//libsql/un${db}/info`);
      expect([answer.status, answer.json]).toEqual([status, { code, message: expect.stringMatching(message) }]);
      expect(answer.headers['content-type']).toBe('application/json');
    } finally {
      made?.close();
    }
  });

  test('and numbers that nobody was told', async () => {
    await onServer('told', 'PRAGMA journal_mode=wal; CREATE TABLE t (a)');
    const generation = (await api().call('GET', '//libsql/told/info')).json.current_generation;
    const answers = [`export/${generation + 9}`, `sync/${generation + 9}/1/2`, `sync/${generation}/0/5`].map(
      async (path) => (await api().call('GET', `//libsql/told/${path}`)).json.code,
    );
    expect(await Promise.all(answers)).toEqual(['NOT_FOUND', 'CONFLICT', 'INVALID_PARAMETERS']);
  });
});
