import { expect, test } from 'vitest';
import { copyInodeNumber, InodeNumbers, type InodeSpace } from '../../../fs/nodes/inode-numbers.ts';
import { statxOffset, statxSize } from '../../../fs/system/stat.ts';

function seen(space: InodeSpace, number: bigint): bigint {
  const from = Buffer.alloc(8);
  from.writeBigUInt64LE(number);
  const out = Buffer.alloc(16);
  copyInodeNumber(space, from, 0, out, 8);
  return out.readBigUInt64LE(8);
}

const statOf = (major: number, minor: number): Buffer => {
  const stat = Buffer.alloc(statxSize);
  stat.writeUInt32LE(major, statxOffset.devMajor);
  stat.writeUInt32LE(minor, statxOffset.devMinor);
  return stat;
};

test("numbers of the data directory's own file system are what they are", () => {
  for (const number of [1n, 2n ** 32n, 2n ** 40n - 1n]) expect(seen(0, number)).toBe(number);
});

test('the same number in two spaces is two numbers, for every number that a file system may have', () => {
  const numbers = [1n, 2n, 11n, 2n ** 31n, 2n ** 32n + 1n, 2n ** 40n - 1n, 2n ** 40n, 2n ** 63n, 2n ** 64n - 1n];
  const all = [0, 1, 2, 0xfff, 0x1fff, 0x2000, 0x12000].flatMap((space) =>
    numbers.map((number) => seen(space, number)),
  );
  expect(new Set(all).size).toBe(all.length);
  expect(all).not.toContain(0n);
  for (const number of all) expect(number).toBeLessThan(2n ** 63n);
  expect(seen(0x1fff, 2n ** 40n - 1n)).toBe(2n ** 53n - 1n);
});

test('a device keeps its space for as long as the run-time folder lives, and never has that of another', () => {
  let kept: ReadonlyMap<string, InodeSpace> = new Map();
  const store = {
    load: () => kept,
    save: (known: ReadonlyMap<string, InodeSpace>) => {
      kept = new Map(known);
    },
  };
  // -1 is no descriptor: the spaces then begin where the device's number says, as on a file system that says nothing.
  const first = new InodeNumbers(statOf(8, 1), store);
  expect(first.spaceOf(statOf(8, 1), -1)).toBe(0);
  const spaces = Array.from({ length: 500 }, (_, minor) => first.spaceOf(statOf(7, minor), -1));
  expect(new Set(spaces).size).toBe(500);
  expect(Math.min(...spaces)).toBeGreaterThan(0);
  const next = new InodeNumbers(statOf(8, 1), store);
  expect(Array.from({ length: 500 }, (_, minor) => next.spaceOf(statOf(7, minor), -1))).toEqual(spaces);
});

test('a file system beyond the 8,191 spaces has one of its own as well, and takes none away', () => {
  const store = { load: () => new Map<string, InodeSpace>(), save: () => {} };
  const numbers = new InodeNumbers(statOf(8, 1), store);
  const spacesOf = () => Array.from({ length: 8300 }, (_, minor) => numbers.spaceOf(statOf(7, minor), -1));
  const spaces = spacesOf();
  expect(new Set(spaces.map((space) => seen(space, 12n))).size).toBe(spaces.length);
  expect(spacesOf()).toEqual(spaces);
});
