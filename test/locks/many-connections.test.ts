// A process with several connections to one database: SQLite takes the snapshot of the second one without a lock call,
// so its write never stood at the gate. Beside it processes with one connection and busy timeout 0, which must never be
// told "locked".
// Runs alone: it measures how long locks take.
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../helpers/process.ts';
import { withClients } from '../helpers/sqlite-client.ts';
import { type TempMount, tempMount } from '../helpers/temp-mount.ts';

const script = resolve(import.meta.dirname, 'clients/many-connections.py');
const seconds = process.env.HOODY_SQLITE_SOAK ? 30 : 1.5;

interface Side {
  readonly commits: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly longestMs: number;
}

interface Met {
  readonly threads: Side;
  readonly singles: Side;
  readonly stored: number;
  readonly integrity: string;
}

let mount: TempMount;

beforeAll(async () => {
  mount = await tempMount({ locks: 'coordinated' });
});

afterAll(async () => {
  await mount?.close();
});

describe.each(['delete', 'wal'])('journal %s', (journal) => {
  test.each(['fresh', 'kept'])(
    'four threads of one process, a connection per transaction, beside single connections (%s) with timeout 0: none is refused',
    async (keep) => {
      const database = join(mount.mountPoint, `${journal}-${keep}.db`);
      const args = ['-m', 'python3', script, database, journal, `${seconds}`, '4', '4', keep];
      const { stdout, stderr } = await run('unshare', args, { timeoutMs: 120_000 });
      if (stdout === '') throw new Error(stderr);
      const met = JSON.parse(stdout) as Met;
      process.stdout.write(`${journal}, ${keep}: ${stdout}`);
      const { locks } = await mount.status();
      expect([met.singles.errors, met.threads.errors], JSON.stringify(locks)).toEqual([{}, {}]);
      expect(met).toMatchObject({ stored: met.threads.commits + met.singles.commits, integrity: 'ok' });
      expect(Math.min(met.threads.commits, met.singles.commits)).toBeGreaterThan(0);
    },
  );
});

test('a fork takes no connection from its parent: a process with two still waits for 50 ms, not for 5 s', async () => {
  const database = join(mount.mountPoint, 'forked.db');
  await withClients(async (start) => {
    const [writer, both] = [start(), start()];
    await writer.open(database, { timeout: 0 });
    await writer.run('CREATE TABLE t (v)');
    await both.open(database, { timeout: 0 });
    await both.open(database, { thread: 'second' });
    for (const thread of ['main', 'second']) await both.run('SELECT * FROM t', thread);
    expect((await both.fork(database, 'SELECT * FROM t')).rows).toEqual([[0]]);
    await writer.run(['BEGIN IMMEDIATE', 'INSERT INTO t VALUES (1)']);
    const insert = await both.run('INSERT INTO t VALUES (2)');
    expect(insert.error).toBe('SQLITE_BUSY');
    expect(insert.tookMs).toBeLessThan(1500); // three locks, 50 ms each, on a quiet machine
    expect(await writer.run('COMMIT')).toMatchObject({ error: null });
  });
});
