// A directory of the mount in which the kernel keeps the locks (`--locks-kernel`): who is refused, who is queued, and
// that both ways to its files are one.
import { existsSync, mkdirSync, readFileSync, readlinkSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Daemon, processesOf, startDaemon, whenReady, withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { isAlive, killEach, run } from '../helpers/process.ts';
import { withClients } from '../helpers/sqlite-client.ts';

const flags = ['--locks-kernel', 'analytics/**'];
const makeTable = ['pragma journal_mode=wal', 'create table if not exists t (n integer)', 'insert into t values (1)'];
const active = [{ directory: 'analytics', active: true }];

function mountFlags(path: string): string | undefined {
  const rows = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return rows.map((row) => row.split(' ')).find((row) => row[4] === path)?.[5];
}

async function over(daemon: Daemon, db: string, sql: string): Promise<string> {
  const text = encodeURIComponent(Buffer.from(sql).toString('base64'));
  return await (await fetch(`${daemon.url}/api/v1/sqlite/query?db=${encodeURIComponent(db)}&sql=${text}`)).text();
}

test('there a second writer is refused at once, elsewhere it is queued; HTTP uses the same files', () =>
  withPaths((paths) =>
    withClients(async (start) => {
      const ramdisk = join(paths.folder, 'ram'); // not made, since no database can be in RAM
      await withDaemon(
        [...flags, '--ramdisk', ramdisk],
        async (daemon) => {
          expect((await daemon.status()).kernelLocks).toEqual(active);
          expect(mountFlags(join(daemon.mount, 'analytics'))?.split(',')).toEqual(
            expect.arrayContaining(['nosuid', 'nodev']),
          );
          const [holder, other] = [start(), start()];
          for (const [folder, error] of [
            ['analytics', 'SQLITE_BUSY'],
            ['.', null],
          ] as const) {
            const path = join(daemon.mount, folder, 'app.db');
            await holder.open(path);
            await holder.run(makeTable);
            await holder.run('begin immediate');
            await other.open(path);
            const refused = other.run('begin immediate');
            if (error === null) await eventually(async () => expect((await daemon.status()).locks.waiters).toBe(1));
            else expect((await refused).error).toBe(error);
            await holder.run('commit');
            expect((await refused).error).toBe(error);
            await other.run('rollback');
            await holder.run('insert into t values (2)');
          }
          expect(
            await over(daemon, join(daemon.mount, 'analytics/app.db'), 'SELECT count(*) AS rows FROM t'),
          ).toContain('2');
          expect(statSync(join(daemon.data, 'analytics/app.db')).ino).toBe(
            statSync(join(daemon.mount, 'analytics/app.db')).ino,
          );
          expect((await daemon.command('status')).stdout).toMatch(/^kernel locks analytics$/m);
          expect(daemon.stderr()).not.toMatch(/changed-behind-the-mount.*analytics\//);
          expect((await daemon.command('tier', 'set', 'app.db', 'ram')).stderr).toContain('--locks-kernel is given');
        },
        { paths },
      );
    }),
  ));

test('who comes by way of the mount around it, and who does not, exclude each other', () =>
  withDaemon(flags, (daemon) =>
    withClients(async (start) => {
      const inside = start();
      const path = join(daemon.mount, 'analytics/app.db');
      await inside.open(path);
      await inside.run(makeTable);
      // As a container without propagation: it keeps the mount without what was mounted in it later.
      const around = start();
      const namespaceOf = (pid: number | 'self') => readlinkSync(`/proc/${pid}/ns/mnt`);
      await eventually(() => expect(namespaceOf(around.pid)).not.toBe(namespaceOf('self')));
      await run('nsenter', ['-t', String(around.pid), '-m', 'umount', join(daemon.mount, 'analytics')]);
      await around.open(path, { timeout: 0 });
      expect((await around.run('insert into t values (2)')).error).toBe(null);
      expect((await inside.run('select count(*) from t')).rows).toEqual([[2]]);
      await around.run(['begin immediate', 'insert into t values (3)']);
      expect((await inside.run('insert into t values (4)')).error).toBe('SQLITE_BUSY');
      await around.run('commit');
      // The lock on the file itself is given back a moment after the answer.
      await eventually(async () => expect((await inside.run('insert into t values (4)')).error).toBe(null));
      await inside.run('begin immediate');
      expect((await around.run('insert into t values (5)')).error).toBe('SQLITE_BUSY');
      await inside.run('commit');
      expect((await around.run('insert into t values (5)')).error).toBe(null);
      expect((await around.run('select count(*) from t')).rows).toEqual([[5]]);
    }),
  ));

test('the directory cannot be renamed away, and comes back when somebody unmounts it', () =>
  withDaemon(flags, async (daemon) => {
    const place = join(daemon.mount, 'analytics');
    expect(await run('mv', [place, `${place}2`])).toMatchObject({ code: 1, stderr: expect.stringContaining('busy') });
    await run('umount', [place]);
    await eventually(async () => expect((await daemon.status()).kernelLocks).toEqual(active));
    expect(mountFlags(place)).toBeDefined();
  }));

test('a program goes on through the death of the whole daemon, and is not fenced by the next one', () =>
  withPaths((paths) =>
    withClients(async (start) => {
      const first = await whenReady(startDaemon(paths, flags), paths);
      const path = join(first.mount, 'analytics/app.db');
      const client = start();
      await client.open(path);
      await client.run(makeTable);
      await client.run('begin immediate');
      killEach(await processesOf(paths));
      await eventually(async () => expect(await isAlive(first.pid)).toBe(false));
      expect((await client.run(['insert into t values (2)', 'commit'])).error).toBe(null);
      await withDaemon(
        flags,
        async (second) => {
          const status = await second.status();
          expect([status.kernelLocks, status.fenced]).toEqual([active, []]);
          expect((await client.run('insert into t values (3)')).error).toBe(null);
          expect((await run('sqlite3', [path, 'select count(*) from t'])).stdout).toBe('3\n');
          client.kill();
          expect(await second.stop()).toMatchObject({ code: 0 });
          expect(mountFlags(join(paths.mount, 'analytics'))).toBeUndefined();
        },
        { paths },
      );
    }),
  ));

test('a link in its place is not followed: its locks are queued, and status says why', () =>
  withPaths(async (paths) => {
    mkdirSync(join(paths.folder, 'elsewhere'));
    mkdirSync(paths.data);
    symlinkSync(join(paths.folder, 'elsewhere'), join(paths.data, 'analytics'));
    await withDaemon(
      flags,
      async (daemon) => {
        const { kernelLocks, degraded } = await daemon.status();
        expect(kernelLocks).toEqual([
          { directory: 'analytics', active: false, reason: expect.stringContaining('ENOTDIR') },
        ]);
        expect(degraded).toEqual([expect.stringContaining('analytics')]);
        expect(existsSync(join(paths.folder, 'elsewhere/app.db'))).toBe(false);
      },
      { paths },
    );
  }));
