// The commands about the past of a database, against a daemon that keeps commits, while a program has the database
// open.
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Daemon, programPath, withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { killEach, run as runToEnd } from '../helpers/process.ts';
import { SqliteClient } from '../helpers/sqlite-client.ts';

interface Commit {
  readonly bookmark: string;
  readonly kind: string;
  readonly writer: { readonly pid: number; readonly command: string } | null;
  readonly tables?: readonly string[];
  readonly rewound_to?: string;
}

async function json<Result>(daemon: Daemon, name: string, ...args: string[]): Promise<Result> {
  const { code, stdout, stderr } = await daemon.command(name, ...args, '--json');
  expect(code, `${name} ${args.join(' ')}: ${stderr}`).toBe(0);
  return JSON.parse(stdout) as Result;
}

const commitsOf = async (daemon: Daemon): Promise<readonly Commit[]> =>
  (await json<{ readonly commits: readonly Commit[] }>(daemon, 'history', 'app', '--limit', '100')).commits;

async function withClient(daemon: Daemon, test: (client: SqliteClient) => Promise<void>): Promise<void> {
  const client = new SqliteClient();
  try {
    expect(await client.open(join(daemon.root, 'app.db'), { timeout: 10 })).toMatchObject({ error: null });
    await test(client);
  } finally {
    client.kill();
  }
}

async function run(client: SqliteClient, ...sql: string[]): Promise<unknown> {
  const { rows, error } = await client.run(sql);
  expect(error, sql.join('; ')).toBe(null);
  return rows;
}

const count = (client: SqliteClient) => run(client, 'SELECT count(*) FROM users');

/** A program that is there for some milliseconds only. */
const shortProgram = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2:]: db.execute(statement)
db.close()`;

test('every commit of a program that ends at once is kept, from the first one on', async () => {
  await withDaemon([], async (daemon) => {
    const python = (...sql: string[]) => runToEnd('python3', ['-c', shortProgram, join(daemon.root, 'app.db'), ...sql]);
    const rows = Array.from({ length: 20 }, (_, n) => `INSERT INTO t VALUES (${n})`);
    expect(await python('CREATE TABLE older(a)')).toMatchObject({ code: 0 });
    expect((await daemon.command('history', 'app')).stderr).toContain('PRAGMA journal_mode=WAL');
    expect(await python('PRAGMA journal_mode=WAL', 'CREATE TABLE t(a)', ...rows, 'DELETE FROM t')).toMatchObject({
      code: 0,
    });
    expect(await python('INSERT INTO t VALUES (99)')).toMatchObject({ code: 0 });
    const ofTable = (commit: { readonly tables?: readonly string[] }) => commit.tables?.includes('t');
    await eventually(async () => expect((await commitsOf(daemon)).filter(ofTable).length).toBe(23));
    // An archive process that looks before the first write finds the empty log, and that is an entry of its own.
    const commits = await commitsOf(daemon);
    expect(commits.map(({ kind }) => kind)).toEqual([...Array(commits.length - 1).fill('commit'), 'base']);
    expect(commits.length - 23).toBeLessThanOrEqual(1);
    for (const { writer } of commits.slice(0, -1)) expect(writer?.command).toContain('python3');
    expect((await daemon.status()).archive).toMatchObject({ gaps: 0 });
    for (const [at, count] of [
      [0, 1],
      [1, 0],
      [2, 20],
      [12, 10],
      [22, 0],
    ]) {
      const question = ['SELECT count(*) AS n FROM t', '--at', commits[at ?? 0]?.bookmark ?? ''];
      const { resultSet } = await json<{ readonly resultSet: unknown }>(daemon, 'query', 'app', ...question);
      expect({ at, resultSet }).toEqual({ at, resultSet: [{ n: count }] });
    }
  });
});

test('a deleted table is found, looked at, brought back and deleted again, under the hands of a program', async () => {
  await withDaemon([], async (daemon) => {
    await withClient(daemon, async (client) => {
      await run(client, 'PRAGMA journal_mode=wal', 'CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT)');
      await run(client, "INSERT INTO users(name) VALUES ('Ada'), ('Bob'), ('Cyd')");
      const [inserted] = await commitsOf(daemon);
      const then = inserted?.bookmark ?? '';
      expect(inserted).toMatchObject({ writer: { pid: client.pid }, tables: ['users'] });
      await run(client, 'DELETE FROM users');

      const difference = await daemon.command('diff', 'app', then, '--rows');
      expect(difference.stdout).toMatch(/users +changed +0 +3 +0\n/);
      expect(difference.stdout).toContain('users: - {"id":2,"name":"Bob"}\n');
      const sql = await daemon.command('diff', 'app', 'now', then, '--sql');
      expect(sql.stdout).toContain("'Cyd'");
      const asked = await daemon.command('query', 'app', 'SELECT name FROM users ORDER BY id', '--at', then);
      expect(asked).toMatchObject({ code: 0, stdout: 'name\nAda\nBob\nCyd\n' });

      const planned = await daemon.command('rewind', 'app', '--to', then, '--dry-run');
      expect(planned.stdout).toMatch(/users +changed +3 +0 +0\n/);
      expect(planned.stdout).toContain('nothing was changed: this was a dry run\n');
      expect(await daemon.command('rewind', 'app', '--to', then)).toMatchObject({ code: 2 });
      expect(await count(client)).toEqual([[0]]);

      const rewound = await daemon.command('rewind', 'app', '--to', then, '--yes');
      expect(rewound).toMatchObject({ code: 0, stdout: expect.stringContaining('hoody-sqlite undo app') });
      expect(await count(client)).toEqual([[3]]);
      await eventually(async () => {
        expect((await commitsOf(daemon)).slice(0, 2)).toContainEqual(expect.objectContaining({ rewound_to: then }));
      });
      expect(await daemon.command('undo', 'app', '--yes')).toMatchObject({ code: 0 });
      expect(await count(client)).toEqual([[0]]);
      await run(client, "INSERT INTO users(name) VALUES ('Dan')");

      expect(await daemon.command('fork', 'app', 'app-then', '--to', then)).toMatchObject({ code: 0 });
      const forked = await daemon.command('query', 'app-then', 'SELECT count(*) AS n FROM users');
      expect(forked.stdout).toBe('n\n3\n');
      expect(await run(client, 'PRAGMA integrity_check')).toEqual([['ok']]);
    });
    const verified = await daemon.command('archive', 'verify');
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+ commits are sound\n$/) });
    expect((await daemon.command('archive', 'status')).stdout).toMatch(/^app\.db +current /m);
  });
});

/** Types `answer` at the question of a rewind on a terminal; the second line is the exit code. */
async function rewindOnTerminal(daemon: Daemon, moment: string, answer: string): Promise<string> {
  const script = `
import os, pty, sys
answer, command = sys.argv[1], sys.argv[2:]
pid, fd = pty.fork()
if pid == 0: os.execvp(command[0], command)
seen = ""
while "[y/N]" not in seen: seen += os.read(fd, 65536).decode()
os.write(fd, (answer + "\\n").encode())
try:
    while True: seen += os.read(fd, 65536).decode()
except OSError: pass
print(seen)
print("code", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`;
  const where = ['--run-dir', daemon.runDir, '--data', daemon.data];
  const command = [process.execPath, programPath, 'rewind', 'app', '--to', moment, ...where];
  const { stdout, stderr } = await runToEnd('python3', ['-c', script, answer, ...command]);
  return stdout + stderr;
}

test('on a terminal a rewind shows what it changes, and does it if the answer is yes', async () => {
  await withDaemon(['--archive', 'wal'], async (daemon) => {
    await withClient(daemon, async (client) => {
      await run(client, 'PRAGMA journal_mode=wal', 'CREATE TABLE users(id INTEGER PRIMARY KEY)');
      await run(client, 'INSERT INTO users VALUES (1), (2)');
      const then = (await commitsOf(daemon))[0]?.bookmark ?? '';
      await run(client, 'DROP TABLE users');
      const refused = await rewindOnTerminal(daemon, then, 'n');
      expect(refused).toMatch(/users +created +2 +0 +0/);
      expect(refused).toMatch(/open by python3 .*pid \d+/);
      expect(refused).toMatch(/nothing was changed\r?\n.*code 1\n/s);
      expect((await client.run('SELECT 1 FROM users')).error).not.toBe(null);
      expect(await rewindOnTerminal(daemon, then, 'y')).toMatch(/app\.db is as it was at .*code 0\n/s);
      expect(await count(client)).toEqual([[2]]);
    });
  });
});

test('a server that is another user reads the past too', async () => {
  await withPaths(async (paths) => {
    chmodSync(paths.folder, 0o755);
    const flags = ['--archive', 'wal', '--user', 'nobody'];
    await withDaemon(
      flags,
      async (daemon) => {
        chmodSync(daemon.mount, 0o777);
        await withClient(daemon, async (client) => {
          await run(client, 'PRAGMA journal_mode=wal', 'CREATE TABLE users(id INTEGER PRIMARY KEY)');
          for (const file of ['app.db', 'app.db-wal', 'app.db-shm']) chmodSync(join(daemon.mount, file), 0o666);
          await run(client, 'INSERT INTO users VALUES (1), (2)');
          const then = (await commitsOf(daemon))[0]?.bookmark ?? '';
          await run(client, 'DELETE FROM users');
          const asked = await daemon.command('query', 'app', 'SELECT count(*) AS n FROM users', '--at', then);
          expect(asked).toMatchObject({ code: 0, stdout: 'n\n2\n', stderr: '' });
          expect(await daemon.command('rewind', 'app', '--to', then, '--yes')).toMatchObject({ code: 0, stderr: '' });
          expect(await count(client)).toEqual([[2]]);
          expect(await daemon.command('fork', 'app', 'forked', '--to', then)).toMatchObject({ code: 0, stderr: '' });
        });
      },
      { paths },
    );
  });
});

test('what a moment cannot be had of is told, with what to do', async () => {
  await withDaemon(['--archive', 'wal'], async (daemon) => {
    await withClient(daemon, async (client) => {
      await run(client, 'PRAGMA journal_mode=delete', 'CREATE TABLE t(a)');
      expect(await daemon.command('history', 'app')).toMatchObject({ code: 1, stdout: '' });
      await run(client, 'PRAGMA journal_mode=wal', 'INSERT INTO t VALUES(1)');
      await eventually(async () => expect((await commitsOf(daemon)).length).toBeGreaterThan(0));
      expect(await daemon.command('rewind', 'app', '--to', 'ffffffff-00000000002a', '--yes')).toMatchObject({
        code: 1,
      });
      expect(await daemon.command('undo', 'app', '--yes')).toMatchObject({ code: 1 });
      expect(await daemon.command('query', 'app', 'SELECT 1', '--at', '3d')).toMatchObject({ code: 1 });
      expect(await daemon.command('history', 'nobody')).toMatchObject({ code: 1 });
      expect(await daemon.command('fork', 'app', 'app', '--at', 'now')).toMatchObject({ code: 1 });
    });
  });
  await withDaemon(['--archive', 'off'], async (daemon) => {
    await withClient(daemon, (client) => run(client, 'CREATE TABLE t(a)').then(() => undefined));
    const { code, stderr } = await daemon.command('history', 'app');
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining('--archive off') });
  });
});

test('a stop reads the last commits, and the next start goes on without a gap', async () => {
  await withPaths(async (paths) => {
    for (const round of [1, 2, 3]) {
      await withDaemon(
        ['--archive', 'wal'],
        async (daemon) => {
          await withClient(daemon, async (client) => {
            await run(client, 'PRAGMA journal_mode=wal', 'CREATE TABLE IF NOT EXISTS t(a)');
            for (let n = 0; n < 20; n++) await run(client, `INSERT INTO t VALUES(${round * 100 + n})`);
          });
          expect(await daemon.stop()).toMatchObject({ code: 0 });
        },
        { paths },
      );
    }
    await withDaemon(
      ['--archive', 'wal'],
      async (daemon) => {
        const commits = await commitsOf(daemon);
        expect(commits.slice(0, 60).map(({ kind }) => kind)).not.toContain('resync');
        const { resultSet } = await json<{ readonly resultSet: unknown }>(
          daemon,
          'query',
          'app',
          'SELECT count(*) AS n FROM t',
          '--at',
          commits[0]?.bookmark ?? '',
        );
        expect(resultSet).toEqual([{ n: 60 }]);
      },
      { paths },
    );
  });
});

test('after the death of everything a database is free once its programs have closed it, and is followed again', async () => {
  await withPaths(async (paths) => {
    const flags = ['--archive', 'wal'];
    let client: SqliteClient | undefined;
    try {
      await withDaemon(
        flags,
        async (daemon) => {
          client = new SqliteClient();
          expect(await client.open(join(daemon.root, 'app.db'), { timeout: 10 })).toMatchObject({ error: null });
          await run(client, 'PRAGMA journal_mode=wal', 'CREATE TABLE users(id INTEGER PRIMARY KEY)');
          await eventually(async () => expect((await commitsOf(daemon)).length).toBeGreaterThan(0));
          killEach((await daemon.status()).processes.map(({ pid }) => pid));
        },
        { paths },
      );
      await withDaemon(
        flags,
        async (daemon) => {
          await eventually(async () => {
            const { fenced, processes } = await daemon.status();
            expect(fenced).toMatchObject([{ database: 'app.db' }]);
            expect(processes.map(({ role }) => role)).not.toContain('archive');
          });
          client?.kill();
          await eventually(async () => expect((await daemon.status()).fenced).toEqual([]), { timeoutMs: 30_000 });
          await withClient(daemon, async (next) => {
            await run(next, 'INSERT INTO users VALUES (1)');
            const [newest] = await commitsOf(daemon);
            expect(newest).toMatchObject({ writer: { pid: next.pid } });
          });
        },
        { paths },
      );
    } finally {
      client?.kill();
    }
  });
});
