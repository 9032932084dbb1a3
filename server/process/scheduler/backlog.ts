// The jobs that are not answered yet, by database, and how much of them there may be.
import type { WriteBookmarks } from '../../messages/bookmark.ts';
import { fromErrorData } from '../../messages/errors.ts';
import type { Outcome } from '../../messages/jobs.ts';
import { limits } from '../../messages/limits.ts';
import { weightOf } from '../../messages/weight.ts';
import { DatabaseQueue, type QueuedJob } from './queue.ts';

export interface JobRequest {
  readonly path: string;
  /** As `performance.now()`. */
  readonly deadlineMs: number;
  readonly create?: boolean | undefined;
  /** Other executors close the database first. */
  readonly alone?: boolean | undefined;
  /** It shares no transaction. */
  readonly isolated?: boolean | undefined;
  /** The client has left: work that only it waits for is dropped, unless it is a write that runs. */
  readonly isGone?: () => boolean;
  /** Looked at ten times a second: the work ends unless its COMMIT has begun. */
  readonly isCancelled?: (() => boolean) | undefined;
  /** Told the bookmarks of the commit that did it, before its answer comes. */
  readonly onNamed?: ((bookmarks: WriteBookmarks) => void) | undefined;
}

export interface NewJob extends Pick<QueuedJob, 'operation' | 'lane' | 'args' | 'isShared'> {
  readonly request: JobRequest;
}

const never = (): boolean => false;

export class Backlog {
  readonly #queues = new Map<string, DatabaseQueue>();
  readonly #mostBytes: number;
  #jobs = 0;
  #bytes = 0;

  /** `mostBytes`: of arguments that may wait or be at work. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Jobs that wait or are at work. */
  get jobs(): number {
    return this.#jobs;
  }

  /** The databases that have work; whom markServed() named last stands last. Forgets the others. */
  working(): readonly DatabaseQueue[] {
    for (const queue of this.#queues.values()) if (queue.isIdle) this.#queues.delete(queue.path);
    return [...this.#queues.values()];
  }

  /** `waiting`: how many jobs now wait in its lane. @returns null where there is no room */
  add({ operation, lane, args, isShared, request }: NewJob): { answer: Promise<unknown>; waiting: number } | null {
    const sizeBytes = weightOf(args);
    if (this.#jobs >= limits.queuedJobs || this.#bytes + sizeBytes > this.#mostBytes) return null;
    this.#jobs += 1;
    this.#bytes += sizeBytes;
    let waiting = 0;
    const answer = new Promise<unknown>((resolve, reject) => {
      const settle = (outcome: Outcome): void => {
        if (outcome.error !== undefined) reject(fromErrorData(outcome.error));
        else {
          if (outcome.bookmarks !== undefined) request.onNamed?.(outcome.bookmarks);
          resolve(outcome.answer);
        }
      };
      waiting = this.#queueOf(request.path).push({
        operation,
        lane,
        args,
        create: request.create ?? false,
        alone: request.alone ?? false,
        isShared: isShared && !request.isolated && !request.alone && sizeBytes <= limits.sharedBodyBytes,
        sizeBytes,
        deadlineMs: request.deadlineMs,
        isGone: request.isGone ?? never,
        isCancelled: request.isCancelled ?? never,
        isRetried: false,
        runsAlone: false,
        needsWriter: false,
        onNamed: request.onNamed,
        settle,
      });
    });
    return { answer, waiting };
  }

  /** So that a few busy databases cannot keep the others waiting. */
  markServed(queue: DatabaseQueue): void {
    this.#queues.delete(queue.path);
    this.#queues.set(queue.path, queue);
  }

  /** Once for each job. */
  settle(job: QueuedJob, outcome: Outcome): void {
    this.#jobs -= 1;
    this.#bytes -= job.sizeBytes;
    job.settle(outcome);
  }

  #queueOf(path: string): DatabaseQueue {
    const known = this.#queues.get(path);
    if (known !== undefined) return known;
    const made = new DatabaseQueue(path);
    this.#queues.set(path, made);
    return made;
  }
}
