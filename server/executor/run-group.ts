// Runs a group of jobs on one connection. Key-value writes share a transaction and are answered only after COMMIT. If
// the shared transaction is lost, nobody is answered and each job runs again alone. They get savepoints only where one
// of them has to be undone: with a savepoint SQLite copies every page before its first change.
import { ApiError, toErrorData } from '../messages/errors.ts';
import type { Outcome } from '../messages/jobs.ts';
import { limits } from '../messages/limits.ts';
import { weightOf } from '../messages/weight.ts';
import type { Connection } from './connection.ts';
import type { SharedWork } from './implementation.ts';
import { endInterrupts } from './interrupts.ts';
import { interrupted, isBusy, jobToApiError } from './sql/sqlite-errors.ts';

export interface Job {
  readonly run: (connection: Connection) => unknown;
  /** Of an operation whose jobs may share a transaction of SQL; null where this one may not. */
  readonly share?: (connection: Connection) => SharedWork | null;
}

export interface GroupOutcome {
  /**
   * In the order of the jobs, without those of which `report` was told; those that did not run are missing at the end.
   */
  readonly outcomes: readonly Outcome[];
  readonly wrote: boolean;
  /** Of the jobs without an outcome, the one that is to run alone, or all of them. */
  readonly alone?: number | 'all';
}

/** The shared transaction ended under a job (OR ROLLBACK, a trigger, a failed COMMIT). */
class TransactionLost extends Error {}

/** A job failed after it had written: what it wrote is to be undone, and what its neighbours wrote is not. */
class NeedsSavepoints extends Error {}

export function runWrites(
  connection: Connection,
  jobs: readonly Job[],
  report: (index: number, outcome: Outcome) => void,
): GroupOutcome {
  try {
    return { outcomes: inOneTransaction(connection, jobs), wrote: true };
  } catch (error) {
    if (!(error instanceof TransactionLost)) return { outcomes: jobs.map(() => failed(error)), wrote: false };
  }
  if (jobs.length === 1) return { outcomes: [aloneOutcome(connection, jobs[0])], wrote: true };
  jobs.forEach((job, index) => {
    report(index, aloneOutcome(connection, job));
  });
  return { outcomes: [], wrote: true };
}

export function runReads(connection: Connection, jobs: readonly Job[]): GroupOutcome {
  try {
    connection.statement('BEGIN').run();
    // BEGIN itself neither reads nor locks.
    connection.statement('PRAGMA schema_version').get();
    const outcomes = untilLarge(jobs, (job) => attempt(connection, job));
    endInterrupts();
    connection.statement('COMMIT').run();
    return { outcomes, wrote: false };
  } catch (error) {
    connection.rollBack();
    return { outcomes: jobs.map(() => failed(error)), wrote: false };
  }
}

/** For jobs that begin and end their own transaction. */
export function runAlone(connection: Connection, job: Job): GroupOutcome {
  const outcomes = withBookmarks(connection, [attempt(connection, job)]);
  if (!connection.isKept) connection.rollBack();
  return { outcomes, wrote: connection.hasCommitted };
}

export function failed(error: unknown): Outcome {
  return { error: toErrorData(jobToApiError(error)) };
}

function inOneTransaction(connection: Connection, jobs: readonly Job[]): Outcome[] {
  try {
    return commitAll(connection, jobs, withoutSavepoint);
  } catch (error) {
    if (!(error instanceof NeedsSavepoints)) throw error;
  }
  return commitAll(connection, jobs, withSavepoint);
}

function commitAll(
  connection: Connection,
  jobs: readonly Job[],
  run: (connection: Connection, job: Job) => Outcome,
): Outcome[] {
  beginWrites(connection);
  try {
    const outcomes = untilLarge(jobs, (job) => run(connection, job));
    connection.announce('committing');
    connection.statement('COMMIT').run();
    return named(connection, outcomes);
  } catch (error) {
    connection.rollBack();
    if (endInterrupts()) throw interrupted(error);
    if (error instanceof NeedsSavepoints || error instanceof TransactionLost || isBusy(error)) throw error;
    throw new TransactionLost('', { cause: error });
  }
}

/**
 * In WAL mode the same as IMMEDIATE. With a rollback journal it waits here for the readers, for whom COMMIT would wait
 * otherwise: before a time to live is counted, and while a kill still means that nothing was committed.
 */
function beginWrites({ statement, bookmarks }: Connection): void {
  statement('BEGIN EXCLUSIVE').run();
  bookmarks.began();
}

/** The outcomes of one commit, with its bookmarks where they are wanted. */
function named(connection: Connection, outcomes: Outcome[]): Outcome[] {
  connection.bookmarks.committed();
  return withBookmarks(connection, outcomes);
}

export function withBookmarks(
  connection: Connection,
  outcomes: Outcome[],
  isNamed: (outcome: Outcome) => boolean = () => true,
): Outcome[] {
  const bookmarks = connection.bookmarks.take();
  if (bookmarks === undefined) return outcomes;
  return outcomes.map((outcome) =>
    outcome.error === undefined && isNamed(outcome) ? { ...outcome, bookmarks } : outcome,
  );
}

/** Runs jobs until their answers are large together. */
function untilLarge(jobs: readonly Job[], run: (job: Job) => Outcome): Outcome[] {
  const outcomes: Outcome[] = [];
  let bytes = 0;
  for (const job of jobs) {
    const outcome = run(job);
    outcomes.push(outcome);
    bytes += weightOf(outcome.answer);
    if (bytes > limits.groupAnswerBytes) break;
  }
  return outcomes;
}

function withoutSavepoint(connection: Connection, job: Job): Outcome {
  const { database, statement } = connection;
  const changes = statement('SELECT total_changes()').pluck();
  const before = changes.get();
  const outcome = attempt(connection, job);
  if (!database.inTransaction) throw new TransactionLost();
  if (outcome.error !== undefined && changes.get() !== before) throw new NeedsSavepoints();
  return outcome;
}

function withSavepoint(connection: Connection, job: Job): Outcome {
  const { database, statement } = connection;
  statement('SAVEPOINT job').run();
  const outcome = attempt(connection, job);
  if (!database.inTransaction) throw new TransactionLost();
  if (outcome.error !== undefined) statement('ROLLBACK TO job').run();
  statement('RELEASE job').run();
  return outcome;
}

/** A job whose group was lost, in a transaction of its own: what it throws now is its answer. */
function aloneOutcome(connection: Connection, job: Job | undefined): Outcome {
  if (job === undefined) return failed(new ApiError('INTERNAL_ERROR', 'internal error'));
  const { statement } = connection;
  try {
    beginWrites(connection);
    connection.readClock();
    const answer = job.run(connection);
    connection.announce('committing');
    statement('COMMIT').run();
    return named(connection, [{ answer }])[0] ?? { answer };
  } catch (error) {
    connection.rollBack();
    return failed(error);
  }
}

function attempt(connection: Connection, job: Job): Outcome {
  try {
    connection.readClock();
    return { answer: job.run(connection) };
  } catch (error) {
    return failed(error);
  }
}
