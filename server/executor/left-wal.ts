// A connection that only reads leaves the WAL behind when it closes a database last: it cannot copy it into the file. A
// program that then moved or copied the file alone would lose commits.
import { closeSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { isInUse } from './wal-index.ts';

/**
 * Call it when this process has closed the database: to close a descriptor drops its locks. `isStillThere`: the path
 * leads to the same file.
 */
export function removeUnusedWal(path: string, isStillThere: () => boolean): void {
  if (isWalInUse(path) !== false) return;
  try {
    if (!isStillThere()) return;
    const database = new Database(path, { fileMustExist: true });
    try {
      // Only a connection that has read looks at the WAL when it closes.
      database.pragma('schema_version');
    } finally {
      database.close();
    }
  } catch {
    // Who opens the database next finds the WAL, as after a crash.
  }
}

/** undefined where there is none, or it cannot be asked. */
function isWalInUse(path: string): boolean | undefined {
  try {
    const shm = openSync(`${path}-shm`, 'r+');
    try {
      return isInUse(shm);
    } finally {
      closeSync(shm);
    }
  } catch {
    return undefined;
  }
}
