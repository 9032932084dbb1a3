// What must not be forgotten: the programs of a mount that has died, until a survey of the data directory has said that
// nothing is open, whatever becomes of the daemons in between.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { inspectMount } from '../../fs/index.ts';
import { type Daemon, type DaemonPaths, startDaemon, whenReady, withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { run, type Started } from '../helpers/process.ts';
import { afterTotalDeath, startHolder, tell } from './held.ts';
import { query } from './load.ts';

const sql = "insert into t values ('newcomer', 1)";

async function withPortInUse<T>(test: (address: string) => Promise<T>): Promise<T> {
  const busy = createServer();
  try {
    await new Promise<void>((listening) => busy.listen(0, '127.0.0.1', listening));
    return await test(`127.0.0.1:${(busy.address() as { port: number }).port}`);
  } finally {
    busy.close();
  }
}

/** Nothing can be mounted over the mount point while a file system lies below it. */
async function withMountBelow<T>(mountPoint: string, test: () => Promise<T>): Promise<T> {
  const below = join(mountPoint, 'below');
  spawnSync('chattr', ['-i', mountPoint]);
  mkdirSync(below);
  spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', below]);
  try {
    return await test();
  } finally {
    spawnSync('umount', [below]);
  }
}

async function failingStart(paths: DaemonPaths, flags: readonly string[], reason: string): Promise<void> {
  const failed = await startDaemon(paths, flags).finished;
  expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining(reason) });
}

/** The next daemon keeps everybody from the database, until the program of the dead mount closes it. */
async function expectFence(paths: DaemonPaths, holder: Started): Promise<void> {
  await withDaemon(
    ['--lock-limit', 'fenceMs=0'],
    async ({ status }) => {
      expect((await status()).fenced.map(({ database }) => database)).toEqual(['held.db']);
      const held = join(paths.mount, 'held.db');
      expect((await run('sqlite3', [held, sql])).stderr).toContain('locked');
      await tell(holder, 'close');
      await eventually(async () => expect((await status()).fenced).toEqual([]));
      expect(query(held, `${sql}; select count(*) from t`)).toBe('1');
    },
    { paths },
  );
}

// Both wait for most of their time: a start tries for its port for some seconds.
test.concurrent('a start that fails since its port is in use does not forget whom the next one has to fence', async () => {
  await withPaths((paths) =>
    afterTotalDeath(paths, 'delete', 'connection', async (holder) => {
      await withPortInUse((address) => failingStart(paths, ['--listen', address], 'cannot listen'));
      await expectFence(paths, holder);
    }),
  );
});

test.concurrent('a start that fails leaves a mount alone that its fs process still serves, and the next one adopts it', async () => {
  await withPaths(async (paths) => {
    const started = startDaemon(paths, []);
    const first = await whenReady(started, paths);
    const path = join(paths.mount, 'a.db');
    query(path, 'create table t (n integer)');
    const { connection } = inspectMount(paths.mount) ?? {};
    process.kill(first.pid, 'SIGKILL');
    await started.exited;
    await withPortInUse((address) => failingStart(paths, ['--listen', address], 'cannot listen'));
    query(path, 'insert into t values (1)');
    await withDaemon(
      [],
      async () => {
        expect(inspectMount(paths.mount)?.connection).toBe(connection);
        expect(query(path, 'select count(*) from t')).toBe('1');
      },
      { paths },
    );
  });
});

test('a start that has cleared the dead mount and cannot mount, twice in a row, does not forget it either', async () => {
  await withPaths((paths) =>
    afterTotalDeath(paths, 'wal', 'connection', async (holder) => {
      spawnSync('umount', ['-l', paths.mount]);
      await withMountBelow(paths.mount, async () => {
        for (const _ of [1, 2]) await failingStart(paths, ['--require-mount'], 'file systems are mounted below');
      });
      await expectFence(paths, holder);
    }),
  );
});

test('a daemon that has given its mount up and cannot make it anew does not forget it at its stop', async () => {
  await withPaths(async (paths) => {
    const holders: Started[] = [];
    try {
      const started = startDaemon(paths, ['--drain', '0']);
      const daemon = await whenReady(started, paths);
      const path = join(paths.mount, 'held.db');
      query(path, 'pragma journal_mode=wal; create table t (client text, n integer)');
      const holder = await startHolder('connection', path);
      holders.push(holder);
      process.kill(daemon.pid, 'SIGSTOP'); // it looks at its mount every second
      spawnSync('umount', ['-l', paths.mount]);
      await withMountBelow(paths.mount, async () => {
        process.kill(daemon.pid, 'SIGCONT');
        await eventually(() => expect(started.stderr()).toContain('file systems are mounted below'));
        await daemon.stop();
      });
      await expectFence(paths, holder);
    } finally {
      for (const holder of holders) {
        holder.process.kill('SIGKILL');
        await holder.finished;
      }
    }
  });
});

test('a fence outlives the supervisor and a stop of what is left', async () => {
  await withPaths((paths) =>
    afterTotalDeath(paths, 'wal', 'connection', async (holder) => {
      const started = startDaemon(paths, []);
      const second = await whenReady(started, paths);
      expect((await second.status()).fenced).toHaveLength(1);
      process.kill(second.pid, 'SIGKILL');
      await started.exited;
      expect(await second.command('stop')).toMatchObject({ code: 0 });
      expect(inspectMount(paths.mount)).toBeUndefined();
      await expectFence(paths, holder);
    }),
  );
});

test('without a mount a lifted fence stays lifted when the server dies or is replaced', async () => {
  const insert = async ({ url }: Daemon) => {
    const body = JSON.stringify({ transaction: [{ statement: sql }] });
    return (await fetch(`${url}/api/v1/sqlite/db?db=held.db&timeout=1`, { method: 'POST', body })).status;
  };
  await withPaths((paths) =>
    afterTotalDeath(paths, 'wal', 'connection', (holder) =>
      withDaemon(
        ['--no-mount'],
        async (daemon) => {
          expect(await insert(daemon)).toBe(503);
          await tell(holder, 'close');
          await eventually(async () => expect((await daemon.status()).fenced).toEqual([]));
          expect(await insert(daemon)).toBe(200);
          expect(await daemon.command('reload')).toMatchObject({ code: 0 });
          expect(await insert(daemon)).toBe(200);
          const server = (await daemon.status()).processes.find(({ role }) => role === 'server');
          process.kill(Number(server?.pid), 'SIGKILL');
          await eventually(async () => expect(await insert(daemon)).toBe(200)); // once the connection is made anew
        },
        { paths },
      ),
    ),
  );
});
