// A program that goes on with a file of a mount that has died.
import { join } from 'node:path';
import { expect } from 'vitest';
import { type Daemon, type DaemonPaths, startDaemon, whenReady } from '../helpers/daemon.ts';
import { eventually } from '../helpers/eventually.ts';
import { killEach, type Started, start } from '../helpers/process.ts';
import { query } from './load.ts';

const holderScript = join(import.meta.dirname, 'holder.py');

/** In a mount and pid namespace of its own, as in a container; resolves when it has the database open. */
export async function startHolder(how: string, path: string): Promise<Started> {
  const holder = start('unshare', ['--mount', '--pid', '--fork', '--kill-child', 'python3', holderScript, how, path]);
  await eventually(() => expect(holder.stdout() + holder.stderr()).toBe('open\n'));
  return holder;
}

export async function tell(holder: Started, line: string): Promise<void> {
  const before = holder.stdout().length;
  holder.process.stdin?.write(`${line}\n`);
  await eventually(() => expect(holder.stdout().slice(before)).toMatch(/done|failed/));
}

export async function killAll(daemon: Pick<Daemon, 'status' | 'finished'>): Promise<void> {
  killEach((await daemon.status()).processes.map(({ pid }) => pid));
  await daemon.finished;
}

/**
 * A daemon with the databases held.db and free.db, killed with all its processes while `how` holds the first; then
 * `test`.
 */
export async function afterTotalDeath(
  paths: DaemonPaths,
  mode: string,
  how: string,
  test: (holder: Started) => Promise<void>,
): Promise<void> {
  const daemon = await whenReady(startDaemon(paths, []), paths);
  const path = join(paths.mount, 'held.db');
  query(path, `pragma journal_mode=${mode}; create table t (client text, n integer)`);
  query(join(paths.mount, 'free.db'), 'create table t (client text, n integer)');
  const holder = await startHolder(how, path);
  try {
    await killAll(daemon);
    await test(holder);
  } finally {
    holder.process.kill('SIGKILL');
    await holder.finished;
  }
}
