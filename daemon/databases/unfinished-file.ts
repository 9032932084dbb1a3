// A database file while it is being made: private to its maker, with a name of its own beside the final one. It gets
// owner and mode, and then the final name in one step, once it is complete and on the disk.
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { CommandError, exitCodes } from '../errors.ts';
import { filesOf } from './name.ts';

/** True for a name that `createUnfinishedFile` gives. */
export function isUnfinishedName(name: string): boolean {
  return /^\..+\.unfinished-\d+$/.test(name);
}

/** Two processes never share one. What killed processes have left beside the final name is removed. */
export function createUnfinishedFile(target: string): string {
  const folder = dirname(target);
  const prefix = `.${basename(target)}.unfinished-`;
  for (const name of readdirSync(folder)) {
    const pid = /^\d+/.exec(name.startsWith(prefix) ? name.slice(prefix.length) : '')?.[0];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(folder, name), { force: true });
  }
  const path = join(folder, `${prefix}${process.pid}`);
  closeSync(openSync(path, 'wx', 0o600));
  return path;
}

export function removeUnfinishedFile(path: string): void {
  for (const file of filesOf(path)) rmSync(file, { force: true });
}

/** Who may read a copy is who may read the original: only root can give a file away, anybody else keeps it. */
export function takeAccessOf(path: string, original: Pick<Stats, 'uid' | 'gid' | 'mode'>): void {
  if (process.getuid?.() === 0) chownSync(path, original.uid, original.gid);
  chmodSync(path, original.mode & 0o777);
}

/** @throws CommandError when `target` exists, unless it is to be replaced */
export function finishFile(path: string, target: string, mayReplace: boolean): void {
  sync(path);
  if (mayReplace) renameSync(path, target);
  else linkUnlessExists(path, target);
  sync(dirname(target));
}

function linkUnlessExists(path: string, target: string): void {
  try {
    linkSync(path, target);
  } catch (cause) {
    if (!existsSync(target)) throw cause;
    throw new CommandError(exitCodes.failed, `${target} has appeared meanwhile`, { hint: 'try again', cause });
  }
}

function sync(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
