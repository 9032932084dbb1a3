// What the lock manager counts, for metrics and for people who tune it.

/** Upper bounds of the wait histogram's buckets, milliseconds; the last bucket has none. */
const WAIT_BUCKETS_MS: readonly number[] = [1, 5, 10, 50, 100, 500, 1000, 5000];

export class LockCounters {
  /** Requests that were not answered at once. */
  waits = 0;
  /** Of these, the ones held before their snapshot. */
  gateWaits = 0;
  /** Refused so that a cycle of waiters could go on. */
  deadlockRefusals = 0;
  /** Waited to the limit and were refused. */
  timeouts = 0;
  /** Waited at the gate to the limit and were let through. */
  gateTimeouts = 0;
  interrupts = 0;
  /** Refused without a wait, or when the commit in front began. */
  refusals = 0;
  /** Write attempts on a snapshot that somebody else's commit had made stale: SQLite answers BUSY_SNAPSHOT itself. */
  staleSnapshots = 0;
  /** Requests that met a lock of a program on the data directory. */
  foreignConflicts = 0;
  waitMsSum = 0;
  readonly waitHistogram: number[] = new Array<number>(WAIT_BUCKETS_MS.length + 1).fill(0);

  recordWait(waitedMs: number): void {
    let bucket = 0;
    while (bucket < WAIT_BUCKETS_MS.length && waitedMs > (WAIT_BUCKETS_MS[bucket] ?? 0)) bucket++;
    this.waitHistogram[bucket] = (this.waitHistogram[bucket] ?? 0) + 1;
    this.waitMsSum += waitedMs;
  }

  toJSON(): LockCounts {
    return { ...this, waitHistogram: [...this.waitHistogram] };
  }
}

export type LockCounts = Readonly<
  Omit<LockCounters, 'recordWait' | 'toJSON' | 'waitHistogram'> & { waitHistogram: readonly number[] }
>;
