import { beforeEach, expect, test } from 'vitest';
import { type CaptureFacts, CaptureRing } from '../../../fs/state/capture-ring.ts';
import { captureSection, stateBytes } from '../../../fs/state/layout.ts';

const ringBytes = captureSection.slotBytes * captureSection.slots;
const half = Buffer.alloc(ringBytes / 2, 7);
const facts: CaptureFacts = {
  kind: 'write',
  inode: 2 ** 40 + 3,
  deviceMajor: 8,
  deviceMinor: 17,
  bytes: 2 ** 41 + 5,
  mtimeSeconds: 1_800_000_000,
  mtimeNanoseconds: 999_999_999,
  timeMs: 1_800_000_000_123.5,
  writer: 12,
  afterCommit: 2 ** 33,
  isJournaled: true,
  isUncertain: false,
};
let ring: CaptureRing;

beforeEach(() => {
  ring = new CaptureRing(new ArrayBuffer(stateBytes));
  ring.begin();
});

const all = (from: number) => [...ring.readFrom(from, ringBytes)];

test('what is appended is read as it was, in order', () => {
  const data = [Buffer.from('one'), Buffer.alloc(4096, 2), Buffer.alloc(0)];
  for (const bytes of data) expect(ring.append(facts, bytes)).toBe(true);
  ring.append({ ...facts, kind: 'end', isJournaled: false, isUncertain: true }, Buffer.from('app.db'));
  const records = all(0);
  expect(records.slice(0, 3).map((record) => record.data)).toEqual(data);
  expect(records[1]).toMatchObject(facts);
  expect(records[3]).toMatchObject({ kind: 'end', isJournaled: false, isUncertain: true });
  expect(records.map(({ position }) => position).slice(1)).toEqual(records.map(({ next }) => next).slice(0, 3));
  expect(records.at(-1)?.next).toBe(ring.head);
});

test('a full ring takes nothing more until its reader gives room back, and loses nothing of what it has', () => {
  expect(ring.append(facts, half)).toBe(true);
  expect(ring.append(facts, half)).toBe(false);
  expect(all(0)).toHaveLength(1);
  ring.tail = ring.head;
  expect(ring.fullness).toBe(0);
  expect(ring.append({ ...facts, writer: 99 }, half)).toBe(true); // from the beginning again
  const [record] = all(ring.tail);
  expect([record?.writer, record?.data.equals(half)]).toEqual([99, true]);
});

test('round and round, records of all sizes come out as they went in', () => {
  let expected = 0;
  let position = 0;
  for (let number = 1; number <= 3000; number++) {
    const data = Buffer.alloc((number * 7919) % 200_000, number);
    expect(ring.append({ ...facts, writer: number }, data)).toBe(true);
    if (number % 17 !== 0) continue;
    for (const record of all(position)) {
      const written = Buffer.alloc((record.writer * 7919) % 200_000, record.writer);
      expect([record.writer, record.data.equals(written)]).toEqual([++expected, true]);
      position = record.next;
    }
    ring.tail = position;
  }
  expect(expected).toBeGreaterThan(2900);
});

test('two mounts have rings with other salts; a successor on the same one has the same', () => {
  const memory = new ArrayBuffer(stateBytes);
  const first = new CaptureRing(memory);
  expect(first.salts).toEqual({ salt1: 0, salt2: 0 });
  first.begin();
  const successor = new CaptureRing(memory);
  successor.begin();
  expect(successor.salts).toEqual(first.salts);
  expect(successor.salts).not.toEqual(ring.salts);
});
