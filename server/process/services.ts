// What handlers are given: the one way to databases (run), the options, and the few things that live as long as the
// server process.

import type { LockSnapshot, ServerOptions } from '../index.ts';
import type { ApiError } from '../messages/errors.ts';
import type { FileOperation, Operation } from '../messages/operation.ts';
import type { HistoryEntry, Recorded } from '../messages/operations/query-history.ts';
import type { DatabaseTarget } from '../messages/paths.ts';
import type { StudioCommitEvent } from '../messages/studio/live.ts';
import type { TierAnswer, TierQuestion } from '../messages/tier.ts';
import type { CommitListener } from './commit-listeners.ts';
import type { Directories } from './directories/directories.ts';
import type { RequestContext } from './http/context.ts';
import type { Log } from './log.ts';
import type { Replicas } from './replicas/replicas.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { ShareBook } from './share-book.ts';
import type { TemporaryFiles } from './temporary-files.ts';
import type { TimeMachine } from './time-machine/time-machine.ts';
import type { UnfinishedForks } from './time-machine/unfinished-forks.ts';

/** Asks the supervisor about databases in RAM. */
export type AskTier = (question: TierQuestion, timeoutMs: number) => Promise<TierAnswer<unknown> | undefined>;

export interface Services {
  readonly options: ServerOptions;
  readonly log: Log;
  /** Of files on their way to or from clients. */
  readonly temporaryFiles: TemporaryFiles;
  /** Transactions that clients keep open between requests. */
  readonly sessions: Sessions;
  /** The share links of the studio. */
  readonly shares: ShareBook;
  /** Directories of files that are served as key-value stores. */
  readonly directories: Directories;
  /** Copies of databases that clients keep. */
  readonly replicas: Replicas;
  /** The past of whole databases. */
  readonly timeMachine: TimeMachine;
  /** States of the past that are made into databases. */
  readonly unfinishedForks: UnfinishedForks;
  /** The database that `db` names, resolved by text but not looked at. @throws ApiError INVALID_DB_PATH */
  target(context: RequestContext): DatabaseTarget;
  /** As `target`, for a parameter of another name. */
  resolve(name: string): DatabaseTarget;
  /**
   * Runs an operation on the database that `db` names, before the request's deadline.
   * @throws ApiError: path errors, what the operation threw, DATABASE_BUSY, REQUEST_TIMEOUT, SERVICE_UNAVAILABLE.
   */
  run<Args, Answer>(
    operation: Operation<Args, Answer>,
    context: RequestContext,
    args: Args,
    options?: RunOptions,
  ): Promise<Answer>;
  /** Runs while no executor has the path open. */
  runOnFile<Args, Answer>(
    operation: FileOperation<Args, Answer>,
    context: RequestContext,
    path: string,
    args: Args,
  ): Promise<Answer>;
  /** Adds entries to the query history of a database, later. `isWrite`: the table may be made for them. */
  record(target: DatabaseTarget, entries: readonly HistoryEntry[], isWrite: boolean): void;
  /** What is recorded and perhaps not in the table yet. */
  recordedHistory(target: DatabaseTarget): Recorded;
  /**
   * Resolves when everything recorded so far is in the table. @throws ApiError when that does not happen before the
   * deadline
   */
  flushHistory(context: RequestContext): Promise<void>;
  /** Drops what is recorded and not yet written. */
  forgetHistory(target: DatabaseTarget): void;
  /**
   * Calls `listener` after every commit to the database that the server hears of: its own writes at once, native
   * clients' through the fs process. Returns the function that ends it. May call without a change; never says what
   * changed.
   */
  onCommit(target: DatabaseTarget, listener: CommitListener): () => void;
  /** The programs that wrote a database since a time of `monotonicMs`, as far as the mount knows them. */
  writersSince(target: DatabaseTarget, sinceMs: number): Promise<StudioCommitEvent['by']>;
  /** The system's monotonic clock. */
  monotonicMs(): number;
  /** Databases in RAM. undefined: no answer in time. */
  readonly tier: AskTier;
  /** Who holds and who waits for locks on the mount. */
  locks(): Promise<LockSnapshot>;
  /** A DATABASE_BUSY with the name of who holds the database, where that is known; any other error as it is. */
  namingHolder(error: ApiError, target: DatabaseTarget): Promise<ApiError>;
  /** The body of GET /metrics and its content type. */
  metricsText(): Promise<{ readonly text: string; readonly contentType: string }>;
  /** What health shows. */
  counters(): ServerCounters;
  /** Aborted when the server stops: streams end themselves on it. */
  readonly stopping: AbortSignal;
}

export interface RunOptions {
  /** Instead of the one that `db` names. */
  readonly database?: DatabaseTarget;
  /** Create the file when it is missing (a valid empty WAL database). Default false. */
  readonly create?: boolean;
  /** No other executor has the database open when the work begins. */
  readonly alone?: boolean;
  /** It has a transaction of its own. */
  readonly isolated?: boolean;
  /** The client has asked for the end of the work. */
  readonly isCancelled?: () => boolean;
  /** What the query history records once the work is done, or failed. */
  readonly record?: HistoryRecord;
}

/** One entry of the query history as its writer knows it before the work is done. */
export interface HistoryRecord {
  readonly sql: string;
  readonly isStatement: boolean;
  readonly source: 'sql' | 'kv';
  /** More of the same request follows, which records that it is done. */
  readonly onlyIfFailed?: boolean;
}

export interface ServerCounters {
  readonly requests: number;
  readonly queuedJobs: number;
  readonly openDatabases: number;
  readonly executors: number;
}
