// Which work may start beside which, over all databases.
import { expect, test } from 'vitest';
import { limits } from '../../../../server/messages/limits.ts';
import { hasRoomBeside, idleTooLong } from '../../../../server/process/scheduler/pool.ts';
import type { QueuedJob } from '../../../../server/process/scheduler/queue.ts';

type AnyLane = QueuedJob['lane'];

/** As much work of these lanes as may run at once, given in turns. */
function fill(running: readonly AnyLane[], ...lanes: readonly AnyLane[]): AnyLane[] {
  const all = [...running];
  for (let isFull = false; !isFull; ) {
    isFull = true;
    for (const lane of lanes) {
      if (all.length >= limits.executors || !hasRoomBeside(all, lane)) continue;
      all.push(lane);
      isFull = false;
    }
  }
  return all;
}

const mayStart = (running: readonly AnyLane[], lane: AnyLane) =>
  running.length < limits.executors && hasRoomBeside(running, lane);

test('reads find an executor, however many writes wait for locks', () => {
  const writers = fill([], 'kv-write', 'sql', 'background');
  for (const lane of ['kv-read', 'kv-scan', 'sql-read'] as const) expect(mayStart(writers, lane)).toBe(true);
  const onlyKeys = fill([], 'kv-write');
  for (const lane of ['kv-read', 'kv-scan', 'sql-read'] as const) expect(mayStart(onlyKeys, lane)).toBe(true);
  expect(mayStart(fill([], 'sql'), 'sql-read')).toBe(true);
});

test('the reads of few rows find one beside long reads and waiting writes', () => {
  expect(mayStart(fill(fill([], 'kv-write', 'sql', 'background'), 'sql-read', 'kv-scan'), 'kv-read')).toBe(true);
  expect(mayStart(fill(fill([], 'sql-read', 'kv-scan'), 'kv-write', 'background'), 'kv-read')).toBe(true);
});

test('key-value writes find one beside all long and background work', () => {
  expect(mayStart(fill([], 'sql', 'background'), 'kv-write')).toBe(true);
  expect(mayStart(fill([], 'sql-read', 'kv-scan', 'background'), 'kv-write')).toBe(true);
});

test('background work has its share', () => {
  const most = fill([], 'background');
  expect(most).toHaveLength(limits.backgroundExecutors);
});

test('executors that had nothing to do for long end, but the one that was used last stays', () => {
  const idle = (idleSinceMs: number) => ({ group: null, isReady: true, idleSinceMs });
  const [old, newer, newest] = [idle(0), idle(2), idle(1)];
  const nowMs = 3 + limits.executorIdleMs;
  expect(idleTooLong([old, newer, newest], nowMs)).toEqual([old, newest]);
  expect(idleTooLong([newer], nowMs)).toEqual([]);
  expect(idleTooLong([old, idle(nowMs)], nowMs)).toEqual([old]);
  expect(idleTooLong([old, newer], limits.executorIdleMs)).toEqual([]);
});
