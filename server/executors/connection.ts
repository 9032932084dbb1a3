// One open database inside an executor: the better-sqlite3 handle, its prepared statements, and the time that one group of
// operations shares.
import type { Database, Statement } from 'better-sqlite3';
import { limits } from '../limits.ts';

export class Connection {
  readonly database: Database;
  /** The path that was opened, after resolution. */
  readonly path: string;
  /** dev:ino of the open file: what shows that the path still leads here. */
  readonly identity: string;
  /** Set when a statement changed settings or the TEMP schema: the connection is closed after the job. */
  isTainted = false;
  #statements = new Map<string, Statement>();
  #nowMs = Date.now();

  constructor(database: Database, path: string, identity: string) {
    this.database = database;
    this.path = path;
    this.identity = identity;
  }

  /** A prepared statement, kept for the next use. Integers come back as number unless the caller sets safeIntegers. */
  statement = (sql: string): Statement => {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const made = this.database.prepare(sql);
    if (this.#statements.size >= limits.statementsPerConnection) this.#statements.clear();
    this.#statements.set(sql, made);
    return made;
  };

  /** Unix time, the same for every operation of one group. */
  nowSeconds = (): number => Math.floor(this.#nowMs / 1000);

  nowMs = (): number => this.#nowMs;

  /** Called before each group. */
  setClock(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  close(): void {
    this.#statements.clear();
    this.database.close();
  }
}
