import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { processesOf, startDaemon, whenReady, withDaemon, withPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { killEach, run, start } from '../helpers/process.ts';

function killAll(pids: readonly number[]): void {
  killEach(pids);
}

test('after kill -9 of all its processes the next start is served at once', async () => {
  await withPaths(async (paths) => {
    const started = startDaemon(paths, []);
    const daemon = await whenReady(started, paths);
    killAll((await daemon.status()).processes.map(({ pid }) => pid));
    await started.finished;
    await withDaemon(
      [],
      async (next) => {
        expect(next.mounted).toBe(true);
        expect(await run('touch', [join(next.mount, 'works')])).toMatchObject({ code: 0 });
      },
      { paths },
    );
  });
});

test('after kill -9 of the supervisor alone no process is left and the next start works', async () => {
  await withPaths(async (paths) => {
    const started = startDaemon(paths, []);
    const daemon = await whenReady(started, paths);
    killAll([daemon.pid]);
    await started.exited;
    await withDaemon([], async (next) => expect(next.mounted).toBe(true), { paths });
    await eventually(async () => expect(await processesOf(paths)).toEqual([]));
  });
});

test('the command unmount clears a dead mount, and leaves a served one alone', async () => {
  await withPaths(async (paths) => {
    const started = startDaemon(paths, []);
    const daemon = await whenReady(started, paths);
    const unmount = () => daemon.command('unmount', '--mount', paths.mount);
    expect(await unmount()).toMatchObject({ code: 1, stderr: expect.stringContaining('served') });
    killAll((await daemon.status()).processes.map(({ pid }) => pid));
    await started.finished;
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).toContain(paths.mount);
    expect(await unmount()).toMatchObject({ code: 0 });
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(paths.mount);
    expect(await unmount()).toMatchObject({ code: 0, stdout: expect.stringContaining('nothing') });
  });
});

test('a server process that is killed is replaced, and requests wait for the next one', async () => {
  await withDaemon(['--no-mount'], async (daemon) => {
    const server = async () => (await daemon.status()).processes.find(({ role }) => role === 'server')?.pid;
    const first = (await server()) ?? 0;
    killAll([first]);
    expect((await fetch(`${daemon.url}/api/v1/sqlite/health`)).status).toBe(200);
    expect(await server()).not.toBe(first);
    expect((await daemon.status()).children).toContainEqual(
      expect.objectContaining({ role: 'server', restarts: 1, lastExit: 'SIGKILL' }),
    );
  });
});

test('an fs process that is killed is replaced, and the mount serves again', async () => {
  await withDaemon([], async (daemon) => {
    const fs = async () => (await daemon.status()).processes.find(({ role }) => role === 'fs')?.pid;
    const first = (await fs()) ?? 0;
    killAll([first]);
    await eventually(async () => expect([undefined, first]).not.toContain(await fs()));
    await eventually(async () =>
      expect(await run('touch', [join(daemon.mount, 'works')], { timeoutMs: 5_000 })).toMatchObject({ code: 0 }),
    );
    expect((await fetch(`${daemon.url}/api/v1/sqlite/health`)).status).toBe(200);
  });
});

test.each([[[]], [['--lazy']]])('a mount that somebody unmounts %j is made again', async (flags) => {
  await withDaemon([], async (daemon) => {
    const holder = start('python3', [
      '-c',
      'import sys; f=open(sys.argv[1],"w"); sys.stdin.read()',
      join(daemon.mount, 'f'),
    ]);
    await eventually(() => expect(existsSync(join(daemon.data, 'f'))).toBe(true));
    // A plain unmount needs that nobody has a file open; after a lazy one that program first keeps the old mount.
    if (flags.length === 0) {
      holder.process.kill('SIGKILL');
      await holder.finished;
    }
    await eventually(async () => expect(await run('umount', [...flags, daemon.mount])).toMatchObject({ code: 0 }));
    if (flags.length > 0) {
      await eventually(() => expect(daemon.stderr()).toContain('somebody has unmounted it'));
      holder.process.kill('SIGKILL');
      await holder.finished;
    }
    await eventually(async () => {
      expect(await run('touch', [join(daemon.mount, 'works')], { timeoutMs: 5_000 })).toMatchObject({ code: 0 });
      expect(existsSync(join(daemon.data, 'works'))).toBe(true);
    });
    expect((await daemon.status()).mount).toBe(daemon.mount);
  });
});
