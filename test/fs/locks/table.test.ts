// The locks of one file: what the tally of ranges says is what a look at every owner says.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LockTable } from '../../../fs/locks/table.ts';

const store = { hasRoomFor: () => true, save: () => {}, remove: () => {} };
const lockOf = (start: number, end: number, type: 'read' | 'write') => ({
  start,
  end,
  type,
  pid: 1,
  tid: 1,
  sinceMs: 0,
});

test('who is in the way, and what is free, after any locks and unlocks', () => {
  const range = fc.tuple(fc.nat(12), fc.nat(5)).map(([start, more]) => ({ start, end: start + more }));
  const owner = fc.bigInt(1n, 5n);
  const step = fc.record({ owner, range, what: fc.constantFrom('read', 'write', 'unlock'), merges: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), range, owner, (steps, { start, end }, asker) => {
      const table = new LockTable(store);
      for (const { owner: by, range: at, what, merges } of steps) {
        if (what === 'unlock') table.clear(by, at.start, at.end);
        else table.set(by, 0, lockOf(at.start, at.end, what as 'read' | 'write'), merges);
      }
      const copy = new LockTable(store);
      for (const held of table.owners.values()) copy.insert(held);
      const all = [...table.owners.values()].flatMap((held) => held.ranges.map((one) => ({ owner: held.owner, one })));
      const overlapping = all.filter(({ one }) => one.start <= end && one.end >= start);
      const isTaken = (byte: number) => overlapping.some(({ one }) => one.start <= byte && byte <= one.end);
      const bytes = Array.from({ length: end - start + 1 }, (_, index) => start + index);
      for (const one of [table, copy]) {
        for (const type of ['read', 'write'] as const) {
          const others = overlapping.filter((held) => held.owner !== asker);
          const forbids = others.some((held) => type === 'write' || held.one.type === 'write');
          expect(one.conflict(asker, start, end, type) !== undefined).toBe(forbids);
        }
        const free = one.freeParts(start, end).flatMap((part) => bytes.filter((b) => b >= part.start && b <= part.end));
        expect(free).toEqual(bytes.filter((byte) => !isTaken(byte)));
      }
    }),
  );
});

test('a lock that nobody forbids looks at no owner, however many there are', () => {
  const table = new LockTable(store);
  for (let owner = 1n; owner <= 1000n; owner++) table.set(owner, 0, lockOf(128, 128, 'read'), false);
  table.owners.values = () => {
    throw new Error('all owners were looked at');
  };
  expect(table.conflict(1n, 124, 124, 'write')).toBe(undefined);
  expect(table.conflict(1n, 128, 128, 'read')).toBe(undefined);
  table.set(1n, 0, lockOf(124, 124, 'write'), false);
  expect(table.clear(1n, 124, 124)).toBe(true);
  expect(table.freeParts(120, 128)).toEqual([{ start: 120, end: 127 }]);
});
