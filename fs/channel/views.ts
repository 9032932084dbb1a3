// Views of all databases, for people and for the log, taken a few databases at a time: with thousands of them one look
// at all would keep everybody's locks waiting.
import type { DatabaseLocks } from '../locks/snapshot.ts';

/** For so long views are taken between two requests. */
const budgetMs = 0.5;
/** The clock is looked at once in so many databases, whether they have something to show or not. */
const databasesBetweenLooks = 8;

type Send = (databases: readonly DatabaseLocks[], isLast: boolean) => void;

interface Job {
  readonly views: Iterator<DatabaseLocks | undefined>;
  readonly send: Send;
}

export class Views {
  readonly #jobs: Job[] = [];

  /**
   * `views` gives undefined for a database without anything to show. `send` gets them in several parts, the last of
   * which may be empty.
   */
  add(views: Iterable<DatabaseLocks | undefined>, send: Send): void {
    this.#jobs.push({ views: views[Symbol.iterator](), send });
  }

  get isDue(): boolean {
    return this.#jobs.length > 0;
  }

  /** False when nothing was due. */
  run(): boolean {
    const [job] = this.#jobs;
    if (job === undefined) return false;
    const untilMs = performance.now() + budgetMs;
    const found: DatabaseLocks[] = [];
    do {
      for (let count = 0; count < databasesBetweenLooks; count++) {
        const { done, value } = job.views.next();
        if (done) {
          this.#jobs.shift();
          job.send(found, true);
          return true;
        }
        if (value !== undefined) found.push(value);
      }
    } while (performance.now() < untilMs);
    if (found.length > 0) job.send(found, false);
    return true;
  }
}
