// What can be run inside an executor: a named function of an open connection and plain arguments. The server process
// imports these rows only for their names and types; the functions run in the executor process.
import type { Connection } from './connection.ts';

/**
 * `kv-write`: grouped with its neighbours in one BEGIN IMMEDIATE .. COMMIT, a savepoint each; answered after COMMIT.
 * `kv-read`: grouped with its neighbours in one read transaction.
 * `sql`: alone, outside any transaction: it begins and ends its own.
 * `background`: as `sql`, but never ahead of anything else.
 */
export type Lane = 'kv-write' | 'kv-read' | 'sql' | 'background';

export interface Operation<Args, Result> {
  readonly name: string;
  readonly lane: Lane;
  /**
   * Runs synchronously. Arguments and result are structured-cloned between processes: plain objects, strings, numbers,
   * bigint, Uint8Array. Throw ApiError to refuse: what this call wrote is then rolled back, its neighbours' work is not.
   */
  readonly run: (connection: Connection, args: Args) => Result;
}

/** A row of a list of operations, whatever its arguments: the executor looks it up by name. */
export interface AnyOperation {
  readonly name: string;
  readonly lane: Lane;
  // Method syntax: a list may hold operations of different argument types; the scheduler sends each its own.
  run(connection: Connection, args: unknown): unknown;
}
