// The phases of a move between RAM and disk, each known by a system call with which a process of the daemon begins or
// ends it, so that a test can have the process stand still in each of them.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { DaemonPaths } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { signalIfThere } from '../helpers/process.ts';
import { traced } from '../helpers/strace.ts';

export interface Phase {
  readonly to: 'ram' | 'disk';
  readonly name: string;
  readonly process: 'fs' | 'tier';
  readonly calls: string;
  /** What the call is about: a path, or the name that the process gives to the system. */
  readonly path: (paths: DaemonPaths) => string;
}

const database = 'app.db';
const onDisk =
  (suffix = '') =>
  ({ data }: DaemonPaths) =>
    join(data, `${database}${suffix}`);
const inRam = (name: string) => (paths: DaemonPaths) => join(ramFolderOf(paths), name);
const relative = (name: string) => () => name;

export const phases: readonly Phase[] = [
  { to: 'disk', name: 'catching up', process: 'tier', calls: 'pwrite64', path: onDisk('-wal') },
  { to: 'ram', name: 'base copy', process: 'tier', calls: 'sendfile,copy_file_range', path: inRam('loading') },
  { to: 'disk', name: 'batch noted', process: 'tier', calls: 'renameat2', path: inRam(`states/${database}`) },
  { to: 'ram', name: 'base copied', process: 'tier', calls: 'rename', path: inRam('loading') },
  { to: 'disk', name: 'batch whole', process: 'tier', calls: 'fsync', path: onDisk('-wal') },
  { to: 'ram', name: 'copy noted', process: 'tier', calls: 'renameat2', path: inRam(`states/${database}`) },
  { to: 'disk', name: 'pages written', process: 'tier', calls: 'pwrite64', path: onDisk() },
  { to: 'ram', name: 'switched', process: 'fs', calls: 'renameat', path: relative(`../moving/${database}`) },
  { to: 'disk', name: 'batch done', process: 'tier', calls: 'ftruncate', path: onDisk('-wal') },
  { to: 'ram', name: 'cleaning up', process: 'fs', calls: 'unlinkat', path: relative(`${database}-wal`) },
  { to: 'disk', name: 'position noted', process: 'tier', calls: 'renameat2', path: inRam(`positions/${database}`) },
  { to: 'ram', name: 'cleaned up', process: 'fs', calls: 'unlinkat', path: relative(`${database}-shm`) },
  { to: 'disk', name: 'switching', process: 'fs', calls: 'unlinkat', path: relative(`${database}-wal`) },
  { to: 'disk', name: 'file in RAM gone', process: 'fs', calls: 'unlinkat', path: relative(database) },
];

/**
 * `pid` is the process of the phase. Runs `begin`, after which nobody is in the way of the move, and `atStop` while the
 * process stands still in the phase. The copier stands still from before `begin` on: so the call belongs to the move.
 */
export async function standingIn(
  phase: Phase,
  paths: DaemonPaths,
  { pid, copier }: { readonly pid: number; readonly copier: number },
  begin: () => Promise<void>,
  atStop: () => Promise<void>,
): Promise<void> {
  const { calls } = phase;
  process.kill(copier, 'SIGSTOP');
  try {
    await begin();
    const args = ['-P', phase.path(paths), '-e', `trace=${calls}`, '-e', `inject=${calls}:signal=STOP:when=1`];
    await traced(pid, args, async (strace) => {
      process.kill(copier, 'SIGCONT');
      const stopped = new RegExp(`(?:${calls.replaceAll(',', '|')})\\([^]*stopped by SIGSTOP`);
      await eventually(() => expect(strace.calls(), phase.name).toMatch(stopped), { timeoutMs: 60_000 });
    });
    await atStop(); // without strace, which would have each further thread stand still in such a call
  } finally {
    for (const stopped of [copier, pid]) signalIfThere(stopped, 'SIGCONT');
  }
}

/** The folder on the tmpfs that belongs to the data directory itself. */
function ramFolderOf({ folder }: DaemonPaths): string {
  const root = join(folder, 'ramdisk', '.hoody-sqlite');
  const found = readdirSync(root, { recursive: true, encoding: 'utf8' }).find((path) => path.endsWith('/states'));
  if (found === undefined) throw new Error(`${root} has no folder`);
  return join(root, found, '..');
}
