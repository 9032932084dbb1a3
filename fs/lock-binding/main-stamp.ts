// What tells whether a database's main file was written between two looks at it, and whether its log is gone.
import type { MainStamp } from '../state/commit-slots.ts';
import { emptyPath, pread } from '../system/files.ts';
import { AT_EMPTY_PATH, statAt, statxOffset, statxSize } from '../system/stat.ts';

/** Of the database header, https://sqlite.org/fileformat.html#the_database_header. */
const headerBytes = 28;
const changeCounterByte = 24;

const header = Buffer.alloc(headerBytes);
const stat = Buffer.alloc(statxSize);

/** @param fd a descriptor for reading, or -1 @returns undefined: it cannot be read */
export function stampOf(fd: number): MainStamp | undefined {
  if (fd < 0 || pread(fd, header, headerBytes, 0) < headerBytes) return undefined;
  if (!statAt(fd, emptyPath, AT_EMPTY_PATH, stat)) return undefined;
  return {
    seconds: Number(stat.readBigInt64LE(statxOffset.mtime)),
    nanoseconds: stat.readUInt32LE(statxOffset.mtime + 8),
    bytes: Number(stat.readBigUInt64LE(statxOffset.size)),
    change: header.readUInt32BE(changeCounterByte),
  };
}

/** Whether a log holds nothing any more: it was deleted, or cut to nothing. */
export function isGone(wal: number): boolean {
  if (wal < 0 || !statAt(wal, emptyPath, AT_EMPTY_PATH, stat)) return false;
  return stat.readUInt32LE(statxOffset.nlink) === 0 || stat.readBigUInt64LE(statxOffset.size) === 0n;
}
