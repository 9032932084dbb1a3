// A log that was seen without an index. The last close deletes the index before the log, so it need not be one that its
// program keeps to itself. But then it was read already, or a record of it comes. It remembers; it reads nothing.
import type { Salts } from '../../sqlite/wal-index.ts';
import { recordGraceMs } from './read-result.ts';

export class UnsharedLog {
  /** Nobody knows yet whose it is. */
  #seen: (Salts & { readonly sinceMs: number }) | undefined;
  #sinceMs: number | undefined;

  /** @returns whether it has no index for so long that its program must keep it to itself */
  isSeen({ salt1, salt2 }: Salts): boolean {
    const nowMs = performance.now();
    this.#sinceMs ??= nowMs;
    if (nowMs - this.#sinceMs >= recordGraceMs) return true;
    this.#seen ??= { salt1, salt2, sinceMs: nowMs };
    return false;
  }

  /** There is no log now, or one with an index. */
  isGone(): void {
    this.#sinceMs = undefined;
  }

  /**
   * Whose the log was that was seen last: `nobody-knows-yet`, `known` if there was none or one that `isKnown` knows,
   * `unknown` once it is too late for a record.
   */
  judge(isKnown: (salts: Salts) => boolean): 'nobody-knows-yet' | 'known' | 'unknown' {
    const seen = this.#seen;
    if (seen === undefined) return 'known';
    const known = isKnown(seen);
    if (!known && performance.now() - seen.sinceMs < recordGraceMs) return 'nobody-knows-yet';
    this.#seen = undefined;
    return known ? 'known' : 'unknown';
  }
}
