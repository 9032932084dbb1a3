// Kills everything in the middle of a move between RAM and disk, and looks at what is there afterwards.
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Daemon, type DaemonPaths, pidOf, withPaths } from '../helpers/daemon.ts';
import { query } from '../survival/load.ts';
import { stoppedAt } from './crash-steps.ts';
import { forgetMemory, killAll, withRamDaemon } from './rounds.ts';

const name = 'app.db';
/** Where the processes of a move change something. libc's renameat2 without flags is the call renameat. */
const calls = {
  fs: 'renameat,renameat2,unlinkat,mkdirat',
  tier: 'rename,unlink,ftruncate,copy_file_range,sendfile,fsync,fchown,pwrite64',
} as const;

function countOf(daemon: Daemon): number {
  const path = join(daemon.root, name);
  expect(query(path, 'pragma integrity_check')).toBe('ok');
  return Number(query(path, 'select count(*) from t'));
}

/** Kills everything behind one step of a move; false: the move was over before. `to` is the other tier afterwards. */
async function killedAtStep(
  paths: DaemonPaths,
  role: 'fs' | 'tier',
  to: 'ram' | 'disk',
  step: number,
  rows: number,
): Promise<boolean> {
  let wasStopped = false;
  await withRamDaemon(paths, async (daemon) => {
    const path = join(daemon.root, name);
    const from = to === 'ram' ? 'disk' : 'ram';
    if (rows === 0) query(path, 'pragma journal_mode=wal; create table t (n, filling)');
    else expect(countOf(daemon), `${role} step ${step - 1}`).toBe(rows);
    expect((await daemon.command('tier', 'set', name, from)).stderr).toBe('');
    query(path, `insert into t values (${step}, hex(zeroblob(20000)))`);
    expect((await daemon.command('tier', 'flush')).stderr).toBe('');
    const move = () => daemon.command('tier', 'set', name, to);
    wasStopped = await stoppedAt(await pidOf(daemon, role), calls[role], step, move, () => killAll(paths));
    if (!wasStopped) await killAll(paths);
  });
  return wasStopped;
}

/** Behind the first so many steps of a process, one after the other, with a reboot or without. Nothing is lost. */
export async function killBehindSteps(
  role: 'fs' | 'tier',
  to: 'ram' | 'disk',
  isReboot: boolean,
  mostSteps: number,
): Promise<void> {
  await withPaths(async (paths) => {
    let steps = 0;
    for (let step = 1; step <= mostSteps; step++) {
      const wasStopped = await killedAtStep(paths, role, to, step, step - 1);
      if (isReboot) forgetMemory(paths);
      steps = step;
      if (!wasStopped) break;
    }
    // On the way to the disk the copier has nothing to do if its durable copy is up to date already.
    if (role === 'fs' || to === 'ram') expect(steps).toBeGreaterThan(1);
    await withRamDaemon(paths, async (daemon) => expect(countOf(daemon)).toBe(steps));
  });
}
