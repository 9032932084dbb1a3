// A database file with a KV table, opened as an executor opens it, and users' SQL run on it as POST /db and GET /query
// do.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { Connection } from '../../server/executor/connection.ts';
import { findGuard, Guard } from '../../server/executor/guard/guard.ts';
import type { Who } from '../../server/executor/guard/rules.ts';
import { openTable } from '../../server/executor/kv/table/table.ts';
import { runAs } from '../../server/executor/sql/admit.ts';
import { runShareable } from '../../server/executor/sql/shareable.ts';
import { runTransaction } from '../../server/executor/sql/transaction.ts';

export interface SqlAnswer {
  /** Of the error, or 'ran'. */
  readonly code: string;
  readonly message: string;
  /** The rows of the last item, each a list. */
  readonly rows: readonly (readonly unknown[])[];
}

/** Of a user, and one of whose keys SQLite keeps the sequence; a key. */
export const someTables = `
  CREATE TABLE t (id INTEGER PRIMARY KEY, a);
  CREATE TABLE numbered (id INTEGER PRIMARY KEY AUTOINCREMENT, a);
  INSERT INTO numbered (a) VALUES (1);
  INSERT INTO kv_store (key, value) VALUES ('first', '1');
`;

export class GuardedDatabase {
  readonly folder = mkdtempSync(join(tmpdir(), 'hoody-sqlite-guard-'));
  readonly path = join(this.folder, 'guarded.db');
  connection: Connection;

  constructor(schema = '') {
    this.connection = this.#open();
    openTable(this.connection, 'kv_store');
    this.connection.database.exec(schema);
  }

  /** As an executor does when a request left something on the connection. */
  reopen(): void {
    this.connection.close();
    this.connection = this.#open();
  }

  #open(): Connection {
    const guard = findGuard();
    if (!(guard instanceof Guard)) throw guard;
    const database = new Database(this.path);
    guard.attach(database);
    database.exec('PRAGMA foreign_keys=OFF; PRAGMA synchronous=OFF; PRAGMA journal_mode=WAL');
    return new Connection(database, this.path, '');
  }

  /** POST /db with a statement in each item. */
  sql(...statements: string[]): SqlAnswer {
    const transaction = statements.map((sql) => ({ sql }));
    const body = Buffer.from(JSON.stringify({ resultFormat: 'list', transaction }));
    const { body: text, error } = runTransaction(this.connection, body, '127.0.0.1');
    if (error !== null) return { code: error.code, message: error.message, rows: [] };
    return { code: 'ran', message: '', rows: JSON.parse(text).results.at(-1).resultSetList ?? [] };
  }

  /** GET /query. */
  query(sql: string): SqlAnswer {
    try {
      const { body } = runShareable(this.connection, sql);
      return { code: 'ran', message: '', rows: (JSON.parse(body).resultSet ?? []).map(Object.values) };
    } catch (error) {
      const { code = '', message = '' } = error as { code?: string; message?: string };
      return { code, message, rows: [] };
    }
  }

  /** The statement alone, as `who`, past every check of its words. @returns the rows, at most five */
  run(who: Who, sql: string): unknown[] {
    return runAs(this.connection, who, () => {
      const prepared = this.connection.database.prepare(sql);
      if (!prepared.reader) prepared.run();
      const rows: unknown[] = [];
      if (prepared.reader) for (const row of prepared.iterate()) if (rows.push(row) === 5) break;
      return rows;
    });
  }

  /** All rows of a statement of the server's own. */
  rows(sql: string): unknown[][] {
    return this.connection.database.prepare(sql).raw(true).all() as unknown[][];
  }

  /** Files beside the database, without its own. */
  strangers(): string[] {
    return readdirSync(this.folder).filter((name) => !/^guarded\.db(-wal|-shm|-journal)?$/.test(name));
  }

  close(): void {
    this.connection.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
