// SQLite's lock bytes by SQLite's names: which byte range of which file means what. Facts from os_unix.c and wal.c
// (unchanged since 3.7.0). It knows nothing of who holds or waits.
import { END_OF_FILE, firstByteOf, lastByteOf } from '../protocol/lock-offsets.ts';

export const PENDING_BYTE = 0x40000000;
export const RESERVED_BYTE = PENDING_BYTE + 1;
export const SHARED_FIRST = PENDING_BYTE + 2;
export const SHARED_SIZE = 510;
export const SHARED_LAST = SHARED_FIRST + SHARED_SIZE - 1;

export const WAL_WRITE_LOCK = 120;
export const WAL_CKPT_LOCK = 121;
export const WAL_RECOVER_LOCK = 122;
export const WAL_READ_LOCK0 = 123;
export const WAL_READ_LOCK1 = 124;
export const WAL_READ_LOCK4 = 127;
/**
 * The dead-man switch: held shared by every connection of a `-shm` file; whoever gets it exclusive truncates the file.
 */
export const UNIX_SHM_DMS = 128;

/** `database` and `shm` carry SQLite's locks; on any other file a byte range has no meaning for SQLite. */
export type LockFileKind = 'database' | 'shm' | 'other';
export type LockType = 'read' | 'write';

/** All of SQLite's lock bytes in such a file, both ends inclusive; undefined where there are none. */
export function rangeOfLocks(kind: string): { readonly start: number; readonly end: number } | undefined {
  if (kind === 'database') return { start: PENDING_BYTE, end: SHARED_LAST };
  return kind === 'shm' ? { start: WAL_WRITE_LOCK, end: UNIX_SHM_DMS } : undefined;
}

/** What a byte range is for. `reset` is READ1-4 in one request: a writer restarts the WAL. */
export type LockRole =
  | 'pending'
  | 'reserved'
  | 'shared'
  | 'write'
  | 'checkpoint'
  | 'recover'
  | 'read-mark'
  | 'reset'
  | 'dms'
  | 'several'
  | 'foreign';

/** The role of the range `start`..`end` (both inclusive). */
export function roleOf(kind: LockFileKind, start: number, end: number): LockRole {
  if (kind === 'database') {
    if (start === PENDING_BYTE && end === PENDING_BYTE) return 'pending';
    if (start === RESERVED_BYTE && end === RESERVED_BYTE) return 'reserved';
    if (start === SHARED_FIRST && end === SHARED_LAST) return 'shared';
    return 'foreign';
  }
  if (kind === 'shm') {
    if (start === end) {
      if (start >= WAL_READ_LOCK0 && start <= WAL_READ_LOCK4) return 'read-mark';
      if (start === WAL_WRITE_LOCK) return 'write';
      if (start === WAL_CKPT_LOCK) return 'checkpoint';
      if (start === WAL_RECOVER_LOCK) return 'recover';
      if (start === UNIX_SHM_DMS) return 'dms';
      return 'foreign';
    }
    if (start === WAL_READ_LOCK1 && end === WAL_READ_LOCK4) return 'reset';
    if (start >= WAL_WRITE_LOCK && end <= UNIX_SHM_DMS) return 'several';
  }
  return 'foreign';
}

/** Bits of what one owner holds on one database, main file and `-shm` together. */
export const HOLDS_PENDING_READ = 1;
export const HOLDS_PENDING = 2;
export const HOLDS_RESERVED = 4;
export const HOLDS_SHARED = 8;
export const HOLDS_EXCLUSIVE = 16;
export const HOLDS_WRITE = 32;
export const HOLDS_CKPT = 64;
const HOLDS_RECOVER = 128;
export const HOLDS_READ = 256;
export const HOLDS_READ_EXCLUSIVE = 512;
export const HOLDS_DMS = 1024;

/** The bits that a lock of `type` over `start`..`end` stands for. */
export function heldBits(kind: LockFileKind, start: number, end: number, type: LockType): number {
  const write = type === 'write';
  const covers = (first: number, last: number) => start <= last && end >= first;
  let bits = 0;
  if (kind === 'database') {
    if (covers(PENDING_BYTE, PENDING_BYTE)) bits |= write ? HOLDS_PENDING : HOLDS_PENDING_READ;
    if (covers(RESERVED_BYTE, RESERVED_BYTE) && write) bits |= HOLDS_RESERVED;
    if (covers(SHARED_FIRST, SHARED_LAST)) bits |= write ? HOLDS_EXCLUSIVE : HOLDS_SHARED;
  } else if (kind === 'shm') {
    if (covers(WAL_WRITE_LOCK, WAL_WRITE_LOCK) && write) bits |= HOLDS_WRITE;
    if (covers(WAL_CKPT_LOCK, WAL_CKPT_LOCK)) bits |= HOLDS_CKPT;
    if (covers(WAL_RECOVER_LOCK, WAL_RECOVER_LOCK)) bits |= HOLDS_RECOVER;
    if (covers(WAL_READ_LOCK0, WAL_READ_LOCK4)) bits |= write ? HOLDS_READ_EXCLUSIVE : HOLDS_READ;
    if (covers(UNIX_SHM_DMS, UNIX_SHM_DMS)) bits |= HOLDS_DMS;
  }
  return bits;
}

/** SQLite's name for a lock, as `hoody-sqlite locks` prints it; a plain byte range where SQLite has no name. */
export function lockName(kind: LockFileKind, start: number, end: number, type: LockType): string {
  const names: string[] = [];
  const covers = (first: number, last: number) => start <= last && end >= first;
  if (kind === 'database') {
    if (covers(SHARED_FIRST, SHARED_LAST)) names.push(type === 'write' ? 'EXCLUSIVE' : 'SHARED');
    if (covers(PENDING_BYTE, PENDING_BYTE)) names.push('PENDING');
    if (covers(RESERVED_BYTE, RESERVED_BYTE)) names.push('RESERVED');
  } else if (kind === 'shm') {
    if (covers(WAL_WRITE_LOCK, WAL_WRITE_LOCK)) names.push('WRITE');
    if (covers(WAL_CKPT_LOCK, WAL_CKPT_LOCK)) names.push('CKPT');
    if (covers(WAL_RECOVER_LOCK, WAL_RECOVER_LOCK)) names.push('RECOVER');
    for (let mark = 0; mark <= 4; mark++) {
      if (covers(WAL_READ_LOCK0 + mark, WAL_READ_LOCK0 + mark)) names.push(`READ${mark}`);
    }
    if (covers(UNIX_SHM_DMS, UNIX_SHM_DMS)) names.push('DMS');
  }
  return names.length > 0
    ? names.join('+')
    : `bytes ${firstByteOf(start)}-${end === END_OF_FILE ? 'end' : lastByteOf(end)}`;
}
