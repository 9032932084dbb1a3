// One process of the daemon dies while clients of every kind write.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { killProcess, pidOf, processesOf, startDaemon, whenReady, withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { start } from '../helpers/process.ts';
import { checkLoad, clientScript, moreFrom, query, startProgram } from './load.ts';
import { underLoad } from './rounds.ts';

/** Reads a part of a directory, and the rest when its input ends. */
const slowReader = `
import os, sys
os.chdir(sys.argv[1]); names = ['f%d' % i for i in range(500)]
for name in names: os.close(os.open(name, os.O_CREAT))
stream = os.scandir('.'); seen = [next(stream).name]; print('first', flush=True)
sys.stdin.read(); seen.extend(entry.name for entry in stream)
print('all, once' if sorted(seen) == sorted(names) else seen)
`;
const holderScript = join(import.meta.dirname, 'holder.py');
const leftoverScript = join(import.meta.dirname, 'leftover.py');

test('kill -9 of the fs process: no client sees an error, and every acknowledged commit is there once', async () => {
  await withDaemon([], async (daemon) => {
    const result = await underLoad(daemon, 5, () => killProcess(daemon, 'fs'));
    expect(result.errors).toEqual([]);
  });
});

test('the same without passthrough', async () => {
  await withDaemon(['--passthrough', 'off'], async (daemon) => {
    const result = await underLoad(daemon, 3, () => killProcess(daemon, 'fs'));
    expect(result.errors).toEqual([]);
  });
});

test('an fs process that dies between its table and its mirror leaves no lock that shuts out programs on the data directory', async () => {
  await withDaemon([], async (daemon) => {
    const path = join(daemon.mount, 'idle.db');
    query(path, 'pragma journal_mode=wal; create table t (n)');
    const idle = start('python3', [holderScript, 'connection', path]);
    await eventually(() => expect(idle.stdout(), idle.stderr()).toContain('open'));
    const writeByte = '120';
    const leftover = start('python3', [
      leftoverScript,
      `${await pidOf(daemon, 'fs')}`,
      join(daemon.data, 'idle.db-shm'),
      writeByte,
    ]);
    const lines = () => leftover.stdout().trim().split('\n');
    const state = async () => {
      const before = lines().length;
      leftover.process.stdin?.write('\n');
      await eventually(() => expect(lines().length, leftover.stderr()).toBeGreaterThan(before));
      return lines().at(-1);
    };
    try {
      await eventually(() => expect(leftover.stdout(), leftover.stderr()).toBe('left\n'));
      expect(await state()).toBe('taken');
      await killProcess(daemon, 'fs');
      await eventually(async () => expect(await state()).toBe('free'));
    } finally {
      leftover.process.kill('SIGKILL');
      idle.process.kill('SIGKILL');
    }
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
      await moreFrom(client).catch((error) => {
        throw new Error(`the fs process without a supervisor said: ${first.stderr()}`, { cause: error });
      });
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

test('a directory that is being read while the fs process dies shows every name once', async () => {
  await withDaemon([], async (daemon) => {
    const reader = start('python3', ['-c', slowReader, daemon.mount]);
    try {
      await eventually(() => expect(reader.stdout() + reader.stderr()).toBe('first\n'));
      await killProcess(daemon, 'fs');
      reader.process.stdin?.end();
      expect(await reader.finished).toMatchObject({ stderr: '', stdout: 'first\nall, once\n' });
    } finally {
      reader.process.kill('SIGKILL');
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

test('an fs process that crashes five times in a row gives the connection up; what is open is fenced, the rest is served', async () => {
  await withDaemon([], async (daemon) => {
    const held = join(daemon.mount, 'held.db');
    query(held, 'pragma journal_mode=wal; create table t (client text, n integer)');
    const holder = start('python3', [holderScript, 'connection', held]);
    try {
      await eventually(() => expect(holder.stdout() + holder.stderr()).toBe('open\n'));
      for (let crash = 0; crash < 5; crash++) {
        const pid = await pidOf(daemon, 'fs');
        process.kill(pid, 'SIGSEGV');
        await eventually(async () => expect(await pidOf(daemon, 'fs')).not.toBe(pid));
      }
      await eventually(() => expect(daemon.stderr()).toContain('mount-given-up'));
      query(join(daemon.mount, 'other.db'), 'create table t (client text, n integer)');
      expect((await daemon.status()).fenced.map(({ database }) => database)).toEqual(['held.db']);
      holder.process.kill('SIGKILL');
      await eventually(async () => expect((await daemon.status()).fenced).toEqual([]));
      query(held, "insert into t values ('a', 1)");
    } finally {
      holder.process.kill('SIGKILL');
      await holder.finished;
    }
  });
});
