// Too little room in RAM or on the disk, and a slow disk: nothing acknowledged is lost, and the operator is told.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Daemon, type DaemonPaths, pidOf, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { request } from '../helpers/http.ts';
import { start } from '../helpers/process.ts';
import { traced } from '../helpers/strace.ts';
import { query } from '../survival/load.ts';

import { withRamDaemon } from './rounds.ts';

const MiB = 1 << 20;
/** A failed move is tried again after 5 s, and a disk may be slow. */
const patience = { timeoutMs: 60_000 };

function mountTmpfs(directory: string, sizeBytes: number): void {
  mkdirSync(directory);
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'none', directory]);
  expect(status, String(stderr)).toBe(0);
}

function isInRam({ folder }: DaemonPaths, name: string): boolean {
  return readdirSync(join(folder, 'ramdisk'), { recursive: true, encoding: 'utf8' }).some((path) =>
    path.endsWith(`/files/${name}`),
  );
}

async function flush(daemon: Daemon): Promise<void> {
  expect((await daemon.command('tier', 'flush')).stderr).toBe('');
}

/**
 * Writes rows of 100 kB until one does not fit, again and again on each line `fill`. `close` closes the database, and
 * `write` opens it again for one row. Its log stays short, so the file itself fills the tmpfs, open or closed.
 */
const filler = `import sqlite3, sys
def opened():
    c = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
    c.execute('pragma journal_mode=wal'); c.execute('pragma wal_autocheckpoint=20')
    c.execute('create table if not exists t (x)')
    return c
def fill():
    global count
    try:
        while count < 1000:
            c.execute('insert into t values (zeroblob(100000))'); count += 1
    except sqlite3.OperationalError as error:
        print('full', count, error, flush=True)
c = opened()
count = 0
for line in sys.stdin:
    if line == 'fill\\n': fill()
    elif line == 'close\\n': c.close(); print('closed', flush=True)
    else: c = opened(); c.execute('insert into t values (zeroblob(100000))'); print('done', flush=True)`;

test('a full tmpfs: databases go to the disk, open ones when they are closed, and new ones begin there', async () => {
  await withPaths(async (paths) => {
    mountTmpfs(join(paths.folder, 'ramdisk'), 16 * MiB);
    await withRamDaemon(paths, async (daemon) => {
      query(join(daemon.root, 'idle.db'), 'create table t (x); insert into t values (zeroblob(3000000))');
      await flush(daemon);
      const program = start('python3', ['-c', filler, join(daemon.root, 'big.db')]);
      const say = (line: string) => program.process.stdin?.write(`${line}\n`);
      const fill = async (): Promise<number> => {
        const before = fulls(program.stdout()).length;
        say('fill');
        return await eventually(() => {
          const all = fulls(program.stdout());
          expect(all.length, program.stderr()).toBe(before + 1);
          return all.at(-1) as number;
        }, patience);
      };
      await fill();
      await eventually(() => expect(isInRam(paths, 'idle.db')).toBe(false), patience);
      const count = await fill(); // alone it is more than the tmpfs should hold
      await eventually(() => expect(daemon.stderr()).toMatch(/ramdisk-full.*SQLITE_FULL/), patience);
      await eventually(() => {
        const name = `new${performance.now()}.db`; // the mount is told a moment after the log
        query(join(daemon.root, name), 'create table t (x); insert into t values (zeroblob(3000000))');
        expect(isInRam(paths, name)).toBe(false);
      }, patience);
      expect(isInRam(paths, 'big.db')).toBe(true);
      say('close');
      await eventually(() => expect(isInRam(paths, 'big.db'), daemon.stderr()).toBe(false), patience);
      say('write');
      await eventually(() => expect(program.stdout()).toContain('done'), patience);
      const result = query(join(daemon.root, 'big.db'), 'pragma integrity_check; select count(*) from t');
      expect(result).toBe(`ok\n${count + 1}`);
      await eventually(() => {
        const name = `again${performance.now()}.db`; // there is room again
        query(join(daemon.root, name), 'create table t (x)');
        expect(isInRam(paths, name)).toBe(true);
      }, patience);
    });
  });
});

/** How many rows there were whenever no more did fit. */
function fulls(output: string): number[] {
  return [...output.matchAll(/^full (\d+) database or disk is full$/gm)].map(([, count]) => Number(count));
}

test('a full disk: programs go on, the operator is told, and the copy comes as soon as there is room', async () => {
  await withPaths(async (paths) => {
    mountTmpfs(paths.data, 24 * MiB);
    const ballast = join(paths.data, 'ballast');
    writeFileSync(ballast, Buffer.alloc(20 * MiB));
    await withRamDaemon(paths, async (daemon) => {
      const path = join(daemon.root, 'app.db');
      query(path, 'pragma journal_mode=wal; create table t (x); insert into t values (zeroblob(6000000))');
      await eventually(() => expect(daemon.stderr()).toContain('ramdisk-copy-failed'));
      expect((await daemon.command('tier', 'list')).stdout).toContain('the disk of the data directory has no space');
      query(path, 'insert into t values (1)');
      rmSync(ballast);
      await flush(daemon);
      expect(query(join(paths.data, 'app.db'), 'pragma integrity_check; select count(*) from t')).toBe('ok\n2');
    });
  });
});

test('a slow disk: commits do not wait for it, and the copy follows', async () => {
  await withPaths(async (paths) => {
    await withRamDaemon(paths, async (daemon) => {
      const path = join(daemon.root, 'app.db');
      const slow = ['-e', 'trace=fsync,fdatasync', '-e', 'inject=fsync,fdatasync:delay_enter=200000'];
      await traced(await pidOf(daemon, 'tier'), slow, async (copier) => {
        await traced(await pidOf(daemon, 'fs'), ['-e', 'trace=fsync,fdatasync'], async (fs) => {
          const code = `import sqlite3, sys, time
c = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
c.execute('pragma journal_mode=wal'); c.execute('pragma synchronous=full'); c.execute('create table t (x)')
c.execute('pragma wal_autocheckpoint=8') # the log begins anew while its pages are copied
count = 0; end = time.time() + 2
while time.time() < end: c.execute('insert into t values (?)', (count,)); count += 1
print(count, flush=True)
sys.stdin.readline()`;
          const program = start('python3', ['-c', code, path]);
          const count = await eventually(() => {
            expect(program.stdout(), program.stderr()).toMatch(/\d+\n/);
            return Number(program.stdout());
          });
          const syncs = copier.calls().match(/sync\(/g)?.length ?? 0;
          expect(syncs).toBeGreaterThan(0);
          expect(count).toBeGreaterThan(10 * syncs);
          await flush(daemon);
          const copied = query(join(paths.data, 'app.db'), 'pragma integrity_check; select count(*), sum(x) from t');
          expect(copied).toBe(`ok\n${count}|${(count * (count - 1)) / 2}`);
          expect(fs.calls()).not.toContain('/files/app.db'); // a sync of RAM is no system call
          program.process.stdin?.end();
          await program.exited;
        });
      });
    });
  });
});

test('transactions with a rollback journal in RAM have the mount sync nothing on the disk', async () => {
  await withPaths(async (paths) => {
    await withRamDaemon(paths, async (daemon) => {
      const path = join(daemon.root, 'app.db');
      query(path, 'create table t (x); insert into t values (1)'); // the new database is synced, its directory too
      await traced(await pidOf(daemon, 'fs'), ['-e', 'trace=fsync,fdatasync,unlinkat'], async (fs) => {
        query(path, 'insert into t values (2); insert into t values (3)');
        expect(fs.calls().match(/"app\.db-journal"/g)?.length).toBeGreaterThan(1);
        expect(fs.calls()).not.toMatch(/sync\(/);
      });
    });
  });
});

test('a log that begins anew while all pages are being copied is part of the durable copy', async () => {
  await withPaths(async (paths) => {
    await withRamDaemon(paths, async (daemon) => {
      const path = join(daemon.root, 'app.db');
      query(
        path,
        `pragma journal_mode=wal; create table t (x, filling);
         with recursive c(n) as (select 0 union all select n + 1 from c where n < 39)
           insert into t select n, zeroblob(2000) from c`,
      );
      await flush(daemon);
      const slow = ['-e', 'trace=fsync', '-e', 'inject=fsync:delay_enter=1000000'];
      await traced(await pidOf(daemon, 'tier'), slow, async () => {
        // The change of the mode and back makes the copier compare all pages, with an empty log.
        const code = `import sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
c.execute('pragma journal_mode=delete'); c.execute('pragma journal_mode=wal'); c.execute('pragma wal_autocheckpoint=8')
print('made', flush=True); sys.stdin.readline()
for n in range(40): c.execute('update t set filling = ? where x = ?', ('y' * 2000, n))
print('written', flush=True); sys.stdin.readline()`;
        const program = start('python3', ['-c', code, path]);
        await eventually(() => expect(statSync(join(paths.data, 'app.db-wal')).size).toBeGreaterThan(0));
        await eventually(() => expect(program.stdout(), program.stderr()).toContain('made'));
        program.process.stdin?.write('\n');
        await eventually(() => expect(program.stdout(), program.stderr()).toContain('written'));
      });
      await flush(daemon);
      const copied = "pragma integrity_check; select count(*), sum(x) from t where filling like 'y%'";
      expect(query(join(paths.data, 'app.db'), copied)).toBe('ok\n40|780');
    });
  });
});

test('--ramdisk-max-bytes sends what is too much to the disk; a path on the tmpfs is a plain file there', async () => {
  await withPaths(async (paths) => {
    const flags = ['--ramdisk-max-bytes', String(2 * MiB), '--allow-any-absolute-db-path'];
    await withRamDaemon(
      paths,
      async (daemon) => {
        const plain = join(paths.folder, 'ramdisk', 'cache.db');
        const sql = { transaction: [{ statement: 'create table t (n)' }, { statement: 'insert into t values (7)' }] };
        const url = `${daemon.url}/api/v1/sqlite/db?db=${encodeURIComponent(plain)}&create_db_if_missing=true`;
        const { status, text } = await request(url, 'POST', { body: sql });
        expect(status, text).toBe(200);
        expect(query(plain, 'select n from t')).toBe('7');
        query(join(daemon.root, 'small.db'), 'create table t (x); insert into t values (1)');
        query(join(daemon.root, 'large.db'), 'create table t (x); insert into t values (zeroblob(3000000))');
        await eventually(() => expect(isInRam(paths, 'large.db')).toBe(false));
        expect(query(join(daemon.root, 'large.db'), 'select length(x) from t')).toBe('3000000');
        expect(existsSync(join(paths.data, 'cache.db'))).toBe(false);
      },
      flags,
    );
  });
});
