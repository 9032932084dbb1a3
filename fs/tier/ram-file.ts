// What a database's main file and its rollback journal say by themselves, without a lock and without SQLite.
import { closeSync, fstatSync, readSync } from 'node:fs';
import { openToRead } from '../archive/tail/main-file.ts';

/** A file that was written a moment ago may be written again without another time to show. */
const settledMs = 20;
/** SQLite's header, at the start of page 1. */
const headerBytes = 100;

/** Whether both main files begin with the same header. False for an empty file. */
export function haveSameHeader(path: string, other: string): boolean {
  const start = readStart(path, headerBytes);
  return start.length > 0 && start.equals(readStart(other, headerBytes));
}

/** Whether a transaction in rollback mode is under way, or was left half done. */
export function isJournalHot(path: string): boolean {
  const start = readStart(path, 8);
  return start.some((byte) => byte !== 0);
}

/** Whether any later write of the file shows in its time. */
export function isSettled(path: string): boolean {
  const file = openToRead(path);
  if (file === undefined) return false;
  const { mtimeMs } = fstatSync(file);
  closeSync(file);
  return Math.abs(Date.now() - mtimeMs) > settledMs;
}

/** The first bytes of a file, as many as there are. */
function readStart(path: string, bytes: number): Buffer {
  const fd = openToRead(path);
  if (fd === undefined) return Buffer.alloc(0);
  try {
    const start = Buffer.alloc(bytes);
    return start.subarray(0, readSync(fd, start, 0, bytes, 0));
  } finally {
    closeSync(fd);
  }
}
