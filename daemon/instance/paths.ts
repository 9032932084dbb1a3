// Paths as the kernel sees them, so that two spellings of one directory are one directory.
import { mkdirSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { usageError } from '../errors.ts';

/** Symbolic links resolved as far as the path exists. */
export function canonicalPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(canonicalPath(parent), basename(path));
  }
}

/**
 * Asks the directory itself for nothing that a mount on it would have to answer: one whose daemon is stuck would hang.
 */
export function canonicalMountPoint(path: string): string {
  const here = join(canonicalPath(dirname(path)), basename(path));
  try {
    return canonicalMountPoint(resolve(dirname(here), readlinkSync(here)));
  } catch {
    return here; // no symbolic link, the usual case
  }
}

/** With its parents. `mode` is for those that are made. @returns its canonical path @throws the error of mkdir(2) */
export function createDirectory(path: string, mode?: number): string {
  makeDirectory(path, mode);
  return realpathSync(path);
}

/** Not mkdirSync's own recursion, which never ends where a parent exists and answers ENOENT, as in /proc. */
function makeDirectory(path: string, mode: number | undefined): void {
  try {
    makeOneDirectory(path, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error;
    makeDirectory(dirname(path), mode);
    makeOneDirectory(path, mode);
  }
}

/** One that is there, or that somebody else makes at this moment, is as good as a new one. */
function makeOneDirectory(path: string, mode: number | undefined): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

/** True for the directory itself too. Both are canonical. */
export function isInside(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way === '' || (way !== '..' && !way.startsWith('../'));
}

/** Both are canonical. @throws CommandError when the daemon would serve itself */
export function refuseNesting(data: string, mountPoint: string): void {
  if (!isInside(data, mountPoint) && !isInside(mountPoint, data)) return;
  throw usageError(`--mount ${mountPoint} and --data ${data}: neither may lie in the other`);
}
