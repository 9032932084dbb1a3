// The databases that one executor has open: at most one connection per file (a process with two is not queued by the
// lock manager), checked against the path before every use, closed when idle so that others can move or delete the
// file.
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import { ApiError } from '../messages/errors.ts';
import { limits } from '../messages/limits.ts';
import type { OpenMode } from '../messages/operation.ts';
import type { PathRules } from '../messages/paths.ts';
import { Connection } from './connection.ts';
import { checkHeader, type FoundFile, findFile, identityOfOpenFile } from './files.ts';
import { findGuard, Guard } from './guard/guard.ts';
import { removeUnusedWal } from './left-wal.ts';
import { createDatabaseFile } from './new-database.ts';
import { openSidecarsOf, removeReplaced } from './replaced-files.ts';

interface Open {
  readonly connection: Connection;
  usedAtMs: number;
}

export class Connections {
  readonly #open = new Map<string, Open>();
  readonly #rules: PathRules;

  constructor(rules: PathRules) {
    this.#rules = rules;
  }

  /**
   * A connection in the other mode is closed first. @throws ApiError for every reason why the path cannot be opened as
   * a database
   */
  get(path: string, { mode, create }: { mode: OpenMode; create: boolean }, nowMs: number): Connection {
    const known = this.#open.get(path);
    if (known !== undefined) {
      const isThere = isStillThere(known.connection);
      if (isThere && known.connection.mode === mode) {
        known.usedAtMs = nowMs;
        return known.connection;
      }
      const replaced = isThere ? null : openSidecarsOf(known.connection.path);
      this.#open.delete(path);
      known.connection.close();
      if (replaced !== null) removeReplaced(replaced);
    }
    const connection = this.#openFile(path, mode, create);
    this.#open.set(path, { connection, usedAtMs: nowMs });
    if (this.#open.size > limits.connectionsPerExecutor) this.#closeOldest();
    return connection;
  }

  close(path: string): void {
    const known = this.#open.get(path);
    if (known === undefined) return;
    this.#open.delete(path);
    const { connection } = known;
    connection.close();
    if (connection.mode === 'read') removeUnusedWal(connection.path, () => isStillThere(connection));
  }

  /** Closes what was not used for a while; the names of what was closed. */
  closeIdle(nowMs: number): string[] {
    const idle = [...this.#open].filter(
      ([, { connection, usedAtMs }]) => !connection.isKept && nowMs - usedAtMs >= limits.connectionIdleMs,
    );
    for (const [path] of idle) this.close(path);
    return idle.map(([path]) => path);
  }

  closeAll(): void {
    for (const path of [...this.#open.keys()]) this.close(path);
  }

  #openFile(path: string, mode: OpenMode, create: boolean): Connection {
    let file = findFile(path, this.#rules);
    if (file.identity === null) {
      if (!create || mode === 'read') throw new ApiError('DATABASE_NOT_FOUND', 'database not found');
      createDatabaseFile(file.path, () => {});
      file = findFile(path, this.#rules);
    }
    this.#closeAliases(file);
    checkHeader(file);
    return openConnection(file, dirname(file.path) === this.#rules.pastDir ? 'read' : mode);
  }

  /** Another name of the same file would be a second connection to it. */
  #closeAliases(file: FoundFile): void {
    for (const [path, { connection }] of this.#open) if (connection.identity === file.identity) this.close(path);
  }

  #closeOldest(): void {
    const oldest = [...this.#open].reduce((one, other) => (other[1].usedAtMs < one[1].usedAtMs ? other : one));
    this.close(oldest[0]);
  }
}

function isStillThere(connection: Connection): boolean {
  const stat = statSync(connection.path, { bigint: true, throwIfNoEntry: false });
  return stat !== undefined && `${stat.dev}:${stat.ino}` === connection.identity;
}

function openConnection(file: FoundFile, mode: OpenMode): Connection {
  const database = new Database(file.path, { fileMustExist: true, readonly: mode === 'read' });
  try {
    const identity = identityOfOpenFile(file.path);
    if (identity === null || identity !== file.identity) {
      throw new ApiError('INVALID_DB_PATH', 'the database path changed while it was opened');
    }
    const guard = findGuard();
    if (guard instanceof Guard) guard.attach(database);
    // better-sqlite3 is compiled with foreign keys on and NORMAL in WAL; stock SQLite has them off and FULL.
    database.exec('PRAGMA foreign_keys=OFF; PRAGMA synchronous=FULL; PRAGMA cache_size=-8000');
    return new Connection(database, file.path, identity, mode);
  } catch (error) {
    database.close();
    throw error;
  }
}
