// Programs that go on trying while nothing is mounted: they meet the bare directory below the mount point, and must not
// be able to harm the databases when the mount comes back.
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';
import { processesOf, runProgram, startDaemon, whenReady, withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { killEach, run, start } from '../helpers/process.ts';

const runs = process.env.HOODY_SQLITE_SOAK ? 50 : 2;

/** Makes a file of its own where it finds none, as SQLite does, and tries again at once. Its first error is printed. */
const stubborn = (path: string, name: string) => `
import sqlite3
from contextlib import closing
n = 0
while True:
    n += 1
    try:
        with closing(sqlite3.connect(${JSON.stringify(path)}, timeout=0, isolation_level=None)) as connection:
            connection.execute("INSERT INTO log VALUES (?, ?)", (${JSON.stringify(name)}, n))
            print("ok", n, flush=True)
    except sqlite3.Error as error:
        if n == 1: print(error, flush=True)
`;

// Much of it is waiting: of a start for files that are open, of SQLite for a mount that has ended.
describe.concurrent('programs that found the bare directory', () => {
  test(
    'lose nothing that was acknowledged, however often the daemon is restarted under them',
    async () => {
      await withPaths(async (paths) => {
        mkdirSync(paths.data);
        const db = new Database(join(paths.data, 'app.db'));
        db.exec('PRAGMA journal_mode = WAL; CREATE TABLE log (who TEXT, n INTEGER)');
        db.close();
        mkdirSync(paths.mount);
        const programs = ['a', 'b', 'c'].map((name) => ({
          name,
          ...start('python3', ['-c', stubborn(join(paths.mount, 'app.db'), name)]),
        }));
        const told = (stdout: string) => [...stdout.matchAll(/^ok (\d+)$/gm)].map((match) => Number(match[1]));
        const each = (check: (stdout: string, index: number) => void) => () => {
          programs.forEach(({ process, stdout, stderr }, index) => {
            expect([process.exitCode, stderr()]).toEqual([null, '']);
            check(stdout(), index);
          });
        };
        try {
          await eventually(each((stdout) => expect(stdout).toContain('no such table')));
          for (let round = 0; round < runs; round++) {
            await withDaemon(
              ['--drain', '1'],
              async () => {
                const before = programs.map(({ stdout }) => told(stdout()).length);
                // SQLite itself tries for 10 s on a mount that has ended before it lets go of the file.
                await eventually(
                  each((stdout, index) => expect(told(stdout).length).toBeGreaterThan((before[index] ?? 0) + 5)),
                  { timeoutMs: 60_000 },
                );
              },
              { paths },
            );
          }
        } finally {
          for (const program of programs) program.process.kill('SIGKILL');
          await Promise.all(programs.map(({ finished }) => finished));
        }
        const after = new Database(join(paths.data, 'app.db'));
        for (const { name, stdout } of programs) {
          const rows = new Set(after.prepare('SELECT n FROM log WHERE who = ?').pluck().all(name));
          expect(told(stdout()).filter((n) => !rows.has(n))).toEqual([]);
        }
        expect(after.pragma('integrity_check', { simple: true })).toBe('ok');
        after.close();
      });
    },
    60_000 + runs * 30_000,
  );

  test('hold up every start for as long as they have files open; then the empty files are gone', async () => {
    await withPaths(async (paths) => {
      const folder = join(paths.mount, 'tenants/eu');
      mkdirSync(folder, { recursive: true });
      const [above, below] = [paths.mount, folder].map((of) => openSync(join(of, 'app.db'), 'w+')) as [number, number];
      const refusal = async () => {
        const { code, stderr } = await startDaemon(paths, ['--require-mount']).finished;
        expect(code).toBe(1);
        return /files in the directory below the mount are open: (.*) in /.exec(stderr)?.[1]?.split(', ').sort();
      };
      const aside = expect.stringMatching(/^\.hoody-sqlite-unmounted-\d+$/);
      const asideBelow = expect.stringMatching(/^tenants\/eu\/\.hoody-sqlite-unmounted-\d+$/);
      expect(await refusal()).toEqual([aside, asideBelow]);
      closeSync(above);
      // This start must find a file that the one before has made harmless for everybody else.
      expect(await refusal()).toEqual([asideBelow]);
      const started = startDaemon(paths, ['--require-mount']);
      closeSync(below);
      const daemon = await whenReady(started, paths);
      await daemon.stop();
      expect([readdirSync(paths.mount), readdirSync(folder)]).toEqual([['tenants'], []]);
    });
  }, 60_000);

  test('find the directory sealed between two runs, and after a kill -9 of everything', async () => {
    await withPaths(async (paths) => {
      mkdirSync(join(paths.mount, 'tenants'), { recursive: true });
      const isSealed = () => {
        for (const name of ['app.db', 'tenants/app.db']) {
          expect(() => writeFileSync(join(paths.mount, name), '')).toThrow('EPERM');
        }
      };
      await (await whenReady(startDaemon(paths, []), paths)).stop();
      isSealed();
      const started = startDaemon(paths, []);
      await whenReady(started, paths);
      killEach(await processesOf(paths));
      await started.exited;
      await run('umount', ['--lazy', paths.mount]);
      isSealed();
      await withDaemon([], async (daemon) => writeFileSync(join(daemon.mount, 'app.db'), ''), { paths });
    });
  });

  test('leave files that hold something: they are named, and the directory stays open for whoever moves them away', async () => {
    await withPaths(async (paths) => {
      const file = join(paths.mount, 'tenants', 'app.db');
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, 'somebody may need this');
      await withDaemon(
        [],
        async (daemon) => {
          await eventually(() => expect(daemon.stderr()).toContain('mount-hides-files'));
          expect(daemon.stderr()).toContain('tenants/app.db');
        },
        { paths },
      );
      const check = await runProgram(['check', '--mount', paths.mount, '--data', paths.data]);
      expect(check.stdout).toMatch(/WARN mount point .*holds 1 file/);
      rmSync(file);
      await (await whenReady(startDaemon(paths, []), paths)).stop();
      expect(() => writeFileSync(file, '')).toThrow('EPERM');
    });
  });

  test('a file system that is mounted below the mount point is named and refused', async () => {
    await withPaths(async (paths) => {
      const below = join(paths.mount, 'tenants');
      mkdirSync(below, { recursive: true });
      await run('mount', ['-t', 'tmpfs', 'tmpfs', below]);
      try {
        const { code, stderr } = await startDaemon(paths, ['--require-mount']).finished;
        expect(code).toBe(1);
        expect(stderr).toContain(`file systems are mounted below the mount point: ${below}`);
      } finally {
        await run('umount', [below]);
      }
    });
  });
});
