// What can be run inside an executor: a named function of an open connection and plain arguments. The server process
// imports these rows only for their names and types; the functions run in the executor process.

import type { Connection } from '../executor/connection.ts';
import type { PathRules } from './paths.ts';

/**
 * `kv-write`: grouped with its neighbours in one BEGIN EXCLUSIVE .. COMMIT, a savepoint each; answered after COMMIT.
 * `kv-read`: grouped with its neighbours in one read transaction. For what looks at few rows: the neighbours wait for it.
 * `kv-scan`: alone in a read transaction of its own, beside `kv-read`. For what may look at every key of a table.
 * `sql`: alone, outside any transaction: it begins and ends its own, and says so through `connection.announce`.
 * `background`: as `sql`, one at a time in each database, for work that nobody waits for.
 */
export type Lane = 'kv-write' | 'kv-read' | 'kv-scan' | 'sql' | 'background';

export interface Operation<Args, Result> {
  readonly name: string;
  readonly lane: Lane;
  /**
   * Runs synchronously. Arguments and result are structured-cloned between processes: plain objects, strings, numbers,
   * bigint, Uint8Array. Throw ApiError to refuse: what this call wrote is then rolled back, its neighbours' work is not.
   */
  readonly run: (connection: Connection, args: Args, rules: PathRules) => Result;
}

/** A row of a list of operations, whatever its arguments: the executor looks it up by name. */
export interface AnyOperation {
  readonly name: string;
  readonly lane: Lane;
  /** Method syntax, so that a list may hold operations of different argument types; the scheduler sends each its own. */
  run(connection: Connection, args: unknown, rules: PathRules): unknown;
}

/** What is asked of an executor about a file; the types are those of its arguments and of its answer. */
export interface FileRequest<Args, Result> {
  readonly name: string;
  /** Never there: it only ties the types to the name. */
  readonly types?: (args: Args) => Result;
}

/** Work on database files as files: no connection is open to the path, in any executor, while it runs. */
export interface FileOperation<Args, Result> extends FileRequest<Args, Result> {
  readonly run: (path: string, args: Args, rules: PathRules) => Result;
}

export interface AnyFileOperation {
  readonly name: string;
  run(path: string, args: unknown, rules: PathRules): unknown;
}
