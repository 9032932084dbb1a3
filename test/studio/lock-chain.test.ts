// What the page makes of lock snapshots: the blocking chain, events, the map of bytes, and the same as text.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { locksAsText } from '../../server/studio/src/locks/as-text.ts';
import { byteMap } from '../../server/studio/src/locks/byte-map.ts';
import { type ChainNode, chainOf } from '../../server/studio/src/locks/chain.ts';
import { latestPerFrame } from '../../server/studio/src/locks/frames.ts';
import { eventsBetween } from '../../server/studio/src/locks/lock-events.ts';
import { type DatabaseLocks, type LockHolder, type LockWaiter, later } from '../../server/studio/src/locks/snapshot.ts';
import { duration, meaningOf, meaningOfLock, wishOf } from '../../server/studio/src/locks/words.ts';

const holds = (pid: number, lock: string, mode: 'shared' | 'exclusive', heldMs = 100): LockHolder => ({
  pid,
  lock,
  mode,
  heldMs,
  command: `program${pid}`,
  container: 'host',
});
const waits = (pid: number, lock: string, blockedBy: number[], waitMs = 100): LockWaiter => ({
  pid,
  lock,
  mode: 'exclusive',
  waitMs,
  blockedBy,
  command: `program${pid}`,
  container: 'host',
});
const locks = (holders: LockHolder[], waiters: LockWaiter[]): DatabaseLocks => ({
  db: 'app.db',
  journal: 'wal',
  holders,
  waiters,
});
type Shape = readonly [number, ...Shape[]];
const shape = ({ pid, children }: ChainNode): Shape => [pid, ...children.map(shape)];

test('the head blocker is the root, and those who wait for it stand below in the order of their wait', () => {
  const chain = chainOf(
    locks(
      [holds(40, 'READ1', 'shared'), holds(811, 'WRITE', 'exclusive', 6_100), holds(811, 'DMS', 'shared')],
      [waits(92, 'WRITE', [811], 4_200), waits(93, 'WRITE', [811, 92], 1_000)],
    ),
  );
  expect(chain.roots.map(shape)).toEqual([[811, [92], [93]], [40]]);
  expect(chain.roots[0]?.children.map(({ place, alsoBehind }) => [place, alsoBehind])).toEqual([
    [1, []],
    [2, [92]],
  ]);
  expect(chain).toMatchObject({ holders: 2, waiters: 2, longestWaitMs: 4_200 });
});

test('who blocks a waiter and waits himself stands between', () => {
  const chain = chainOf(
    locks(
      [holds(1, 'SHARED', 'shared'), holds(2, 'RESERVED', 'exclusive')],
      [waits(2, 'EXCLUSIVE', [1]), waits(3, 'RESERVED', [2])],
    ),
  );
  expect(chain.roots.map(shape)).toEqual([[1, [2, [3]]]]);
});

test('programs that only have the database open stand apart', () => {
  const chain = chainOf(locks([holds(1, 'DMS', 'shared'), holds(2, 'DMS', 'shared'), holds(2, 'READ1', 'shared')], []));
  expect(chain.roots.map(({ pid }) => pid)).toEqual([2]);
  expect(chain.idle.map(({ pid }) => pid)).toEqual([1]);
  expect(chain.holders).toBe(1);
});

test('SHARED of a WAL database is held by everybody who has it open, that of a rollback journal by readers', () => {
  const parties = locks(
    [holds(1, 'SHARED', 'shared'), holds(2, 'SHARED', 'shared'), holds(2, 'WRITE', 'exclusive')],
    [],
  );
  const inWal = chainOf(parties);
  expect(inWal.idle.map(({ pid }) => pid)).toEqual([1]);
  expect(inWal.roots.map(({ pid, holds: held }) => [pid, held.map(({ lock }) => lock)])).toEqual([[2, ['WRITE']]]);
  const inRollback = chainOf({ ...parties, journal: 'rollback' });
  expect(inRollback.roots.map(({ pid }) => pid)).toEqual([2, 1]);
  const began = { atMs: 0, sinceMs: 0, firstId: 0 };
  expect(eventsBetween({ databases: [] }, { databases: [parties] }, began).map(({ lock }) => lock)).toEqual(['WRITE']);
});

test('every program stands in the tree exactly once, circles and unknown blockers included', () => {
  const pid = fc.integer({ min: 0, max: 6 });
  const holder = pid.map((number) => holds(number, 'READ1', 'shared'));
  const waiter = fc
    .tuple(pid, fc.array(pid, { maxLength: 3 }))
    .map(([number, behind]) => waits(number, 'WRITE', behind));
  fc.assert(
    fc.property(fc.array(holder, { maxLength: 5 }), fc.array(waiter, { maxLength: 6 }), (holders, waiters) => {
      const { roots, idle } = chainOf(locks(holders, waiters));
      const all = (node: ChainNode): number[] => [node.pid, ...node.children.flatMap(all)];
      const shown = [...roots, ...idle].flatMap(all).sort();
      expect(shown).toEqual([...new Set([...holders, ...waiters].map((party) => party.pid))].sort());
    }),
  );
});

test('events tell who got a lock, after which wait, who let go and who gave up', () => {
  const before = {
    databases: [
      locks([holds(1, 'WRITE', 'exclusive', 900)], [waits(2, 'WRITE', [1], 500), waits(3, 'WRITE', [1], 300)]),
    ],
  };
  const after = {
    databases: [locks([holds(2, 'WRITE', 'exclusive', 10), holds(4, 'DMS', 'shared')], [waits(5, 'WRITE', [2], 5)])],
  };
  const events = eventsBetween(before, after, { atMs: 1_000, sinceMs: 100, firstId: 7 });
  expect(events.map(({ kind, pid, ms }) => [kind, pid, ms])).toEqual([
    ['let-go', 1, 1_000],
    ['got-after-wait', 2, 600],
    ['stopped-waiting', 3, 400],
    ['waits', 5, null],
  ]);
  expect(events.map(({ id }) => id)).toEqual([7, 8, 9, 10]);
  expect(eventsBetween(after, after, { atMs: 0, sinceMs: 0, firstId: 0 })).toEqual([]);
  const gone = eventsBetween(after, { databases: [] }, { atMs: 0, sinceMs: 0, firstId: 0 });
  expect(gone.map(({ kind }) => kind)).toEqual(['let-go', 'stopped-waiting']);
});

test('the map of bytes shows who holds and who waits for each', () => {
  const map = byteMap(
    locks(
      [holds(1, 'WRITE', 'exclusive'), holds(2, 'READ1', 'shared'), holds(3, 'EXCLUSIVE+PENDING', 'exclusive')],
      [waits(4, 'WRITE', [1])],
    ),
  );
  const byte = (name: string) => [...map.file, ...map.shm].find((one) => one.name === name);
  expect(byte('WRITE')).toMatchObject({ exclusive: [1], shared: [], waiting: [4] });
  expect(byte('READ1')).toMatchObject({ exclusive: [], shared: [2] });
  expect(byte('SHARED')?.exclusive).toEqual([3]);
  expect(byte('PENDING')?.exclusive).toEqual([3]);
  expect(byte('CKPT')).toMatchObject({ exclusive: [], shared: [], waiting: [] });
});

test('the chain as text says who blocks whom in words', () => {
  const chain = chainOf(
    locks(
      [holds(811, 'WRITE', 'exclusive', 6_100), holds(811, 'READ1', 'shared', 6_200)],
      [waits(92, 'WRITE', [811], 4_250)],
    ),
  );
  expect(locksAsText([chain])).toBe(
    [
      'app.db (journal: wal)',
      '  program811 (pid 811, on the host) writes: WRITE READ1, held 6.2 s',
      '    #1 program92 (pid 92, on the host) waits to write: WRITE, 4.2 s',
      '',
    ].join('\n'),
  );
  expect(locksAsText([])).toBe('Nobody holds a lock.\n');
});

test('locks have plain meanings', () => {
  expect(meaningOf([holds(1, 'SHARED', 'shared'), holds(1, 'RESERVED', 'exclusive')])).toBe('writes');
  expect(meaningOf([holds(1, 'READ3', 'shared'), holds(1, 'DMS', 'shared')])).toBe('reads');
  expect(meaningOfLock(holds(1, 'DMS', 'shared'), 'wal')).toBe('has it open');
  expect(meaningOfLock(holds(1, 'SHARED', 'shared'), 'wal')).toBe('has it open');
  expect(meaningOfLock(holds(1, 'SHARED', 'shared'), 'delete')).toBe('reads');
  expect(wishOf('RESERVED', 'exclusive')).toBe('waits to write');
  expect(wishOf('PENDING', 'shared')).toBe('waits to begin');
  expect([150, 12_540, 200_000, 7_500_000].map(duration)).toEqual(['0.1 s', '12.5 s', '3 min 20 s', '2 h 5 min']);
});

test('times go on between two snapshots', () => {
  const [database] = later(
    { databases: [locks([holds(1, 'WRITE', 'exclusive', 10)], [waits(2, 'WRITE', [1], 5)])] },
    100,
  ).databases;
  expect(database?.holders[0]?.heldMs).toBe(110);
  expect(database?.waiters[0]?.waitMs).toBe(105);
});

test('a thousand snapshots between two frames are drawn once, the newest', () => {
  const frames: (() => void)[] = [];
  const drawn: number[] = [];
  const stream = latestPerFrame<number>(
    (value) => drawn.push(value),
    (callback) => frames.push(callback),
    () => frames.splice(0),
  );
  for (let event = 1; event <= 1000; event += 1) stream.push(event);
  expect(frames).toHaveLength(1);
  frames.shift()?.();
  stream.push(1001);
  frames.shift()?.();
  expect(drawn).toEqual([1000, 1001]);
  stream.push(1002);
  stream.stop();
  expect(frames).toHaveLength(0);
});
