// How many owners hold each range of a file. All connections of SQLite lock the same few ranges: whether anybody is in
// the way is told by these few, however many connections there are.
import type { LockType } from '../sqlite/lock-bytes.ts';
import type { HeldRange } from './ranges.ts';

interface Count {
  readonly start: number;
  readonly end: number;
  readers: number;
  writers: number;
}

export class Tally {
  readonly #counts: Count[] = [];

  /** An owner holds `after` instead of `before`. What it keeps is the same object in both. */
  replace(before: readonly HeldRange[], after: readonly HeldRange[]): void {
    for (const range of before) if (!after.includes(range)) this.#add(range, -1);
    for (const range of after) if (!before.includes(range)) this.#add(range, 1);
  }

  /** Whether somebody else than who holds `own` has a lock that forbids `type` on `start`..`end`. */
  hasOther(own: readonly HeldRange[], start: number, end: number, type: LockType): boolean {
    let others = 0;
    for (const count of this.#counts) {
      if (count.start > end || count.end < start) continue;
      others += count.writers + (type === 'write' ? count.readers : 0);
    }
    if (others === 0) return false;
    for (const range of own) {
      if (range.start <= end && range.end >= start && (type === 'write' || range.type === 'write')) others--;
    }
    return others > 0;
  }

  /** The ranges in `start`..`end` that somebody holds, in any order. */
  within(start: number, end: number): { readonly start: number; readonly end: number }[] {
    return this.#counts.filter((count) => count.start <= end && count.end >= start);
  }

  #add({ start, end, type }: HeldRange, step: 1 | -1): void {
    const counts = this.#counts;
    let at = 0;
    while (at < counts.length && (counts[at]?.start !== start || counts[at]?.end !== end)) at++;
    const count = counts[at] ?? { start, end, readers: 0, writers: 0 };
    if (at === counts.length) counts.push(count);
    if (type === 'write') count.writers += step;
    else count.readers += step;
    if (count.readers + count.writers > 0) return;
    const last = counts.pop();
    if (last !== undefined && last !== count) counts[at] = last;
  }
}
