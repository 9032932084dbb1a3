// What older kernels cannot do, on a real mount of this one: a preloaded library gives their answers (older-kernel.c).
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  type Daemon,
  type DaemonPaths,
  killProcess,
  startDaemon,
  whenReady,
  withDaemon,
  withPaths,
} from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { killEach, type Started, start } from '../helpers/process.ts';
import { query } from './load.ts';
import { underLoad } from './rounds.ts';

const holderScript = join(import.meta.dirname, 'holder.py');
const insert = "insert into t values ('a', 1); select count(*) from t";

function olderKernel(paths: DaemonPaths, lacks: 'no-resend' | 'no-path-registration'): Record<string, string> {
  const library = join(paths.folder, 'older-kernel.so');
  const source = join(import.meta.dirname, 'older-kernel.c');
  const { status, stderr } = spawnSync('cc', ['-shared', '-fPIC', '-o', library, source], { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return { LD_PRELOAD: library, OLDER_KERNEL: lacks };
}

async function withHolders(
  { mount }: DaemonPaths,
  names: readonly string[],
  test: (...holders: Started[]) => Promise<void>,
): Promise<void> {
  const holders: Started[] = [];
  try {
    for (const name of names) {
      const path = join(mount, name);
      query(path, 'pragma journal_mode=wal; create table t (client text, n integer)');
      const holder = start('python3', [holderScript, 'connection', path]);
      holders.push(holder);
      await eventually(() => expect(holder.stdout() + holder.stderr()).toBe('open\n'));
    }
    await test(...holders);
  } finally {
    for (const holder of holders) {
      holder.process.kill('SIGKILL');
      await holder.finished;
    }
  }
}

const fencedBy = async (daemon: Daemon) => (await daemon.status()).fenced.map(({ database }) => database).sort();

test('without RESEND a dead fs process costs the mount: what was open is fenced, the rest is served anew', async () => {
  await withPaths(async (paths) => {
    await withDaemon(
      [],
      async (daemon) => {
        await withHolders(paths, ['held.db'], async (holder) => {
          await killProcess(daemon, 'fs');
          await eventually(() => expect(daemon.stderr()).toContain('mount-given-up'));
          await eventually(async () => expect(await fencedBy(daemon)).toEqual(['held.db']));
          query(join(paths.mount, 'free.db'), 'create table t (client text, n integer)');
          holder.process.kill('SIGKILL');
          await eventually(async () => expect(await fencedBy(daemon)).toEqual([]));
          expect(query(join(paths.mount, 'held.db'), insert)).toBe('1');
        });
      },
      { paths, env: olderKernel(paths, 'no-resend') },
    );
  });
});

test('where files are registered by an open descriptor: take-over is the same, a fence ends with the writers', async () => {
  await withPaths(async (paths) => {
    const env = olderKernel(paths, 'no-path-registration');
    const started = startDaemon(paths, [], { env });
    const daemon = await whenReady(started, paths);
    expect((await daemon.status()).passthrough).toBe(true);
    expect((await underLoad(daemon, 1, () => killProcess(daemon, 'fs'))).errors).toEqual([]);
    await withHolders(paths, ['one.db', 'two.db'], async (one, two) => {
      killEach((await daemon.status()).processes.map(({ pid }) => pid));
      await started.exited;
      await withDaemon(
        [],
        async (next) => {
          expect(await fencedBy(next)).toEqual(['one.db', 'two.db']);
          // The dead mount lives on with the second program, and keeps the first one's files open for reading.
          one.process.kill('SIGKILL');
          await eventually(async () => expect(await fencedBy(next)).toEqual(['two.db']));
          expect(query(join(paths.mount, 'one.db'), insert)).toBe('1');
          two.process.kill('SIGKILL');
          await eventually(async () => expect(await fencedBy(next)).toEqual([]));
          expect(query(join(paths.mount, 'two.db'), insert)).toBe('1');
        },
        { paths, env },
      );
    });
  });
});
