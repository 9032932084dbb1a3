// What the server process asks of executors: the name of an operation, its lane, and the types of its arguments and of
// its answer. The rows stand in operations/; executor/implementation.ts ties each to the function that does it.

/**
 * `kv-write`: grouped with its neighbours in one BEGIN EXCLUSIVE .. COMMIT; answered after COMMIT.
 * `kv-read`: grouped with its neighbours in one read transaction. For what looks at few rows: the neighbours wait for
 * it. `kv-scan`: alone in a read transaction of its own, beside `kv-read`. For what may look at every key of a table.
 * `sql`: alone, outside any transaction: it begins and ends its own, and says so through `connection.announce`. Jobs
 * of an operation that is declared as shared may share one. `sql-read`: as `sql`, for what only reads. `background`:
 * as `sql` and never shared, one at a time in each database, for work that nobody waits for.
 */
export type Lane = 'kv-write' | 'kv-read' | 'kv-scan' | 'sql' | 'sql-read' | 'background';

/**
 * How a process has a database open. The lock manager of a mount lets a process that only reads pass a writer; locks
 * belong to a process, so one that has the database open for writing never passes.
 */
export type OpenMode = 'read' | 'write';

const readingLanes: ReadonlySet<string> = new Set<Lane>(['kv-read', 'kv-scan', 'sql-read']);

/** Work of the lane only reads. */
export function isReadingLane(lane: Lane | 'file'): boolean {
  return readingLanes.has(lane);
}

/**
 * Arguments and answer are structured-cloned between processes: plain objects, strings, numbers, bigint, Uint8Array.
 */
export interface Operation<Args, Answer> {
  readonly name: string;
  readonly lane: Lane;
  /** Its jobs may share a transaction with their neighbours, where their executor sees that nobody can tell. */
  readonly isShared?: true;
  /** Never there: it only ties the types to the name. */
  readonly types?: (args: Args) => Answer;
}

/** Work on a database file as a file: no connection is open to the path, in any executor, while it runs. */
export interface FileOperation<Args, Answer> {
  readonly name: string;
  readonly lane: 'file';
  /** Never there: it only ties the types to the name. */
  readonly types?: (args: Args) => Answer;
}

/** Of a lane for SQL. */
export function declareShared<Args, Answer>(name: string, lane: 'sql' | 'sql-read'): Operation<Args, Answer> {
  return { name, lane, isShared: true };
}

/** Of an operation that needs to be told nothing. */
export type NoArgs = Readonly<Record<string, never>>;

export function declare<Args, Answer>(name: string, lane: Lane): Operation<Args, Answer> {
  return { name, lane };
}

export function declareOnFile<Args, Answer>(name: string): FileOperation<Args, Answer> {
  return { name, lane: 'file' };
}
