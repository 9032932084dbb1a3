// Runs the SQL of several requests in one transaction, a savepoint each, where nobody can tell it from one transaction
// for each. Where somebody could, nothing of it is done, and the server has the one that was at fault run alone.
import type { Outcome } from '../messages/jobs.ts';
import { limits } from '../messages/limits.ts';
import { weightOf } from '../messages/weight.ts';
import type { Connection } from './connection.ts';
import type { SharedWork } from './implementation.ts';
import { endInterrupts } from './interrupts.ts';
import { failed, type GroupOutcome, type Job, runAlone, withBookmarks } from './run-group.ts';
import { confirmSchema } from './sql/prepared.ts';
import { jobToApiError } from './sql/sqlite-errors.ts';

/** Jobs that did not run have no outcome: they go into the next group. */
export function runShared(connection: Connection, jobs: readonly Job[], writes: boolean): GroupOutcome {
  const [first] = jobs;
  if (first !== undefined && jobs.length === 1) return runAlone(connection, first);
  const opening = first === undefined ? null : look(connection, first);
  // What a kill would mean for it can only be told of a group that is its own.
  if (opening === null) return { outcomes: [], wrote: false, alone: 0 };
  return new SharedTransaction(connection, writes).run(jobs, opening);
}

/** What a job is: work, or the outcome of one whose arguments are wrong; null where it runs alone. */
type Look = { readonly work: SharedWork } | { readonly outcome: Outcome } | null;

function look(connection: Connection, job: Job): Look {
  try {
    const work = job.share?.(connection) ?? null;
    return work === null ? null : { work };
  } catch (error) {
    return { outcome: failed(error) };
  }
}

class SharedTransaction {
  readonly #connection: Connection;
  readonly #writes: boolean;
  readonly #outcomes: Outcome[] = [];
  /** Of the jobs that wrote and were not undone. */
  readonly #written = new Set<Outcome>();
  /** The job that is at work; the whole group before and after all of them. */
  #at: number | 'all' = 'all';

  constructor(connection: Connection, writes: boolean) {
    this.#connection = connection;
    this.#writes = writes;
  }

  run(jobs: readonly Job[], opening: NonNullable<Look>): GroupOutcome {
    const { statement } = this.#connection;
    let next: Pick<GroupOutcome, 'alone'>;
    try {
      this.#begin();
      next = this.#runJobs(jobs, opening);
      if (this.#writes) this.#connection.announce('committing');
      else endInterrupts();
      this.#at = 'all';
      statement('COMMIT').run();
    } catch {
      this.#connection.rollBack();
      // Those that only read are answered: what they have seen was there.
      return { outcomes: this.#writes ? [] : this.#outcomes, wrote: false, alone: this.#at };
    }
    if (this.#writes) this.#connection.bookmarks.committed();
    const outcomes = withBookmarks(this.#connection, this.#outcomes, (outcome) => this.#written.has(outcome));
    return { outcomes, wrote: this.#written.size > 0, ...next };
  }

  #begin(): void {
    this.#connection.statement(this.#writes ? 'BEGIN IMMEDIATE' : 'BEGIN').run();
    confirmSchema(this.#connection);
    this.#connection.announce(this.#writes ? 'writing' : 'reading');
  }

  /** @returns the job that runs alone, where it ends before one */
  #runJobs(jobs: readonly Job[], opening: NonNullable<Look>): Pick<GroupOutcome, 'alone'> {
    const endMs = performance.now() + limits.sharedRunMs;
    let bytes = 0;
    for (const [index, job] of jobs.entries()) {
      const found = index === 0 ? opening : look(this.#connection, job);
      if (found === null) return { alone: index };
      this.#at = index;
      const outcome = 'work' in found ? this.#runJob(found.work) : found.outcome;
      this.#outcomes.push(outcome);
      bytes += weightOf(outcome.answer);
      if (bytes > limits.groupAnswerBytes || performance.now() > endMs) break;
    }
    return {};
  }

  #runJob(work: SharedWork): Outcome {
    const { database, statement } = this.#connection;
    if (this.#writes) statement('SAVEPOINT job').run();
    const { outcome, isUndone } = this.#attempt(work);
    if (!database.inTransaction || this.#connection.isTainted) throw new Error('the transaction cannot be shared');
    if (!this.#writes) return outcome;
    if (isUndone) statement('ROLLBACK TO job').run();
    else this.#written.add(outcome);
    statement('RELEASE job').run();
    return outcome;
  }

  /** @throws what ends the transaction */
  #attempt(work: SharedWork): { outcome: Outcome; isUndone: boolean } {
    this.#connection.readClock();
    try {
      const answer = work.run();
      return { outcome: { answer }, isUndone: work.isUndone(answer) };
    } catch (error) {
      if (jobToApiError(error).status >= 500) throw error;
      return { outcome: failed(error), isUndone: true };
    }
  }
}
