// Makes a database file: a valid WAL database under a temporary name, which gets its own name in one step, so that
// nobody ever sees a half-made file.
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  rmSync,
  unlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { ApiError } from '../messages/errors.ts';
import type { StateParts } from '../messages/operations/file.ts';
import { sidecars } from '../messages/paths.ts';
import { isFull } from '../messages/temporary-room.ts';
import { checkPathLength, identityOf } from './files.ts';
import { sqliteCode } from './sql/sqlite-errors.ts';
import { writeState } from './write-state.ts';

/**
 * `fill` adds to it, in one transaction. A file that appeared meanwhile is left alone. @returns whether the file is new
 */
export function createDatabaseFile(path: string, fill: (database: Database.Database) => void): boolean {
  const name = `.new-${process.pid}-${Date.now().toString(36)}`;
  return placeDatabase(path, name, (temporary) => fillNew(temporary, false, fill));
}

/** As createDatabaseFile, with a state of the past in it. `name`: that it has until it is whole. `fill` changes it. */
export function makeDatabaseOf(
  parts: StateParts,
  path: string,
  name: string,
  fill: (database: Database.Database) => void,
): boolean {
  try {
    return placeDatabase(path, name, (temporary) => {
      writeState(parts, temporary);
      // If somebody has removed it by now, no empty one may take its place.
      fillNew(temporary, true, fill);
    });
  } catch (cause) {
    if (!isFull(cause) && sqliteCode(cause) !== 'SQLITE_FULL') throw cause;
    throw new ApiError('NO_SPACE', 'there is no room on the disk for the new database', { cause });
  }
}

/** @param make makes the file, under the name beside the path */
function placeDatabase(path: string, name: string, make: (temporary: string) => void): boolean {
  accessSync(dirname(path), constants.W_OK | constants.X_OK); // SQLite's own error would not say that it is the rights
  const temporary = join(dirname(path), name);
  checkPathLength(temporary);
  try {
    make(temporary);
    if (!removeLeftovers(path)) return false;
    linkSync(temporary, path);
    syncDirectory(dirname(path));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    for (const suffix of ['', ...sidecars]) {
      try {
        unlinkSync(temporary + suffix);
      } catch {
        // Not there: SQLite removes the sidecars when it closes the file.
      }
    }
  }
}

/** In WAL mode. The change to that mode has already written the header of a file that was empty. */
function fillNew(path: string, fileMustExist: boolean, fill: (database: Database.Database) => void): void {
  const database = openNew(path, fileMustExist);
  try {
    database.exec('PRAGMA foreign_keys=OFF; PRAGMA synchronous=FULL; PRAGMA journal_mode=WAL; BEGIN');
    fill(database);
    database.exec('COMMIT');
  } finally {
    database.close();
  }
}

/** @throws ApiError INVALID_DB_PATH where files cannot be made at all, as in /proc */
function openNew(path: string, fileMustExist: boolean): Database.Database {
  try {
    return new Database(path, { fileMustExist });
  } catch (cause) {
    if (sqliteCode(cause) !== 'SQLITE_CANTOPEN') throw cause;
    throw new ApiError('INVALID_DB_PATH', 'no database can be created in this directory', { cause });
  }
}

/**
 * Removes what SQLite kept beside an earlier database of this name: its WAL or journal would be taken for the new
 * one's. SQLite does the same when it begins a database in an empty file. What lay there before the name was free
 * cannot belong to a database that has come since.
 * @returns false when there is a database by now
 */
function removeLeftovers(path: string): boolean {
  const found = sidecars.map((suffix) => path + suffix).map((name) => ({ name, identity: identityOf(name) }));
  if (existsSync(path)) return false;
  for (const { name, identity } of found) {
    if (identity !== null && identityOf(name) === identity) rmSync(name);
  }
  return true;
}

/** A new name survives a power loss only once its directory is synced. */
function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
