// The JSON of the public GET /api/v1/sqlite/locks, as far as the page reads it.

interface Party {
  /** SQLite's name for the lock; several joined by `+`. */
  readonly lock: string;
  readonly mode: 'shared' | 'exclusive';
  /** 0: a process that the daemon cannot see. */
  readonly pid: number;
  readonly command: string;
  /** `host` outside of any. */
  readonly container: string;
}

export interface LockHolder extends Party {
  readonly heldMs: number;
}

export interface LockWaiter extends Party {
  readonly waitMs: number;
  readonly blockedBy: readonly number[];
}

export interface DatabaseLocks {
  readonly db: string;
  readonly journal: string;
  readonly holders: readonly LockHolder[];
  readonly waiters: readonly LockWaiter[];
}

export interface LockSnapshot {
  readonly databases: readonly DatabaseLocks[];
}

/** The same snapshot `ms` later, had nothing changed: times of holding and waiting grow. */
export function later(snapshot: LockSnapshot, ms: number): LockSnapshot {
  const databases = snapshot.databases.map((database) => ({
    ...database,
    holders: database.holders.map((holder) => ({ ...holder, heldMs: holder.heldMs + ms })),
    waiters: database.waiters.map((waiter) => ({ ...waiter, waitMs: waiter.waitMs + ms })),
  }));
  return { databases };
}
