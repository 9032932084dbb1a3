// One open database inside an executor: the better-sqlite3 handle, its prepared statements, and the time that one group
// of operations shares.
import type { Database, Statement } from 'better-sqlite3';
import { limits } from '../messages/limits.ts';
import type { OpenMode } from '../messages/operation.ts';
import { CommitBookmarks } from './commit-bookmarks.ts';
import { endInterrupts } from './interrupts.ts';
import { interrupted } from './sql/sqlite-errors.ts';

const lockWaitStepMs = 500;

export class Connection {
  readonly database: Database;
  /** The path that was opened, after resolution. */
  readonly path: string;
  /** dev:ino of the open file: what shows that the path still leads here. */
  readonly identity: string;
  readonly mode: OpenMode;
  /** Set when a statement changed settings or the TEMP schema: the connection is closed after the job. */
  isTainted = false;
  /** A transaction goes on after the job: neither is it rolled back nor the connection closed. */
  isKept = false;
  /** Whether the running job announced a commit. */
  hasCommitted = false;
  readonly bookmarks: CommitBookmarks;
  readonly #statements = new Map<string, Statement>();
  #nowMs = Date.now();
  /** SQLite's busy timeout; 0 before the first group. */
  #lockWaitMs = 0;
  #onPhase: (phase: CommitPhase) => void = () => {};

  constructor(database: Database, path: string, identity: string, mode: OpenMode = 'write') {
    this.database = database;
    this.path = path;
    this.identity = identity;
    this.mode = mode;
    this.bookmarks = new CommitBookmarks(database);
  }

  /** A prepared statement, kept for the next use. Integers come back as number unless the caller sets safeIntegers. */
  readonly statement = (sql: string): Statement => {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const made = this.database.prepare(sql);
    if (this.#statements.size >= limits.statementsPerConnection) this.#statements.clear();
    this.#statements.set(sql, made);
    return made;
  };

  /** Unix time, the same throughout one operation: that of its begin. */
  readonly nowSeconds = (): number => Math.floor(this.#nowMs / 1000);

  readonly nowMs = (): number => this.#nowMs;

  /**
   * Called before each operation, when its transaction has the lock: what waited for the lock may have waited for
   * seconds.
   */
  readonly readClock = (): void => {
    this.#nowMs = Date.now();
  };

  /**
   * Tells the server, before and after COMMIT, what a kill would now mean. Only for operations that commit themselves.
   * @throws ApiError before COMMIT, where the work was interrupted
   */
  readonly announce = (phase: CommitPhase): void => {
    if (phase === 'committing' && endInterrupts()) throw interrupted();
    if (phase === 'writing') this.bookmarks.began();
    else if (phase !== 'reading') this.hasCommitted = true;
    if (phase === 'committed') this.bookmarks.committed();
    this.#onPhase(phase);
  };

  /** Ends the transaction if there is one, whatever interrupted it. */
  readonly rollBack = (): void => {
    endInterrupts();
    if (this.database.inTransaction) this.database.exec('ROLLBACK');
  };

  /** Called before each group. `isNamed`: bookmarks of what it commits are wanted. */
  prepareFor(nowMs: number, budgetMs: number, onPhase: (phase: CommitPhase) => void, isNamed = false): void {
    this.#nowMs = nowMs;
    this.#onPhase = onPhase;
    this.hasCommitted = false;
    this.bookmarks.prepare(isNamed);
    this.#waitForLocks(Math.max(1, Math.floor(budgetMs)));
  }

  /** In steps, so that most groups find it as the last one left it. */
  #waitForLocks(ms: number): void {
    const rounded = ms < 20 * lockWaitStepMs ? ms : ms - (ms % lockWaitStepMs);
    if (rounded === this.#lockWaitMs) return;
    this.database.pragma(`busy_timeout=${rounded}`);
    this.#lockWaitMs = rounded;
  }

  close(): void {
    this.#statements.clear();
    this.database.close();
  }
}

/**
 * `reading`: several requests read in one transaction. `writing`: SQL has the write lock, and is finished even if its
 * client leaves.
 */
export type CommitPhase = 'reading' | 'writing' | 'committing' | 'committed';
