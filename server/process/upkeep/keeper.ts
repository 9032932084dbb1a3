// Remembers, in the server process, which databases have KV tables that were used, and sends the background work there:
// soon after a use, again while there is more to do, and when the next time to live ends.

import { ApiError } from '../../messages/errors.ts';
import type { Progress, RetentionAnswer } from '../../messages/operations/kv-upkeep.ts';
import type { Log } from '../log.ts';

const afterUseMs = 1000;
const moreWorkMs = 20;
/** History grows old without anybody's doing. */
const longestMs = 3600 * 1000;
const retryMs = 5000;
/** Between databases after a start, so that they are not all opened at once. */
const resumeMs = 250;

export interface KeeperDeps {
  readonly log: Log;
  /** A database is kept from now on. */
  readonly onKept: (path: string) => void;
  /** It was looked at: whether it has KV tables. */
  readonly onLooked: (path: string, isKv: boolean) => void;
  /** It is not kept any more: it cannot be opened. */
  readonly onGone: (path: string) => void;
  /** @throws ApiError as every operation does */
  readonly retain: (path: string, progress: Progress) => Promise<RetentionAnswer>;
}

interface Kept {
  progress: Progress;
  timer: NodeJS.Timeout | null;
  dueMs: number;
  isRunning: boolean;
  /** Used while the work ran: it has to look again. */
  isUsed: boolean;
}

export class KvKeeper {
  readonly #deps: KeeperDeps;
  readonly #kept = new Map<string, Kept>();
  #isStopped = false;

  constructor(deps: KeeperDeps) {
    this.#deps = deps;
  }

  /** A KV operation ran on the database. */
  use(path: string): void {
    if (this.#isStopped) return;
    const kept = this.#kept.get(path) ?? this.#keep(path);
    if (kept.isRunning) kept.isUsed = true;
    else this.#schedule(path, kept, afterUseMs);
  }

  /** Databases of an earlier server process. */
  resume(paths: readonly string[]): void {
    paths.forEach((path, n) => {
      if (!this.#kept.has(path)) this.#schedule(path, this.#keep(path), afterUseMs + n * resumeMs);
    });
  }

  /** Somebody committed to the database: if it is one of ours, there may be a new time to live. */
  onCommit(path: string): void {
    if (this.#kept.has(path)) this.use(path);
  }

  stop(): void {
    this.#isStopped = true;
    for (const { timer } of this.#kept.values()) if (timer !== null) clearTimeout(timer);
    this.#kept.clear();
  }

  #keep(path: string): Kept {
    const kept: Kept = { progress: {}, timer: null, dueMs: 0, isRunning: false, isUsed: false };
    this.#kept.set(path, kept);
    this.#deps.onKept(path);
    return kept;
  }

  #schedule(path: string, kept: Kept, inMs: number): void {
    const dueMs = performance.now() + inMs;
    if (kept.timer !== null) {
      if (kept.dueMs <= dueMs) return;
      clearTimeout(kept.timer);
    }
    kept.dueMs = dueMs;
    kept.timer = setTimeout(() => void this.#work(path, kept), inMs);
    kept.timer.unref();
  }

  async #work(path: string, kept: Kept): Promise<void> {
    kept.timer = null;
    kept.isRunning = true;
    kept.isUsed = false;
    const nextMs = await this.#retain(path, kept);
    kept.isRunning = false;
    if (this.#isStopped) return;
    if (nextMs === null) {
      this.#kept.delete(path);
      this.#deps.onGone(path);
    } else this.#schedule(path, kept, kept.isUsed ? Math.min(nextMs, afterUseMs) : nextMs);
  }

  /** When to come back; null: never, the database is gone. */
  async #retain(path: string, kept: Kept): Promise<number | null> {
    try {
      const answer = await this.#deps.retain(path, kept.progress);
      kept.progress = answer.progress;
      this.#deps.onLooked(path, Object.keys(answer.progress).length > 0);
      if (answer.hasMore) return moreWorkMs;
      if (answer.nextExpiry === null) return longestMs;
      return Math.min(Math.max(answer.nextExpiry * 1000 - Date.now(), moreWorkMs), longestMs);
    } catch (error) {
      const isBusy = error instanceof ApiError && error.status === 503;
      if (!isBusy) this.#deps.log('debug', 'background work on a KV store ended', { path, error: String(error) });
      return isBusy ? retryMs : null;
    }
  }
}
