// The memory that the fs process and the archive process share: what a reader is told when the writer was faster, or
// was killed in the middle of a record.
import { beforeEach, describe, expect, test } from 'vitest';
import { ArchiveMemory } from '../../../fs/state/archive-memory.ts';
import type { CommitFacts } from '../../../fs/state/commit-slots.ts';
import {
  commitSection,
  firstSlotByte,
  headerWord,
  positionSection,
  stateBytes,
  writerSection,
} from '../../../fs/state/layout.ts';
import { secondsSinceBoot } from '../../../fs/system/threads.ts';

let bytes: ArrayBuffer;
let memory: ArchiveMemory;

beforeEach(() => {
  bytes = new ArrayBuffer(stateBytes);
  memory = new ArchiveMemory(bytes);
});

function commit(lastFrame: number): CommitFacts {
  return {
    timeMs: 1_800_000_000_000.25 + lastFrame,
    inode: 2 ** 40 + 1,
    deviceMajor: 259,
    deviceMinor: 3,
    salt1: 0xffffffff,
    salt2: 0x80000000,
    lastFrame,
    checksum1: 0xfffffffe,
    checksum2: 7,
    databasePages: 9,
    pid: 4711,
    writer: 12,
    fsPid: 99,
    walFd: -1,
    shmFd: 30,
    isNext: lastFrame % 2 === 0,
    isClosing: lastFrame % 3 === 0,
    main:
      lastFrame % 2 === 0
        ? { seconds: 1_900_000_000, nanoseconds: 999_999_999, bytes: 2 ** 41, change: 0xffffffff }
        : undefined,
  };
}

function append(count: number): void {
  for (let number = 0; number < count; number++) memory.commits.append(commit(memory.commits.newest + 1));
}

describe('commit records', () => {
  test('a record comes back as it was written, to another process too', () => {
    append(2);
    const reader = new ArchiveMemory(bytes).commits;
    expect(reader.readAfter(1, 10)).toEqual({ records: [{ ...commit(2), number: 2 }], lost: 0 });
    expect(reader.readAfter(2, 10)).toEqual({ records: [], lost: 0 });
    expect(reader.newestTimeMs).toBe(commit(2).timeMs);
  });

  test('a reader that is a lap behind is told how many it has lost, once, and reads the rest in parts', () => {
    append(commitSection.slots + 5);
    const first = memory.commits.readAfter(2, 10);
    expect([first.lost, first.records[0]?.number, first.records.length]).toEqual([3, 6, 10]);
    const rest = memory.commits.readAfter(15, Number.POSITIVE_INFINITY);
    expect([rest.lost, rest.records.length]).toEqual([0, commitSection.slots + 5 - 15]);
    expect(rest.records.every(({ number, lastFrame }) => number === lastFrame)).toBe(true);
  });

  test('a kill in the middle of a record leaves nothing, and the successor takes the same number', () => {
    append(commitSection.slots);
    new Uint32Array(bytes, firstSlotByte(commitSection), 1)[0] = 0;
    expect(memory.commits.readAfter(0, 2)).toMatchObject({ records: [{ number: 2 }], lost: 1 });
    const successor = new ArchiveMemory(bytes).commits;
    successor.append(commit(1));
    const { records, lost } = successor.readAfter(commitSection.slots, 10);
    expect([records.map(({ number }) => number), lost]).toEqual([[commitSection.slots + 1], 0]);
  });
});

describe('writers', () => {
  test('a writer is unknown, then named, then written over', () => {
    const number = memory.writers.next();
    expect(memory.writers.find(number)).toBeUndefined();
    const writer = { pid: 4711, command: 'python3 import.py', container: '3f2a9c01d2b4' };
    memory.writers.name(number, writer);
    expect(new ArchiveMemory(bytes).writers.find(number)).toEqual(writer);
    for (let count = 0; count < writerSection.slots; count++) memory.writers.next();
    expect(memory.writers.find(number)).toBeNull();
  });

  test('one that was gone before it could be looked at is nobody, and a long command is cut at a character', () => {
    const gone = memory.writers.next();
    memory.writers.name(gone, undefined);
    expect([memory.writers.find(gone), memory.writers.find(0)]).toEqual([null, null]);
    const long = memory.writers.next();
    memory.writers.name(long, { pid: 1, command: '\u00e9'.repeat(1000), container: 'host' });
    const command = memory.writers.find(long)?.command ?? '';
    expect(command).toBe('\u00e9'.repeat(command.length));
    expect(command.length).toBeGreaterThan(200);
  });
});

describe('positions', () => {
  const position = { salt1: 0xffffffff, salt2: 1, frames: 8, isArchived: true };
  const file = { inode: 77, deviceMajor: 259, deviceMinor: 3 };

  test('files whose inodes meet in one slot, or differ in the device, are told apart', () => {
    const others = [
      { ...file, inode: file.inode + positionSection.slots },
      { ...file, deviceMajor: 8 },
    ];
    memory.positions.publish(file, position);
    for (const other of others) expect(memory.positions.find(other)).toBeUndefined();
    for (const [index, other] of others.entries()) memory.positions.publish(other, { ...position, frames: index });
    memory.positions.publish(file, { ...position, isArchived: false });
    expect(memory.positions.find(file)).toEqual({ ...position, isArchived: false });
    expect(others.map((other) => memory.positions.find(other)?.frames)).toEqual([0, 1]);
  });

  test('half a position is none, and the next archive process begins with an empty table', () => {
    memory.positions.publish(file, position);
    const words = new Uint32Array(
      bytes,
      firstSlotByte(positionSection),
      (positionSection.slotBytes / 4) * positionSection.slots,
    );
    const at = words.findIndex((word) => word !== 0);
    words[at] = (words[at] ?? 0) + 1;
    expect(memory.positions.find(file)).toBeUndefined();
    memory.positions.clear();
    memory.positions.publish(file, { ...position, frames: 9 });
    expect(memory.positions.find(file)?.frames).toBe(9);
  });

  test('a file that has no room is said so', () => {
    for (let inode = 1; inode <= positionSection.slots; inode++) memory.positions.publish({ ...file, inode }, position);
    expect(memory.positions.publish({ ...file, inode: positionSection.slots + 1 }, position)).toBe(false);
  });
});

test('an archive process that was silent for more than a minute is not heeded', () => {
  expect(memory.isHeeded).toBe(false);
  memory.beat();
  expect(memory.isHeeded).toBe(true);
  new Uint32Array(bytes)[headerWord.archiveBeatS] = secondsSinceBoot() - 61;
  expect(memory.isHeeded).toBe(false);
});
