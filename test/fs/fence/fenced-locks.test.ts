// What everybody else meets at a fenced database: they wait, are refused when the time is over, and ask again when the
// fence is lifted.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { LockService } from '../../../fs/channel/lock-service.ts';
import type { Fence } from '../../../fs/fence/fence.ts';
import { FencedLocks } from '../../../fs/fence/fenced-locks.ts';
import { defaultLockLimits } from '../../../fs/locks/limits.ts';
import type { Node } from '../../../fs/nodes/nodes.ts';
import type { RequestOf, Unique } from '../../../fs/protocol/requests.ts';
import { SILENT } from '../../../fs/protocol/results.ts';

const [EINTR, EAGAIN] = [4, 11];
const [F_RDLCK, F_WRLCK, F_UNLCK] = [0, 1, 2];
const fenceMs = 15_000;
const blockingMs = 60_000;

let nowMs = 1000;
beforeEach(() => {
  nowMs = 1000;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
});
afterEach(() => void vi.restoreAllMocks());

const fencedNode = { key: 'fenced' } as Node;
const freeNode = { key: 'free' } as Node;
let nextUnique = 1;
const request = (op: 'SETLK' | 'SETLKW', type = F_WRLCK) =>
  ({ op, type, unique: nextUnique++ }) as RequestOf<'SETLK' | 'SETLKW'>;

/** The lock manager behind answers `answer` and has something due in `dueMs`. */
function createLocks({ answer = 0, dueMs = -1 } = {}) {
  const reached: unknown[] = [];
  const answered: [Unique, number][] = [];
  const covered = new Set(['fenced']);
  const inner = {
    test: () => 24,
    set: (node: Node, asked: object) => {
      reached.push([node.key, (asked as { unique: Unique }).unique]);
      return answer;
    },
    interrupt: (target: Unique) => reached.push(['interrupt', target]),
    nextDueMs: () => dueMs,
    runDue: () => false,
    pending: 3,
  } as unknown as LockService;
  const fence = { covers: (key: string) => covered.has(key) } as unknown as Fence;
  const limits = { ...defaultLockLimits, fenceMs, blockingMs };
  const locks = new FencedLocks(inner, fence, limits, ({ unique }, result) => answered.push([unique, result]));
  const lift = () => {
    covered.clear();
    locks.lifted();
  };
  return { locks, reached, answered, lift };
}

test('other databases are none of its business', () => {
  const { locks, reached } = createLocks({ answer: -EAGAIN });
  const asked = request('SETLK');
  expect(locks.set(freeNode, asked)).toBe(-EAGAIN);
  expect(locks.test(freeNode, {} as never, Buffer.alloc(64))).toBe(24);
  expect(reached).toEqual([['free', asked.unique]]);
});

test.each([F_RDLCK, F_WRLCK])(
  'a lock of type %d waits, and is refused when the time since the start is over',
  (type) => {
    const { locks, reached, answered } = createLocks();
    const asked = request('SETLK', type);
    nowMs += 1000;
    expect(locks.set(fencedNode, asked)).toBe(SILENT);
    expect([locks.pending, locks.nextDueMs()]).toEqual([4, fenceMs - 1000]);
    nowMs += fenceMs - 1001;
    locks.runDue(true);
    expect(answered).toEqual([]);
    nowMs += 1;
    expect(locks.runDue(true)).toBe(true);
    expect(answered).toEqual([[asked.unique, -EAGAIN]]);
    expect([locks.pending, locks.nextDueMs(), locks.runDue(true)]).toEqual([3, -1, false]);
    expect(locks.set(fencedNode, request('SETLK', type))).toBe(-EAGAIN);
    expect(reached).toEqual([]);
  },
);

test('one that may wait for ever waits for its own time, and is interrupted at its end', () => {
  const { locks, answered } = createLocks();
  nowMs += fenceMs + 5000;
  const asked = request('SETLKW');
  expect(locks.set(fencedNode, asked)).toBe(SILENT);
  expect(locks.nextDueMs()).toBe(blockingMs);
  nowMs += blockingMs;
  locks.runDue(true);
  expect(answered).toEqual([[asked.unique, -EINTR]]);
});

test('an unlock has nothing to wait for', () => {
  const { locks, reached } = createLocks();
  expect(locks.set(fencedNode, request('SETLK', F_UNLCK))).toBe(0);
  expect([locks.pending, reached]).toEqual([3, []]);
});

test('who asks for the holder is told of one that is no client of the mount, on the whole file', () => {
  const { locks } = createLocks();
  const out = Buffer.alloc(64, 0xff);
  expect(locks.test(fencedNode, {} as never, out)).toBe(24);
  expect([out.readBigUInt64LE(0), out.readBigUInt64LE(8), out.readUInt32LE(16), out.readUInt32LE(20)]).toEqual([
    0n,
    2n ** 63n - 1n,
    F_WRLCK,
    0,
  ]);
});

test('an interrupt ends a wait here, and any other one goes to the lock manager', () => {
  const { locks, reached, answered } = createLocks();
  const asked = request('SETLKW');
  locks.set(fencedNode, asked);
  locks.interrupt(asked.unique);
  expect([answered, locks.pending]).toEqual([[[asked.unique, -EINTR]], 3]);
  locks.interrupt(asked.unique);
  expect(reached).toEqual([['interrupt', asked.unique]]);
});

test('when the fence is lifted, those who waited ask the lock manager, in their order', () => {
  const { locks, reached, answered, lift } = createLocks({ answer: 0 });
  const [first, second] = [request('SETLK'), request('SETLKW')];
  locks.set(fencedNode, first);
  locks.set(fencedNode, second);
  locks.lifted(); // that of another database
  expect(reached).toEqual([]);
  lift();
  expect(reached).toEqual([
    ['fenced', first.unique],
    ['fenced', second.unique],
  ]);
  expect(answered).toEqual([
    [first.unique, 0],
    [second.unique, 0],
  ]);
  expect(locks.pending).toBe(3);
});

test('one that the lock manager lets wait is answered by that', () => {
  const { locks, answered, lift } = createLocks({ answer: SILENT });
  locks.set(fencedNode, request('SETLK'));
  lift();
  expect([answered, locks.pending]).toEqual([[], 3]);
});

test('the loop wakes for whatever comes first, here or in the lock manager', () => {
  const { locks } = createLocks({ dueMs: 20 });
  locks.set(fencedNode, request('SETLK'));
  expect(locks.nextDueMs()).toBe(20);
  nowMs += fenceMs - 7;
  expect(locks.nextDueMs()).toBe(7);
});
