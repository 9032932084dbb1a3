// Since when, and for how long in all, a database has been written: what a newcomer spends waiting meanwhile is no idle
// time.

export class BusyTime {
  /** When a write lock was given back last, and since when its owner may have written. */
  lastMs = Number.NEGATIVE_INFINITY;
  lastSinceMs = Number.NEGATIVE_INFINITY;
  /** Since when the writer of now may have written. */
  sinceMs: number | undefined;
  #beforeMs = 0;

  /**
   * Somebody holds the write lock whose transaction began at `startedMs`: what came before the lock was no idle time
   * either.
   */
  begin(startedMs: number): void {
    this.sinceMs ??= Math.max(this.lastMs, startedMs);
  }

  /** The write lock was given back. */
  end(nowMs: number): void {
    this.lastSinceMs = this.sinceMs ?? nowMs;
    this.#beforeMs += nowMs - this.lastSinceMs;
    this.sinceMs = undefined;
  }

  /**
   * A machine that is short of processors keeps a transaction from its write attempt: this time counts as if it held a
   * write lock.
   */
  excuse(ms: number): void {
    this.#beforeMs += ms;
  }

  /**
   * Milliseconds in all, up to now, during which somebody held a write lock, or was on the way to it and late without
   * fault.
   */
  totalMs(nowMs: number): number {
    return this.#beforeMs + (this.sinceMs === undefined ? 0 : nowMs - this.sinceMs);
  }
}
