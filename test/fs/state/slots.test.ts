import { describe, expect, test } from 'vitest';
import type { HandleId, NodeId, Unique } from '../../../fs/protocol/requests.ts';
import { HandleSlots } from '../../../fs/state/handle-slots.ts';
import { firstSlotByte, lockSection, nodeSection, stateBytes, waiterSection } from '../../../fs/state/layout.ts';
import { LockSlots } from '../../../fs/state/lock-slots.ts';
import { NodeSlots } from '../../../fs/state/node-slots.ts';
import { CurrentOperation } from '../../../fs/state/operation.ts';
import { WaiterSlots } from '../../../fs/state/waiter-slots.ts';
import { close } from '../../../fs/system/files.ts';
import { inodeHandleBytes } from '../../../fs/system/inode-handles.ts';
import { createMemoryFile, mapMemoryFile } from '../../../fs/system/memory.ts';
import { statxOffset, statxSize } from '../../../fs/system/stat.ts';

const handle = Buffer.alloc(inodeHandleBytes, 9);
const fail = (slot: number) => {
  throw new Error(`slot ${slot} is damaged`);
};

function freshMemory(): ArrayBuffer {
  const fd = createMemoryFile('test', stateBytes);
  const memory = mapMemoryFile(fd, stateBytes);
  close(fd);
  return memory;
}

function statOf(inode: number): Buffer {
  const stat = Buffer.alloc(statxSize);
  stat.writeUInt32LE(inode, statxOffset.ino);
  stat.writeUInt32LE(8, statxOffset.devMajor);
  return stat;
}

describe('the memory that outlives the fs process', () => {
  test('nodes come back with their counts, ids and handles', () => {
    const memory = freshMemory();
    const nodes = new NodeSlots(memory);
    const slot = nodes.add(70 as NodeId, true, handle);
    nodes.setLookups(slot, 3);
    nodes.setBackingId(slot, 12);
    nodes.setFolder(slot, 9 as NodeId);
    nodes.remove(nodes.add(71 as NodeId, false, handle));
    expect([...new NodeSlots(memory).stored(fail)]).toEqual([
      { slot, id: 70, isDirectory: true, isKept: false, lookups: 3, backingId: 12, folder: 9, handle },
    ]);
  });

  test('a freed slot is used again, by a successor too', () => {
    const memory = freshMemory();
    const first = new NodeSlots(memory);
    const slots = [1, 2, 3].map((id) => first.add(id as NodeId, false, handle));
    first.remove(slots[1] ?? -1);
    first.setFolder(slots[1] ?? -1, 9 as NodeId);
    const next = new NodeSlots(memory);
    expect(next.add(4 as NodeId, false, handle)).toBe(slots[1]);
    expect([...next.stored(fail)].map(({ folder }) => folder)).toEqual([0, 0, 0]);
  });

  test('a damaged slot is reported and dropped, its neighbours stay', () => {
    const memory = freshMemory();
    const nodes = new NodeSlots(memory);
    for (const id of [1, 2, 3]) nodes.add(id as NodeId, false, handle);
    new Uint8Array(memory)[firstSlotByte(nodeSection) + nodeSection.slotBytes + 40] = 255;
    const damaged: number[] = [];
    const found = [...new NodeSlots(memory).stored((slot) => damaged.push(slot))];
    expect(found.map(({ id }) => id)).toEqual([1, 3]);
    expect(damaged).toEqual([1]);
  });

  test('handles come back with the request that opened them', () => {
    const memory = freshMemory();
    const opened = {
      id: 5,
      nodeId: 6,
      access: 0,
      isDirect: true,
      pid: 77,
      openedS: 12,
      unique: 1234567890124,
    } as const;
    const stored = { ...opened, id: 5 as HandleId, nodeId: 6 as NodeId, unique: opened.unique as Unique };
    const slot = new HandleSlots(memory).add(stored);
    expect([...new HandleSlots(memory).stored(fail)]).toEqual([{ slot, ...stored }]);
  });

  test('locks are told from the first one that has no room, and owners from those with too many', () => {
    const locks = new LockSlots(freshMemory());
    const store = locks.storeOf(1, false);
    const lock = (start: number) => ({ start, end: start, type: 'write', pid: 1, tid: 1, sinceMs: 0 }) as const;
    const first = { owner: 1n, handle: 1, ranges: [lock(0)], slots: [] };
    expect(store.hasRoomFor(undefined, 4096)).toBe(true);
    expect(store.hasRoomFor(undefined, 4097)).toBe(false);
    store.save(first);
    for (let owner = 2n; store.hasRoomFor(undefined, 1); owner++) {
      store.save({ owner, handle: 1, ranges: [lock(0)], slots: [] });
    }
    expect([...locks.stored(fail)]).toHaveLength(lockSection.slots);
    expect([9, 10].map((ranges) => store.hasRoomFor(first, ranges))).toEqual([true, false]);
    store.remove(first);
    expect([9, 10].map((ranges) => store.hasRoomFor(undefined, ranges))).toEqual([true, false]);
  });

  test("a waiter that has no room is told so, and takes nobody else's", () => {
    const waiters = new WaiterSlots(freshMemory());
    for (let unique = 1; unique <= waiterSection.slots; unique++) expect(waiters.add(unique as Unique)).toBe(true);
    expect(waiters.add(1 as Unique)).toBe(true);
    expect(waiters.add(-1 as Unique)).toBe(false);
    waiters.remove(7 as Unique);
    expect(waiters.add(-1 as Unique)).toBe(true);
  });

  test('waiters keep their order; those that no longer ask are forgotten', () => {
    const memory = freshMemory();
    const first = new WaiterSlots(memory);
    for (const unique of [30, 10, 20]) first.add(unique as Unique);
    first.remove(10 as Unique);
    first.add(10 as Unique);
    const next = new WaiterSlots(memory);
    const asked = [10, 20, 30] as Unique[];
    expect(asked.toSorted((a, b) => next.turnOf(a) - next.turnOf(b))).toEqual([30, 20, 10]);
    next.retain(new Set([20 as Unique]));
    expect(new WaiterSlots(memory).size).toBe(1);
    expect(next.turnOf(30 as Unique)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('the operation that was half done', () => {
  const unique = 4711 as Unique;

  test('lookups that were counted are not counted again when the request is repeated', () => {
    const memory = freshMemory();
    const first = new CurrentOperation(memory);
    first.begin(unique, false, 1);
    for (const _ of [1, 2]) if (first.countsLookup()) first.counted();
    const next = new CurrentOperation(memory);
    next.begin(unique, true, 1);
    expect([next.countsLookup(), next.countsLookup(), next.countsLookup()]).toEqual([false, false, true]);
  });

  test('another request that is repeated starts from nothing', () => {
    const memory = freshMemory();
    const first = new CurrentOperation(memory);
    first.begin(unique, false, 1);
    first.counted();
    first.intendToRemove(statOf(1));
    const next = new CurrentOperation(memory);
    next.begin(4712 as Unique, true, 1);
    expect([next.countsLookup(), next.hasRemoved, next.hasMade]).toEqual([true, false, false]);
  });

  test('a name that was absent at first and is there now was made by the dead process, however often it dies', () => {
    const memory = freshMemory();
    const first = new CurrentOperation(memory);
    first.begin(unique, false, 1);
    first.intendToMake(false);
    expect(first.hasMade).toBe(false);
    for (let death = 0; death < 2; death++) {
      const next = new CurrentOperation(memory);
      next.begin(unique, true, 1);
      next.intendToMake(true);
      expect(next.hasMade).toBe(true);
    }
  });

  test('a name that was there at first was not made by the dead process', () => {
    const memory = freshMemory();
    const first = new CurrentOperation(memory);
    first.begin(unique, false, 1);
    first.intendToMake(true);
    const next = new CurrentOperation(memory);
    next.begin(unique, true, 1);
    expect(next.hasMade).toBe(false);
  });

  test('what was noted is there when the request comes again, whatever was served before it', () => {
    const memory = freshMemory();
    const first = new CurrentOperation(memory);
    first.begin(unique, false, 1);
    first.intendToMake(false);
    const next = new CurrentOperation(memory);
    for (let other = 1; other <= 3; other++) {
      next.begin((unique + other) as Unique, false, 2);
      next.end();
    }
    next.begin(unique, true, 1);
    expect(next.hasMade).toBe(true);
  });

  test('the deaths in a request are counted until it is answered, and no others', () => {
    const memory = freshMemory();
    const idle = new CurrentOperation(memory);
    idle.begin(1 as Unique, false, 3);
    idle.end();
    expect(new CurrentOperation(memory).interrupted).toBeUndefined();
    for (let deaths = 0; deaths < 3; deaths++) {
      const process = new CurrentOperation(memory);
      process.begin(2 as Unique, false, 3);
      process.end();
      expect(process.begin(unique, true, 16)).toBe(deaths);
    }
    const last = new CurrentOperation(memory);
    expect(last.interrupted).toEqual({ unique, opcode: 16, deaths: 3 });
    expect(last.begin(unique, true, 16)).toBe(3);
    last.end();
    expect(new CurrentOperation(memory).begin(unique, true, 16)).toBe(0);
  });

  test('what is not sent again is forgotten, and more of it than there is room for costs only its memory', () => {
    const memory = freshMemory();
    for (let at = 1; at <= 100; at++) new CurrentOperation(memory).begin(at as Unique, false, 3);
    const last = new CurrentOperation(memory);
    expect(last.begin(100 as Unique, true, 3)).toBe(1);
    last.end();
    last.forgetInterrupted();
    expect(last.begin(99 as Unique, true, 3)).toBe(0);
  });

  test('a rename is known to be done by the inode that has the new name', () => {
    const memory = freshMemory();
    const first = new CurrentOperation(memory);
    first.begin(unique, false, 1);
    first.intendToRename(statOf(1), statOf(2));
    const next = new CurrentOperation(memory);
    next.begin(unique, true, 1);
    expect([next.hasRenamed(statOf(2)), next.hasRenamed(statOf(1))]).toEqual([false, true]);
  });
});
