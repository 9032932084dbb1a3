// What else can go wrong on a machine, one thing a test: what clients see, that the daemon stays, and that everything
// works again when the cause is gone. docs/survival.md says the same in words.
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  type Daemon,
  type DaemonPaths,
  pidOf,
  startDaemon,
  whenReady,
  withDaemon,
  withPaths,
} from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { request } from '../helpers/http.ts';
import { run, start } from '../helpers/process.ts';
import { query } from './load.ts';
import { underLoad } from './rounds.ts';

function must(command: string, ...args: string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
}

const sqlite = (path: string, sql: string) =>
  run('sqlite3', ['-cmd', '.timeout 2000', path, sql], { timeoutMs: 30_000 });

/** A daemon whose data directory is a file system of its own. */
async function withDisk(
  makeDisk: (disk: string, paths: DaemonPaths) => void,
  test: (daemon: Daemon, disk: string, database: string) => Promise<void>,
): Promise<void> {
  await withPaths(async (paths) => {
    const disk = join(paths.folder, 'disk');
    mkdirSync(disk);
    makeDisk(disk, paths);
    try {
      await withDaemon(
        [],
        async (daemon) => {
          const database = join(paths.mount, 'app.db');
          query(database, 'pragma journal_mode=wal; create table t (a); insert into t values (1)');
          await test(daemon, disk, database);
        },
        { paths: { ...paths, data: join(disk, 'data') } },
      );
    } finally {
      spawnSync('umount', [disk]);
    }
  });
}

const tmpfs = (disk: string) => must('mount', '-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk);

test('a full disk is an error of the client that writes; when space is free again, everything goes on', async () => {
  await withDisk(tmpfs, async (daemon, disk, database) => {
    query(database, 'pragma journal_mode=delete'); // a WAL needs room for its index even to read
    spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'ballast')}`, 'bs=64k']);
    const full = await sqlite(database, 'insert into t select randomblob(500000)');
    expect(full.code).not.toBe(0);
    expect(full.stderr).toMatch(/full|disk I\/O/);
    expect((await fetch(`${daemon.url}/api/v1/sqlite/health`)).status).toBe(200);
    expect(query(database, 'select count(*) from t')).toBe('1');
    rmSync(join(disk, 'ballast'));
    expect(query(database, 'insert into t select randomblob(500000); select count(*) from t')).toBe('2');
    expect(query(database, 'pragma integrity_check')).toBe('ok');
  });
});

test('an I/O error of the disk reaches the client, and the daemon stays', async () => {
  let ram = '';
  // The disk promises 64 MB and lies in a file for which there is less room.
  const failing = (disk: string, paths: DaemonPaths) => {
    ram = join(paths.folder, 'ram');
    mkdirSync(ram);
    must('mount', '-t', 'tmpfs', '-o', 'size=12m', 'tmpfs', ram);
    const image = join(ram, 'image');
    const fd = openSync(image, 'w');
    ftruncateSync(fd, 64 << 20);
    closeSync(fd);
    must('mkfs.ext4', '-q', '-O', '^has_journal', '-E', 'nodiscard', image);
    must('mount', '-o', 'loop', image, disk);
  };
  try {
    await withDisk(failing, async (daemon, _disk, database) => {
      const failed = await sqlite(database, 'insert into t select randomblob(30000000)');
      expect(failed.stderr).toMatch(/disk I\/O|full/);
      expect((await daemon.status()).processes.map(({ role }) => role)).toContain('fs');
      expect((await fetch(`${daemon.url}/api/v1/sqlite/health`)).status).toBe(200);
    });
  } finally {
    spawnSync('umount', [ram]);
  }
});

test('a data directory that becomes read-only can still be read, and written once it is writable again', async () => {
  await withDisk(tmpfs, async (_daemon, disk, database) => {
    query(database, 'pragma journal_mode=delete');
    await eventually(() => must('mount', '-o', 'remount,ro', disk));
    expect((await sqlite(database, 'insert into t values (2)')).stderr).toMatch(/readonly|unable to open/);
    expect(query(database, 'select count(*) from t')).toBe('1');
    must('mount', '-o', 'remount,rw', disk);
    expect(query(database, 'insert into t values (2); select count(*) from t')).toBe('2');
  });
});

test('a data directory that was removed is an empty one that takes no files; the daemon stays and stops in order', async () => {
  await withDaemon([], async (daemon) => {
    query(join(daemon.mount, 'app.db'), 'create table t (a)');
    rmSync(daemon.data, { recursive: true });
    expect((await sqlite(join(daemon.mount, 'other.db'), 'create table t (a)')).stderr).toMatch(/unable to open/);
    expect((await run('ls', [daemon.mount])).stdout).toBe('');
    expect((await fetch(`${daemon.url}/api/v1/sqlite/health`)).status).toBe(200);
    expect(await daemon.stop()).toMatchObject({ code: 0 });
  });
});

test('at the limit of descriptors opens fail with a clear error, and work again with more room', async () => {
  await withDaemon([], async (daemon) => {
    const fs = await pidOf(daemon, 'fs');
    query(join(daemon.mount, 'app.db'), 'create table t (a); insert into t values (1)');
    for (let n = 0; n < 200; n++) writeFileSync(join(daemon.data, `file-${n}`), '');
    must('prlimit', '--pid', String(fs), '--nofile=100:4096');
    const listed = await run('sh', ['-c', `cat ${daemon.mount}/file-*`]);
    expect(listed.stderr).toMatch(/Too many open files/);
    expect((await daemon.status()).processes.find(({ role }) => role === 'fs')?.pid).toBe(fs);
    must('prlimit', '--pid', String(fs), '--nofile=4096:4096');
    expect(await run('sh', ['-c', `cat ${daemon.mount}/file-*`])).toMatchObject({ code: 0 });
    expect(query(join(daemon.mount, 'app.db'), 'select count(*) from t')).toBe('1');
  });
});

test('an executor that runs out of memory costs its own requests, no others', async () => {
  await withDaemon([], async (daemon) => {
    const post = (sql: string) =>
      request(`${daemon.url}/api/v1/sqlite/db?db=app.db&create_db_if_missing=true&timeout=60`, 'POST', {
        body: {
          transaction: [sql.startsWith('select') || sql.startsWith('with') ? { query: sql } : { statement: sql }],
        },
      });
    expect((await post('create table t (a)')).status).toBe(200);
    // Each of them: a busy server gives the query to any. One that gets no memory ends, or refuses and lives on: SQLite
    // and V8 decide. With 64 MiB to spare it has room for what is asked afterwards.
    const executors = (await daemon.status()).processes.filter(({ role }) => role === 'executor');
    for (const { pid } of executors) {
      const kB = /VmSize:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
      must('prlimit', '--pid', String(pid), `--as=${Number(kB) * 1024 + (64 << 20)}`);
    }
    const sql =
      'with recursive n(i) as (select 1 union all select i + 1 from n limit 400) select i, hex(zeroblob(1000000)) from n';
    expect((await post(sql)).status).not.toBe(200);
    expect((await post('insert into t values (1)')).status).toBe(200);
    expect(query(join(daemon.mount, 'app.db'), 'select count(*) from t')).toBe('1');
  });
});

test('a clock that jumps by hours is no concern of anybody who waits', async () => {
  await withPaths(async (paths) => {
    const jumping = join(paths.folder, 'jumping.mjs');
    writeFileSync(
      jumping,
      'const now = Date.now; Date.now = () => now() + Math.floor((Math.random() - 0.5) * 4) * 3_600_000;',
    );
    await withDaemon(
      ['--log-level', 'warn'],
      async (daemon) => expect((await underLoad(daemon, 2, async () => {})).errors).toEqual([]),
      { paths, env: { NODE_OPTIONS: `--import=${jumping}` } },
    );
  });
});

test('a process that is stopped for a while makes clients wait, and costs nobody an error', async () => {
  await withDaemon([], async (daemon) => {
    const roles = ['fs', 'server', 'executor', 'supervisor'] as const;
    const result = await underLoad(daemon, roles.length, async (round) => {
      const pid = await pidOf(daemon, roles[round] ?? 'fs');
      process.kill(pid, 'SIGSTOP');
      await run('sleep', ['0.3']);
      process.kill(pid, 'SIGCONT');
    });
    expect(result.errors).toEqual([]);
  });
});

test('hundreds of clients that die with locks leave nothing behind', async () => {
  await withDaemon([], async (daemon) => {
    const path = join(daemon.mount, 'app.db');
    query(path, 'pragma journal_mode=wal; create table t (a)');
    const before = (await daemon.status()).fuse;
    const script =
      'import os,sqlite3,sys,time\n' +
      'for n in range(300):\n' +
      '  if os.fork() == 0:\n' +
      '    c = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)\n' +
      '    c.execute("begin"); c.execute("select * from t").fetchall()\n' +
      '    os.write(1, b"x"); time.sleep(600)\n' +
      'time.sleep(600)\n';
    const clients = start('setsid', ['python3', '-c', script, path]);
    await eventually(() => expect(clients.stdout().length + clients.stderr().length).toBe(300), { timeoutMs: 60_000 });
    process.kill(-clients.pid, 'SIGKILL');
    await clients.finished;
    expect(query(path, 'insert into t values (1); select count(*) from t')).toBe('1');
    await eventually(async () => {
      const { fuse, locks } = await daemon.status();
      expect(fuse.handles).toBeLessThanOrEqual(before.handles ?? 0);
      expect(locks).toMatchObject({ holders: 0, waiters: 0 });
    });
  });
});

test('a full run-time folder refuses a start in clear words, and does not stop a daemon that runs', async () => {
  await withPaths(async (paths) => {
    mkdirSync(paths.runDir);
    must('mount', '-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', paths.runDir);
    const ballast = join(paths.runDir, 'ballast');
    const fill = () => spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4k']);
    try {
      fill();
      const refused = await startDaemon(paths, []).finished;
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(paths.runDir) });
      rmSync(ballast);
      await withDaemon(
        [],
        async (daemon) => {
          fill();
          process.kill(await pidOf(daemon, 'fs'), 'SIGKILL');
          query(join(paths.mount, 'app.db'), 'create table t (a)');
          expect((await daemon.status()).children).toContainEqual(expect.objectContaining({ role: 'fs', restarts: 1 }));
          rmSync(ballast);
        },
        { paths },
      );
    } finally {
      spawnSync('umount', [paths.runDir]);
    }
  });
});

test('of two daemons that start at once for one directory, one serves and the other is refused', async () => {
  await withPaths(async (paths) => {
    const both = [startDaemon(paths, []), startDaemon(paths, [])];
    const outcome = await Promise.race(both.map(async (daemon, index) => ({ index, ...(await daemon.finished) })));
    expect(outcome.code).toBe(4);
    const winner = both[1 - outcome.index];
    if (!winner) throw new Error('no winner');
    try {
      const daemon = await whenReady(winner, paths);
      expect(outcome.stderr).toMatch(new RegExp(`${daemon.pid}|another daemon`));
      query(join(paths.mount, 'app.db'), 'create table t (a)');
    } finally {
      winner.process.kill('SIGTERM');
      await winner.finished;
    }
  });
});
