// Finds the files of a directory tree that somebody has open, by asking for a lease on each. After a mount has died, whoever
// had a file of it open goes on writing to the backing file without asking anybody; nobody can open another one there.
import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { errnoName } from '../errors.ts';
import type { Log } from '../log.ts';
import { close, O_CLOEXEC, O_NOFOLLOW, O_RDONLY, openat } from '../system/files.ts';
import { tryLease } from '../system/leases.ts';
import { lastErrno } from '../system/libc.ts';
import { AT_FDCWD } from '../system/stat.ts';
import type { Openers } from './registration.ts';

const { EAGAIN, ENOENT } = constants.errno;
const O_NONBLOCK = 0o4000;

/** Paths below `directory` of the regular files that another process has open. */
export function findOpenFiles(directory: string, openers: Openers, log: Log): string[] {
  const found: string[] = [];
  const unknown = new Set<string>();
  walk('');
  if (unknown.size > 0) {
    log('warn', 'lease-impossible', {
      directory,
      errors: [...unknown],
      effect: 'programs of a dead mount go unnoticed',
    });
  }
  return found;

  function walk(folder: string): void {
    for (const entry of readdirSync(join(directory, folder), { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile()) {
        const errno = leaseErrno(join(directory, path), openers);
        if (errno === EAGAIN) found.push(path);
        else if (errno !== 0 && errno !== ENOENT) unknown.add(errnoName(errno));
      }
    }
  }
}

/** True while another process has the file open. The caller's own descriptors count as another's. */
export function isOpenElsewhere(path: string, openers: Openers): boolean {
  return leaseErrno(path, openers) === EAGAIN;
}

function leaseErrno(path: string, openers: Openers): number {
  const fd = openat(AT_FDCWD, Buffer.from(`${path}\0`), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
  if (fd < 0) return lastErrno();
  const errno = tryLease(fd, openers);
  close(fd);
  return errno;
}
