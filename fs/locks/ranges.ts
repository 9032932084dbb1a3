// Arithmetic of one owner's byte ranges on one file: replace, split, merge. Ranges are inclusive at both ends, sorted
// and never overlap; offsets are the numbers of protocol/lock-offsets.ts.
import type { LockType } from '../sqlite/lock-bytes.ts';

export interface HeldRange {
  readonly start: number;
  readonly end: number;
  readonly type: LockType;
  readonly pid: number;
  /** The thread that asked: the shield against the WAL-reset bug tells threads of one process apart. */
  readonly tid: number;
  readonly sinceMs: number;
}

/** `ranges` with `start`..`end` freed. */
export function withoutRange(ranges: readonly HeldRange[], start: number, end: number): HeldRange[] {
  const left: HeldRange[] = [];
  for (const range of ranges) {
    if (range.end < start || range.start > end) {
      left.push(range);
      continue;
    }
    if (range.start < start) left.push({ ...range, end: start - 1 });
    if (range.end > end) left.push({ ...range, start: end + 1 });
  }
  return left;
}

/** `ranges` with `added` in place of whatever it overlaps. */
export function withRange(ranges: readonly HeldRange[], added: HeldRange): HeldRange[] {
  if (ranges.length === 0) return [added];
  const result = withoutRange(ranges, added.start, added.end);
  let at = 0;
  while (at < result.length && (result[at]?.start ?? 0) < added.start) at++;
  result.splice(at, 0, added);
  return result;
}

/** Joins neighbours of one type, so that a program which locks byte after byte cannot grow the list. */
export function mergeNeighbours(ranges: readonly HeldRange[]): HeldRange[] {
  const merged: HeldRange[] = [];
  for (const range of ranges) {
    const last = merged.at(-1);
    if (last && last.type === range.type && last.end + 1 === range.start) {
      merged[merged.length - 1] = { ...last, end: range.end };
    } else merged.push(range);
  }
  return merged;
}
