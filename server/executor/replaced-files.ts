// What is to be done when another file has taken the name of a database that was open here (mv saved.db app.db): the
// WAL and the wal-index of the replaced file still lie beside the new one, and SQLite would take them for its own.
// SQLite itself leaves them when its file was moved (SQLITE_FCNTL_HAS_MOVED).
import { closeSync, fstatSync, openSync, rmSync } from 'node:fs';
import { identityOf, identityOfOpenFile } from './files.ts';
import { isInUse } from './wal-index.ts';

/**
 * The WAL and the wal-index that this process has open beside a database, by name: a descriptor that keeps their inode
 * numbers in use.
 */
export type OpenSidecars = ReadonlyMap<string, number>;

/** Call it before the connection is closed. */
export function openSidecarsOf(path: string): OpenSidecars {
  const names = [`${path}-wal`, `${path}-shm`];
  return new Map(
    names.flatMap((name): [string, number][] => {
      const open = identityOfOpenFile(name);
      if (open === null || !identityOf(name)?.startsWith(`${open}:`)) return [];
      return [[name, openSync(name, 'r+')]];
    }),
  );
}

/**
 * Removes those that still have their names and that no process uses. Call it once the connection is closed: to close
 * the descriptors drops this process's locks.
 */
export function removeReplaced(sidecars: OpenSidecars): void {
  const left = [...sidecars].filter(([name, fd]) => {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return identityOf(name)?.startsWith(`${dev}:${ino}:`);
  });
  const isUsed = left.some(([name, fd]) => name.endsWith('-shm') && isInUse(fd));
  if (!isUsed) for (const [name] of left) rmSync(name, { force: true });
  for (const fd of sidecars.values()) closeSync(fd);
}
