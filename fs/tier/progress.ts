// How far the durable copy of one database is behind, why, and how long the next try has to wait.
import type { Log } from '../log.ts';

const firstPauseMs = 200;
const longestPauseMs = 5_000;
/** A database that has to be compared as a whole again and again gets this much rest in between. */
const comparingRest = 3;

export class Progress {
  readonly #path: string;
  readonly #log: Log;
  journal: 'wal' | 'rollback' = 'wal';
  /** Frames of the log that are not copied. */
  lagBytes = 0;
  /** Why the copy does not keep up. */
  trouble: string | undefined;
  #behindSinceMs: number | undefined;
  #resumesAtMs = 0;
  #pauseMs = firstPauseMs;

  /** `path` of the database, for the log. */
  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
  }

  /** How long what was committed may have been without a durable copy; 0: it has all. */
  get lagMs(): number {
    return this.#behindSinceMs === undefined ? 0 : performance.now() - this.#behindSinceMs;
  }

  get isResting(): boolean {
    return performance.now() < this.#resumesAtMs;
  }

  /** Something is to be copied, and was at `sinceMs`. An earlier time stays. */
  fellBehind(sinceMs = performance.now()): void {
    this.#behindSinceMs ??= sinceMs;
  }

  /** It has everything. */
  copied(): void {
    this.trouble = undefined;
    this.#pauseMs = firstPauseMs;
    this.#behindSinceMs = undefined;
    this.lagBytes = 0;
  }

  /** All pages were compared. */
  compared(tookMs: number): void {
    this.#resumesAtMs = performance.now() + comparingRest * tookMs;
  }

  failed(error: unknown): void {
    const { code, message } = error as NodeJS.ErrnoException;
    const isFull = code === 'ENOSPC' || code === 'EDQUOT';
    const reason = isFull ? 'the disk of the data directory has no space' : String(message ?? error);
    if (this.trouble !== reason) this.#log('error', 'ramdisk-copy-failed', { database: this.#path, reason });
    this.trouble = reason;
    this.#resumesAtMs = performance.now() + this.#pauseMs;
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs);
  }
}
