import { expect, test } from 'vitest';
import { CommitNotices, type WrittenDatabase } from '../../../fs/lock-binding/commit-notices.ts';

test('many commits are told at once, 20 times a second at most', () => {
  const told: (readonly WrittenDatabase[])[] = [];
  const notices = new CommitNotices((databases) => told.push(databases));
  const counts: number[] = [];
  expect(notices.dueMs).toBe(Number.POSITIVE_INFINITY);
  for (let nowMs = 0; nowMs < 1000; nowMs++) {
    notices.note(nowMs % 2 === 0 ? 'a.db' : 'b.db', nowMs % 3, nowMs);
    if (notices.runDue(nowMs)) counts.push(nowMs);
  }
  expect(counts.slice(0, 3)).toEqual([10, 60, 110]);
  expect(counts).toHaveLength(20);
  expect(told[1]).toEqual([
    { name: 'b.db', pids: [2, 1, 0] },
    { name: 'a.db', pids: [0, 2, 1] },
  ]);
});

test('a commit after a silence is told 10 ms later, and nothing is told twice', () => {
  const told: unknown[] = [];
  const notices = new CommitNotices((databases) => told.push(databases));
  notices.note('a.db', 7, 500);
  expect([notices.dueMs, notices.runDue(509), notices.runDue(510), notices.runDue(600)]).toEqual([
    510,
    false,
    true,
    false,
  ]);
  expect(told).toEqual([[{ name: 'a.db', pids: [7] }]]);
});
