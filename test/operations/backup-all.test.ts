// `backup --all` and `backup NAME -`: complete, or an error that says what is missing; nothing else on stdout.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { type Daemon, programPath, withDaemon } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { run, start } from '../helpers/process.ts';

function make(path: string, rows: number, journal = 'wal'): void {
  const db = new Database(path);
  db.pragma(`journal_mode = ${journal}`);
  db.exec('CREATE TABLE t (x)');
  const insert = db.prepare('INSERT INTO t VALUES (randomblob(1000))');
  db.transaction(() => {
    for (let row = 0; row < rows; row++) insert.run();
  })();
  db.close();
}

function rowsIn(path: string): number {
  const db = new Database(path, { fileMustExist: true }); // takes its -wal and -shm away when it closes
  const rows = db.prepare('SELECT count(*) FROM t').pluck().get() as number;
  expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
  db.close();
  return rows;
}

describe('backup --all', () => {
  test('saves every database below its name, with owner and mode, and names what it leaves out', async () => {
    await withDaemon([], async (daemon) => {
      const deep = join(daemon.mount, 'team/deep');
      mkdirSync(deep, { recursive: true });
      chmodSync(join(daemon.mount, 'team'), 0o710);
      make(join(daemon.mount, 'app.db'), 10);
      make(join(deep, 'b.sqlite'), 20, 'delete');
      chmodSync(join(deep, 'b.sqlite'), 0o600);
      writeFileSync(join(daemon.mount, 'notes.txt'), 'no database');
      writeFileSync(join(daemon.mount, 'empty.db'), '');
      const open = new Database(join(daemon.mount, 'app.db')); // keeps its -wal and -shm there
      open.exec('INSERT INTO t VALUES (1)');

      const folder = join(daemon.folder, 'saved');
      const saved = await daemon.command('backup', '--all', folder);
      expect(saved).toMatchObject({ code: 0, stderr: '' });
      expect(saved.stdout).toMatch(/^2 databases are saved to .*saved, [\d.]+ KiB\nleft out, .*notes\.txt\n$/);
      expect([rowsIn(join(folder, 'app.db')), rowsIn(join(folder, 'team/deep/b.sqlite'))]).toEqual([11, 20]);
      expect((statSync(join(folder, 'team')).mode & 0o777).toString(8)).toBe('710');
      expect((statSync(join(folder, 'team/deep/b.sqlite')).mode & 0o777).toString(8)).toBe('600');
      expect(readdirSync(folder).sort()).toEqual(['app.db', 'team']);

      const again = await daemon.command('backup', '--all', folder, '--json');
      expect(again.code).toBe(1);
      const result = JSON.parse(again.stdout) as { databases: unknown[]; failed: unknown[] };
      expect(result.databases).toEqual([]);
      expect(result.failed).toContainEqual({
        database: join(daemon.mount, 'app.db'),
        error: expect.stringContaining('exists (--force replaces it)'),
      });
      open.exec('INSERT INTO t VALUES (2)');
      expect(await daemon.command('backup', '--all', folder, '--force')).toMatchObject({ code: 0 });
      expect(rowsIn(join(folder, 'app.db'))).toBe(12);
      open.close();
    });
  });

  test('one that cannot be saved stops no other, and is an error', async () => {
    await withDaemon([], async (daemon) => {
      make(join(daemon.mount, 'good.db'), 10);
      writeFileSync(join(daemon.mount, 'bad.db'), `SQLite format 3\0${'garbage'.repeat(2000)}`);
      const folder = join(daemon.folder, 'saved');
      const finished = await daemon.command('backup', '--all', folder);
      expect(finished).toMatchObject({ code: 1, stdout: expect.stringContaining('1 database is saved') });
      expect(finished.stderr).toMatch(/bad\.db cannot be read as an SQLite database: .*\n.*1 database is not saved/);
      expect(rowsIn(join(folder, 'good.db'))).toBe(10);
      expect(readdirSync(folder)).toEqual(['good.db']);
    });
  });

  test('a file that is replaced leaves no WAL to the new one', async () => {
    await withDaemon([], async (daemon) => {
      make(join(daemon.mount, 'app.db'), 10);
      const saved = join(daemon.folder, 'saved.db');
      await daemon.command('backup', 'app', saved);
      const dying = `
import os, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA wal_autocheckpoint=0")
for _ in range(5): db.execute("INSERT INTO t VALUES (zeroblob(5000))")
os.kill(os.getpid(), 9)`;
      await run('python3', ['-c', dying, saved]);
      expect(statSync(`${saved}-wal`).size).toBeGreaterThan(0);
      expect(await daemon.command('backup', 'app', saved, '--force')).toMatchObject({ code: 0 });
      expect(rowsIn(saved)).toBe(10);
    });
  });

  test('a folder among the databases, a missing folder name and one too many are refused', async () => {
    await withDaemon([], async (daemon) => {
      for (const folder of [daemon.mount, join(daemon.mount, 'saved'), join(daemon.data, 'saved')]) {
        expect(await daemon.command('backup', '--all', folder)).toMatchObject({
          code: 1,
          stderr: expect.stringContaining('lies among the databases'),
        });
        expect(existsSync(join(daemon.data, 'saved'))).toBe(false);
      }
      expect(await daemon.command('backup', '--all')).toMatchObject({ code: 2 });
      expect(await daemon.command('backup', '--all', '/a', '/b')).toMatchObject({ code: 2 });
      expect(await daemon.command('backup', 'app')).toMatchObject({ code: 2 });
    });
  });
});

describe('backup NAME -', () => {
  const firstCode = 'exit $PIPESTATUS'; // of the first program in the pipe

  /** The rest of a shell line behind `hoody-sqlite backup app -`; private temporary folder. */
  async function shell(daemon: Daemon, rest: string) {
    const temporary = mkdtempSync(join(tmpdir(), 'hoody-sqlite-'));
    const program = `"${process.execPath}" "${programPath}" backup --run-dir "${daemon.runDir}" --data "${daemon.data}"`;
    try {
      const finished = await run('bash', ['-c', `${program} app - ${rest}`], {
        env: { TMPDIR: temporary },
        cwd: daemon.folder,
      });
      expect(readdirSync(temporary)).toEqual([]);
      return finished;
    } finally {
      rmSync(temporary, { recursive: true });
    }
  }

  test('writes the database and nothing else, into a file and through a pipe', async () => {
    await withDaemon([], async (daemon) => {
      make(join(daemon.mount, 'app.db'), 4000);
      expect(await shell(daemon, '>saved.db')).toMatchObject({ code: 0, stdout: '', stderr: '' });
      expect(rowsIn(join(daemon.folder, 'saved.db'))).toBe(4000);
      const piped = await shell(daemon, `--json | gzip | gunzip >piped.db; ${firstCode}`);
      expect(piped).toMatchObject({ code: 0, stdout: '' });
      expect(JSON.parse(piped.stderr)).toMatchObject({ database: join(daemon.mount, 'app.db'), file: null });
      expect(rowsIn(join(daemon.folder, 'piped.db'))).toBe(4000);
    });
  });

  test('a reader that goes away, a full disk and a terminal are errors', async () => {
    await withDaemon([], async (daemon) => {
      make(join(daemon.mount, 'app.db'), 4000);
      expect(await shell(daemon, `| head -c 100 >/dev/null; ${firstCode}`)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('cannot write to the output: its reader has gone away'),
      });
      expect(await shell(daemon, '>/dev/full')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('cannot write to the output: ENOSPC'),
      });
      const command = `"${process.execPath}" "${programPath}" backup app - --data "${daemon.data}" --run-dir "${daemon.runDir}"`;
      const typed = await run('script', ['-qec', command, '/dev/null']);
      expect([typed.code, typed.stdout]).toEqual([2, expect.stringContaining('cannot be shown on a terminal')]);
    });
  });

  test('a temporary folder without room is an error, and a signal leaves no copy there', async () => {
    await withDaemon([], async (daemon) => {
      make(join(daemon.mount, 'app.db'), 4000);
      const small = join(daemon.folder, 'small');
      mkdirSync(small);
      await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', small]);
      const args = [programPath, 'backup', 'app', '-', '--data', daemon.data, '--run-dir', daemon.runDir];
      const refused = await run(process.execPath, args, { env: { TMPDIR: small } });
      expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('has no room for a copy') });

      const temporary = join(daemon.folder, 'temporary');
      mkdirSync(temporary);
      // Its output is not read: it waits in the write.
      const stuck = start(process.execPath, args, { env: { TMPDIR: temporary } });
      stuck.process.stdout?.pause();
      await eventually(() => expect(readdirSync(temporary)).toHaveLength(1));
      stuck.process.kill('SIGTERM');
      await eventually(() => expect(readdirSync(temporary)).toEqual([]));
      stuck.process.stdout?.resume();
      expect((await stuck.finished).code).toBe(143);
    });
  });
});
