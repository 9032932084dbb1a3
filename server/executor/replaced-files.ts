// What is to be done when another file has taken the name of a database that was open here (mv saved.db app.db): the
// WAL and the wal-index of the replaced file still lie beside the new one, and SQLite would take them for its own.
// SQLite itself leaves them when its file was moved (SQLITE_FCNTL_HAS_MOVED).
import { closeSync, fstatSync, openSync, rmSync } from 'node:fs';
import koffi from 'koffi';
import { identityOf, identityOfOpenFile } from './files.ts';

/** struct flock of 64-bit Linux: type i16 at 0, start i64 at 8, length i64 at 16, 32 bytes in all. */
const flockBytes = 32;
const F_OFD_GETLK = 36;
const F_WRLCK = 1;
const F_UNLCK = 2;
/**
 * Held shared on the wal-index by every connection for as long as it has it open (SQLite's os_unix.c: UNIX_SHM_DMS).
 */
const DMS = 128;

const fcntl = koffi.load(null).func('int fcntl(int fd, int command, _Inout_ uint8_t *flock)') as (
  fd: number,
  command: number,
  flock: Buffer,
) => number;

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
  const isUsed = left.some(([name, fd]) => name.endsWith('-shm') && isLocked(fd));
  if (!isUsed) for (const [name] of left) rmSync(name, { force: true });
  for (const fd of sidecars.values()) closeSync(fd);
}

function isLocked(shm: number): boolean {
  const flock = Buffer.alloc(flockBytes);
  flock.writeInt16LE(F_WRLCK, 0);
  flock.writeBigInt64LE(BigInt(DMS), 8);
  flock.writeBigInt64LE(1n, 16);
  return fcntl(shm, F_OFD_GETLK, flock) !== 0 || flock.readInt16LE(0) !== F_UNLCK;
}
