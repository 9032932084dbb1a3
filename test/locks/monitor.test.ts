// Who holds it and who waits: the command, the two HTTP routes and the message of a busy database tell the same story.
import http from 'node:http';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LockView } from '../../fs/index.ts';
import type { LockSnapshot } from '../../server/index.ts';
import { type Daemon, withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { type SqliteClient, withClients } from '../helpers/sqlite-client.ts';

/** A client that holds the write lock of app.db, and one that waits for it. */
async function withBlockedDatabase(use: (daemon: Daemon, holder: SqliteClient, waiter: SqliteClient) => Promise<void>) {
  await withDaemon([], async (daemon) => {
    expect(daemon.mounted).toBe(true);
    await withClients(async (start) => {
      const [holder, waiter] = [start(), start()];
      for (const client of [holder, waiter]) await client.open(join(daemon.mount, 'app.db'));
      await holder.run(['CREATE TABLE t (v)', 'BEGIN IMMEDIATE', 'INSERT INTO t VALUES (1)']);
      const insert = waiter.run('INSERT INTO t VALUES (2)');
      await eventually(async () => expect((await lockView(daemon)).databases[0]?.waiters).toHaveLength(1));
      await use(daemon, holder, waiter);
      await holder.run('COMMIT');
      await insert;
    });
  });
}

async function lockView(daemon: Daemon): Promise<LockView> {
  const { stdout } = await daemon.command('locks', '--json');
  return JSON.parse(stdout) as LockView;
}

test('`hoody-sqlite locks` prints the blocking chain with the one who holds everybody up on top', () =>
  withBlockedDatabase(async (daemon, holder, waiter) => {
    const { stdout, code } = await daemon.command('locks', 'app.db');
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toBe('app.db (rollback)');
    expect(lines[1]).toMatch(new RegExp(`^  pid ${holder.pid} \\(host\\) has held .*python3 .*client\\.py`));
    expect(lines.at(-1)).toMatch(
      new RegExp(`^    pid ${waiter.pid} \\(host\\) has waited .* behind pid ${holder.pid}: `),
    );
    const other = await daemon.command('locks', 'other.db');
    expect(other.stdout).toBe('nobody holds a lock\n');
  }));

test('HTTP gives the same as JSON with program names only, and streams what changes', () =>
  withBlockedDatabase(async (daemon, holder, waiter) => {
    const get = async (path: string) => (await fetch(`${daemon.url}/api/v1/sqlite/${path}`)).json();
    const all = (await get('locks?db=app.db')) as LockSnapshot;
    expect(all.databases).toHaveLength(1);
    const [database] = all.databases;
    expect(database).toMatchObject({ db: 'app.db', journal: 'rollback' });
    const write = database?.holders.find(({ mode }) => mode === 'exclusive');
    expect(write).toMatchObject({ lock: 'RESERVED', pid: holder.pid, command: 'python3', container: 'host' });
    expect(Date.parse(write?.since ?? '')).toBeLessThanOrEqual(Date.now());
    expect(database?.waiters).toMatchObject([{ pid: waiter.pid, command: 'python3', blockedBy: [holder.pid] }]);
    expect(await get('locks?db=other.db')).toEqual({ databases: [] });

    const stream = http.get(`${daemon.url}/api/v1/sqlite/locks/stream?db=app.db`);
    let text = '';
    stream.once('response', (response) => {
      expect(response.headers['content-type']).toMatch(/^text\/event-stream/);
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
    });
    stream.on('error', () => {}); // it is cut off in the end
    await eventually(() => expect(text).toMatch(/^event: snapshot\n/));
    expect(text).toContain(`"pid":${holder.pid}`);
    await holder.run('COMMIT');
    await eventually(() => expect(text).toContain('event: change\n'));
    stream.destroy();
  }));

// Both wait for most of their time.
test.concurrent('a request that waits is in the monitor under the name of the server, and its 503 names who holds the database', () =>
  withBlockedDatabase(async (daemon, holder) => {
    const answered = fetch(`${daemon.url}/api/v1/sqlite/db?db=app.db&timeout=6`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ transaction: [{ statement: 'INSERT INTO t VALUES (3)' }] }),
    });
    await eventually(async () => {
      const locks = (await (await fetch(`${daemon.url}/api/v1/sqlite/locks?db=app.db`)).json()) as LockSnapshot;
      expect(locks.databases[0]?.waiters.map(({ command }) => command)).toContain('hoody-sqlite');
    });
    const answer = await answered;
    const body = (await answer.json()) as { code: string; error: string };
    expect(answer.status).toBe(503);
    expect(body.code).toBe('DATABASE_BUSY');
    expect(body.error).toContain(`python3 (pid ${holder.pid}, host) holds RESERVED`);
  }));

test.concurrent('a 503 DATABASE_BUSY says so where another request of the server holds the database', () =>
  withDaemon(['--create-on-write'], async (daemon) => {
    const url = `${daemon.url}/api/v1/sqlite`;
    const transaction = (timeout: number, ...statements: string[]) =>
      fetch(`${url}/db?db=app.db&timeout=${timeout}`, {
        method: 'POST',
        body: JSON.stringify({ transaction: statements.map((statement) => ({ statement })) }),
      });
    expect((await transaction(30, 'CREATE TABLE t (v)')).status).toBe(200);
    const endless = 'INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT 1 FROM n) SELECT max(i) FROM n';
    const long = transaction(100, 'INSERT INTO t VALUES (1)', endless);
    const holder = await eventually(async () => {
      const { databases } = (await (await fetch(`${url}/locks?db=app.db`)).json()) as LockSnapshot;
      const found = databases[0]?.holders.find(({ mode }) => mode === 'exclusive');
      if (found === undefined) throw new Error('nobody holds the write lock');
      return found.pid;
    });
    // One whose executor was still being started at its deadline has not heard of the lock.
    const heard = async (call: (timeout: number) => Promise<Response>) => {
      for (let timeout = 2; ; timeout *= 2) {
        const answer = await call(timeout);
        const { code, error } = (await answer.json()) as { code: string; error: string };
        if (code !== 'REQUEST_TIMEOUT' || timeout > 16) return { status: answer.status, code, error };
      }
    };
    const late = await Promise.all([
      heard((timeout) => transaction(timeout, 'INSERT INTO t VALUES (2)')),
      heard((timeout) => fetch(`${url}/kv/k?db=app.db&timeout=${timeout}`, { method: 'PUT', body: 'v' })),
    ]);
    const error = /^the database (was|is) locked.*: another request of this server \(pid \d+\) holds /;
    for (const one of late) {
      expect(one).toEqual({ status: 503, code: 'DATABASE_BUSY', error: expect.stringMatching(error) });
    }
    process.kill(holder, 'SIGKILL');
    await long;
  }));

test('with --locks kernel the monitor is empty and clients still exclude each other', () =>
  withDaemon(['--locks', 'kernel'], async (daemon) => {
    await withClients(async (start) => {
      const [one, other] = [start(), start()];
      for (const client of [one, other]) await client.open(join(daemon.mount, 'app.db'));
      await one.run(['CREATE TABLE t (v)', 'BEGIN IMMEDIATE']);
      expect((await other.run('BEGIN IMMEDIATE')).error).toBe('SQLITE_BUSY');
      expect(await lockView(daemon)).toEqual({ databases: [] });
    });
  }));
