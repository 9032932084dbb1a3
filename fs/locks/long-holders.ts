// Which locks have been held for long, each told once: an exclusive one, or one that somebody waits for.
import type { DatabaseLocks } from './snapshot.ts';

/** Every connection of a WAL database holds these for as long as it lives, and no wait is about them. */
const lifelongInWal = new Set(['SHARED', 'DMS']);

export class LongHolders {
  readonly #longMs: number;
  #known = new Set<string>();

  constructor(longMs: number) {
    this.#longMs = longMs;
  }

  /**
   * Of a view of each database, with undefined for those that have no old lock: those with holders that have become
   * long since the last call, and undefined for the others.
   */
  *newOf(views: Iterable<DatabaseLocks | undefined>): Generator<DatabaseLocks | undefined> {
    const known = this.#known;
    this.#known = new Set();
    for (const view of views) {
      if (view === undefined) {
        yield undefined;
        continue;
      }
      const blocking = new Set(view.waiters.flatMap((waiter) => waiter.blockedBy));
      const holders = view.holders.filter(({ lock, mode, pid, heldMs }) => {
        if (view.journal === 'wal' && lifelongInWal.has(lock)) return false;
        if (heldMs < this.#longMs || (mode === 'shared' && !blocking.has(pid))) return false;
        const key = `${pid} ${lock} ${view.db}`;
        this.#known.add(key);
        return !known.has(key);
      });
      yield holders.length > 0 ? { ...view, holders } : undefined;
    }
  }
}
