// Copies a database into another with SQLite's backup interface: the source as it is at one moment, however busy its
// writers are, and into a destination in one transaction under SQLite's own locks, however many clients have it open.
import { statSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { CommandError, exitCodes, messageOf } from '../errors.ts';

export interface CopyProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface CopyRequest {
  /** A database that clients use, or (`isSaved`) a file that only this program reads and must not change. */
  readonly from: string;
  readonly isSaved: boolean;
  /** Made when it does not exist; replaced in one transaction when it does. */
  readonly to: string;
  readonly onProgress: (progress: CopyProgress) => void;
  /** Longest wait for a lock that somebody else holds. */
  readonly patienceMs?: number;
}

const usualPatienceMs = 60_000;
const retryMs = 20;
const stepBytes = 16 * 2 ** 20;

/** @returns the size of the copy @throws CommandError when a lock cannot be had in time, or `from` is no database */
export async function copyDatabase(request: CopyRequest): Promise<number> {
  const { from, isSaved, to, onProgress, patienceMs = usualPatienceMs } = request;
  const source = openDatabase(from, isSaved, patienceMs);
  try {
    const pageBytes = source.pragma('page_size', { simple: true }) as number;
    // An open read transaction is what the whole copy sees. Without it each step would take a new look, and a write
    // between two steps would start the copy again, for ever under steady writes.
    source.exec('BEGIN');
    try {
      source.prepare('SELECT count(*) FROM sqlite_schema').get();
    } catch (cause) {
      throw isBusy(cause) ? locked(from, patienceMs, cause) : cause;
    }
    const endsAtMs = performance.now() + patienceMs;
    for (;;) {
      const { totalPages } = await source.backup(to, {
        progress: ({ totalPages: all, remainingPages }) => {
          onProgress({ doneBytes: (all - remainingPages) * pageBytes, totalBytes: all * pageBytes });
          return Math.ceil(stepBytes / pageBytes);
        },
      });
      // better-sqlite3 also calls it done when the destination was locked and nothing has been copied.
      if (totalPages > 0) return totalPages * pageBytes;
      if (performance.now() >= endsAtMs) {
        throw locked(to, patienceMs);
      }
      await delay(retryMs);
    }
  } finally {
    source.close();
  }
}

/** @throws CommandError unless every page of the file is sound */
export function checkDatabase(path: string, { isSaved }: { readonly isSaved: boolean }): void {
  const database = openDatabase(path, isSaved);
  try {
    const result = database.pragma('quick_check(1)', { simple: true });
    if (result !== 'ok') throw new CommandError(exitCodes.failed, `${path} is damaged: ${result}`);
  } finally {
    database.close();
  }
}

export function pageBytesOf(path: string, isSaved: boolean): number {
  const database = openDatabase(path, isSaved);
  try {
    return database.pragma('page_size', { simple: true }) as number;
  } finally {
    database.close();
  }
}

/** A copy of `from` at `to` with another page size: a WAL database cannot change its own. */
export function copyWithPageSize(from: string, to: string, pageBytes: number): void {
  const database = openDatabase(from, true);
  try {
    database.pragma(`page_size = ${pageBytes}`);
    database.prepare('VACUUM INTO ?').run(to);
  } finally {
    database.close();
  }
}

/** Opens a database that is in use like any client: a journal that a killed writer has left is rolled back. */
function openDatabase(path: string, isSaved: boolean, patienceMs = usualPatienceMs): Database.Database {
  if (!statSync(path, { throwIfNoEntry: false })?.size) {
    throw new CommandError(exitCodes.failed, `${path} does not exist or is empty`);
  }
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { readonly: isSaved, fileMustExist: true, timeout: patienceMs });
    database.pragma('schema_version'); // reads the header
    return database;
  } catch (cause) {
    database?.close();
    if (isBusy(cause)) throw locked(path, patienceMs, cause);
    throw new CommandError(exitCodes.failed, `${path} cannot be read as an SQLite database: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
}

function locked(path: string, patienceMs: number, cause?: unknown): CommandError {
  const text = `${path} was locked by another program for ${patienceMs / 1000} s`;
  return new CommandError(exitCodes.failed, text, {
    hint: 'hoody-sqlite locks names it',
    cause,
  });
}
