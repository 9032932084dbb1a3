// One process of the daemon dies while clients of every kind write.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { processesOf, startDaemon, whenReady, withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { checkLoad, clientScript, moreFrom, query, startProgram } from './load.ts';
import { kill, pidOf, underLoad } from './rounds.ts';

test('kill -9 of the fs process: no client sees an error, and every acknowledged commit is there once', async () => {
  await withDaemon([], async (daemon) => {
    const result = await underLoad(daemon, 5, () => kill(daemon, 'fs'));
    expect(result.errors).toEqual([]);
  });
});

test('the same without passthrough', async () => {
  await withDaemon(['--passthrough', 'off'], async (daemon) => {
    const result = await underLoad(daemon, 3, () => kill(daemon, 'fs'));
    expect(result.errors).toEqual([]);
  });
});

test('kill -9 of the supervisor alone: the fs process serves on, and the next daemon takes the mount over from it', async () => {
  await withPaths(async (paths) => {
    const first = startDaemon(paths, []);
    const daemon = await whenReady(first, paths);
    const path = join(paths.mount, 'held.db');
    query(path, 'pragma journal_mode=wal; create table t (client text, n integer)');
    const client = startProgram('python', 'held.db', 'python3', [clientScript, path, 'python', '60']);
    try {
      await eventually(() => expect(client.acknowledged().length).toBeGreaterThan(0));
      process.kill(daemon.pid, 'SIGKILL');
      await first.exited;
      await moreFrom(client);
      await withDaemon(
        [],
        async (next) => {
          expect(next.stderr()).toContain('mount-adopted');
          await moreFrom(client);
          expect((await next.status()).fenced).toEqual([]);
          await client.stop();
        },
        { paths },
      );
      expect(client.errors()).toEqual([]);
      await checkLoad(paths.data, [client]);
    } finally {
      await client.stop();
    }
  });
});

test('an fs process that has outlived its supervisor is ended by stop, and by unmount', async () => {
  for (const command of ['stop', 'unmount']) {
    await withPaths(async (paths) => {
      const first = startDaemon(paths, []);
      const daemon = await whenReady(first, paths);
      process.kill(daemon.pid, 'SIGKILL');
      await first.exited;
      expect(await daemon.command(command)).toMatchObject({ code: 0 });
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(paths.folder);
      await eventually(async () => expect(await processesOf(paths)).toEqual([]));
    });
  }
});

test('a reload under load replaces fs process and server without an error', async () => {
  await withDaemon([], async (daemon) => {
    const pids = async () => [await pidOf(daemon, 'fs'), await pidOf(daemon, 'server')];
    const before = await pids();
    const result = await underLoad(daemon, 3, async () => {
      expect(await daemon.command('reload')).toMatchObject({ code: 0 });
    });
    expect(result.errors).toEqual([]);
    for (const pid of await pids()) expect(before).not.toContain(pid);
  });
});
