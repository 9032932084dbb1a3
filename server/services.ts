// What handlers are given: the one way to databases (run), the options, and the few things that live as long as the
// server process.
import type { DatabaseTarget } from './databases/paths.ts';
import type { Operation } from './executors/operation.ts';
import type { RequestContext } from './http/context.ts';
import type { ServerOptions } from './index.ts';
import type { Log } from './log.ts';

export interface Services {
  readonly options: ServerOptions;
  readonly log: Log;
  /**
   * Runs an operation on the database that `context.query.text('db')` names, before the request's deadline.
   * @throws ApiError: path errors, what the operation threw, DATABASE_BUSY, REQUEST_TIMEOUT, SERVICE_UNAVAILABLE.
   */
  run<Args, Result>(
    operation: Operation<Args, Result>,
    context: RequestContext,
    args: Args,
    options?: RunOptions,
  ): Promise<Result>;
  /** The database that the request names, resolved but not looked at. @throws ApiError INVALID_DB_PATH */
  target(context: RequestContext): DatabaseTarget;
  /**
   * Calls `listener` after every commit to the database that the server hears of: its own writes at once, native clients'
   * through the fs process. Returns the function that ends it. May call without a change; never says what changed.
   */
  onCommit(target: DatabaseTarget, listener: () => void): () => void;
  /** Aborted when the server stops: streams end themselves on it. */
  readonly stopping: AbortSignal;
}

export interface RunOptions {
  /** Create the file when it is missing (a valid empty WAL database). Default false. */
  readonly create?: boolean;
  /** What the query history records, once the write has been answered; absent: nothing is recorded. */
  readonly record?: HistoryRecord;
}

/** One entry of the query history as its writer knows it before the work is done. */
export interface HistoryRecord {
  readonly sql: string;
  readonly isStatement: boolean;
  readonly source: 'sql' | 'kv';
}
