// Every byte that a lock can name has a number of its own, in the order of the bytes, or none at all.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  END_OF_FILE,
  firstByteOf,
  lastByteOf,
  NO_LOCK_OFFSET,
  readLockOffset,
} from '../../../fs/protocol/lock-offsets.ts';
import { u64 } from '../wire.ts';

const last = 2n ** 63n - 1n;
const lowerEnd = 2n ** 52n - 1n;
const upperStart = 2n ** 63n - 2n ** 52n;
const numberOf = (offset: bigint) => readLockOffset(u64(offset), 0);
const nearAnEdge = fc
  .tuple(fc.constantFrom(0n, lowerEnd, 2n ** 53n, 2n ** 62n, upperStart, last), fc.bigInt(-100n, 100n))
  .map(([edge, distance]) => edge + distance)
  .filter((offset) => offset >= 0n && offset <= last);
const anywhere = fc.oneof(nearAnEdge, fc.bigInt(0n, last));

test('a number stands for one byte, and numbers are in the order of the bytes', () => {
  fc.assert(
    fc.property(anywhere, anywhere, (a, b) => {
      const [numberOfA, numberOfB] = [numberOf(a), numberOf(b)];
      if (numberOfA === NO_LOCK_OFFSET || numberOfB === NO_LOCK_OFFSET) return;
      expect(BigInt(firstByteOf(numberOfA))).toBe(a);
      expect(BigInt(lastByteOf(numberOfA))).toBe(a);
      expect(numberOfA < numberOfB).toBe(a < b);
    }),
    { numRuns: 2000 },
  );
});

test('only the middle of the 2^63 bytes, and what is no byte, has no number', () => {
  fc.assert(
    fc.property(anywhere, (offset) => {
      expect(numberOf(offset) === NO_LOCK_OFFSET).toBe(offset >= lowerEnd && offset < upperStart);
    }),
    { numRuns: 2000 },
  );
  expect(readLockOffset(u64(2n ** 63n), 0)).toBe(NO_LOCK_OFFSET);
  expect(readLockOffset(u64(2n ** 64n - 1n), 0)).toBe(NO_LOCK_OFFSET);
});

test('what is left beside a lock on either side ends at the very byte before it and begins at the very byte behind it', () => {
  expect(numberOf(last)).toBe(END_OF_FILE);
  expect(BigInt(lastByteOf(numberOf(upperStart) - 1))).toBe(upperStart - 1n);
  expect(BigInt(firstByteOf(numberOf(lowerEnd - 1n) + 1))).toBe(lowerEnd);
  expect(BigInt(lastByteOf(numberOf(last) - 1))).toBe(last - 1n);
});
