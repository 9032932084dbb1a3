// Offsets of locks: any of 2^63 bytes, as plain numbers that compare and count like the bytes themselves. A bigint
// would cost every comparison of the lock tables; a double is exact up to 2^53. So the bytes at both ends of a file
// each have a number of their own, and everything between them, where nobody locks anything, is one place that a range
// can cover whole or not at all.
import type { FileOffset } from './words.ts';

/** The last byte that a file can have, 2^63 - 1. As the end of a range: "to the end of the file, wherever that is". */
export const END_OF_FILE = Number.MAX_SAFE_INTEGER;
/** What readLockOffset gives for an offset in the middle, which has no number of its own. */
export const NO_LOCK_OFFSET = -1;

/** Numbers up to here, and without it, are the bytes themselves: 4 PiB. */
const middle = 2 ** 52 - 1;
/** The first byte behind the middle; its number is 2^52. */
const firstUpper = 2n ** 63n - 2n ** 52n;
/** What to add to the number of a byte behind the middle. */
const shift = firstUpper - 2n ** 52n;
const high = 2 ** 32;
/** Upper words: of the first byte behind the middle, and of the first one that has no number before it. */
const firstUpperWord = Number(firstUpper >> 32n);
const middleWord = 2 ** 20;

/** The number of the byte whose offset is at `at`, or NO_LOCK_OFFSET. */
export function readLockOffset(bytes: Buffer, at: number): number {
  const upper = bytes.readUInt32LE(at + 4);
  const lower = bytes.readUInt32LE(at);
  if (upper < middleWord) {
    const offset = lower + upper * high;
    return offset === middle ? NO_LOCK_OFFSET : offset;
  }
  const isUpper = upper >= firstUpperWord && upper < 2 ** 31;
  return isUpper ? middle + 1 + (upper - firstUpperWord) * high + lower : NO_LOCK_OFFSET;
}

/** The offset of the first byte of a range that begins with this number. */
export function firstByteOf(start: number): FileOffset {
  return start <= middle ? start : BigInt(start) + shift;
}

/** The offset of the last byte of a range that ends with this number. */
export function lastByteOf(end: number): FileOffset {
  if (end < middle) return end;
  return end === middle ? firstUpper - 1n : BigInt(end) + shift;
}
