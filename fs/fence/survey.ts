// Finds the files of a directory tree that somebody has open, by asking for a lease on each. After a mount has died,
// whoever had a file of it open goes on writing to the backing file without asking anybody; nobody can open another one
// there. Names are latin1 strings, which keep every byte. What the file system answers is data: it ends nothing.
import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { errnoName } from '../errors.ts';
import type { Log } from '../log.ts';
import { close, O_DIRECTORY, O_RDONLY } from '../system/files.ts';
import { tryLease } from '../system/leases.ts';
import { openBelow } from '../system/paths-below.ts';
import type { Openers } from './registration.ts';

const { EAGAIN, EIO, EMFILE, ENFILE, ENOENT, ENOMEM } = constants.errno;
/** Says nothing about the file. */
const cannotTell: readonly number[] = [EIO, EMFILE, ENFILE, ENOMEM];
/** Each folder on the way down costs a descriptor. SQLite takes no path of more than 512 bytes. */
const deepest = 500;

/** Paths below the directory `root` of the regular files that another process has open. */
export function findOpenFiles(root: number, openers: Openers, log: Log): string[] {
  const found: string[] = [];
  const unknown = new Set<string>();
  walk(root, '', 0);
  if (unknown.size > 0) {
    log('warn', 'lease-impossible', { errors: [...unknown], effect: 'programs of a dead mount go unnoticed' });
  }
  return found;

  function walk(directory: number, prefix: string, depth: number): void {
    for (const entry of entriesOf(directory)) {
      const name = entry.name.toString('latin1');
      if (entry.isDirectory()) enter(directory, name, prefix, depth);
      else if (entry.isFile()) {
        const errno = leaseErrno(openBelow(directory, name, O_RDONLY), openers);
        if (errno === EAGAIN) found.push(`${prefix}${name}`);
        else if (errno !== 0 && errno !== ENOENT) unknown.add(errnoName(errno));
      }
    }
  }

  function enter(directory: number, name: string, prefix: string, depth: number): void {
    const fd = depth === deepest ? -EMFILE : openBelow(directory, name, O_RDONLY | O_DIRECTORY);
    if (fd < 0) {
      if (fd !== -ENOENT) unknown.add(errnoName(-fd));
      return;
    }
    walk(fd, `${prefix}${name}/`, depth + 1);
    close(fd);
  }

  function entriesOf(directory: number) {
    try {
      return readdirSync(`/proc/self/fd/${directory}`, { withFileTypes: true, encoding: 'buffer' });
    } catch (error) {
      unknown.add((error as NodeJS.ErrnoException).code ?? 'EIO');
      return [];
    }
  }
}

/**
 * True while another process has the file open, or nobody can tell. The caller's own descriptors count as another's.
 */
export function isOpenElsewhere(root: number, path: string, openers: Openers): boolean {
  const errno = leaseErrno(openBelow(root, path, O_RDONLY), openers);
  return errno === EAGAIN || cannotTell.includes(errno);
}

/** Takes a descriptor or a negative errno, and closes it. */
function leaseErrno(fd: number, openers: Openers): number {
  if (fd < 0) return -fd;
  const errno = tryLease(fd, openers);
  close(fd);
  return errno;
}
