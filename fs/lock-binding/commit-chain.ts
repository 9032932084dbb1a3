// Whether one look at a write-ahead log's index follows on another with no commit in between. Facts about the index
// from wal.c. Pure.
import { isSameLog, type WalIndex } from '../sqlite/wal-index.ts';

/** Whether nobody has committed anything from `last` to `before`, and one transaction at most from there to `after`. */
export function isNextState(last: WalIndex, before: WalIndex | undefined, after: WalIndex): boolean {
  // Who comes first after a death makes the index anew out of the log.
  if (before === undefined || !isSameState(last, before)) return isSameState(last, after);
  // One that holds WRITE for many transactions may begin the log anew in between.
  return isSameLog(before, after) || (after.change - before.change) >>> 0 === (after.lastFrame > 0 ? 1 : 0);
}

export function isSameState(one: WalIndex, other: WalIndex): boolean {
  const hasSameEnd = one.checksum1 === other.checksum1 && one.checksum2 === other.checksum2;
  return isSameLog(one, other) && one.lastFrame === other.lastFrame && hasSameEnd;
}
