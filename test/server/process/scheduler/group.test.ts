import { expect, test } from 'vitest';
import type { ErrorCode } from '../../../../server/messages/errors.ts';
import type { Outcome } from '../../../../server/messages/jobs.ts';
import { limits } from '../../../../server/messages/limits.ts';
import {
  type Group,
  isHandedBack,
  isToBreakUp,
  makeGroup,
  mayGiveWay,
  noticeSlow,
  outcomeOfJob,
  outcomeOfLoss,
  refusal,
  whyToStop,
} from '../../../../server/process/scheduler/group.ts';
import { DatabaseQueue, type QueuedJob } from '../../../../server/process/scheduler/queue.ts';

const job = (more: Partial<QueuedJob> = {}): QueuedJob => ({
  operation: '',
  lane: 'kv-read',
  args: null,
  create: false,
  alone: false,
  sizeBytes: 0,
  deadlineMs: 10_000,
  isGone: () => false,
  isCancelled: () => false,
  isShared: false,
  isRetried: false,
  runsAlone: false,
  needsWriter: false,
  settle: () => {},
  ...more,
});
const gone = { isGone: () => true };

/** Of jobs of one lane, begun at 0. */
function groupOf(...jobs: QueuedJob[]): Group {
  const queue = new DatabaseQueue('/a.db');
  for (const one of jobs) queue.push(one);
  return makeGroup(1, queue, { lane: jobs[0]?.lane ?? 'kv-read', mode: 'write' }, 0);
}
const codeOf = (outcome: Outcome | null): string | null => outcome?.error?.code ?? null;

test('a read is abandoned once every client has left, a write never', () => {
  expect(whyToStop(groupOf(job(gone), job()), 1)).toBe(null);
  expect(whyToStop(groupOf(job(gone), job(gone)), 1)).toBe('abandoned');
  expect(whyToStop(groupOf(job({ ...gone, lane: 'kv-write' })), 1)).toBe(null);
  const sql = groupOf(job({ ...gone, lane: 'sql' }));
  expect(whyToStop(sql, 1)).toBe('abandoned');
  sql.phase = 'writing';
  expect(whyToStop(sql, 1)).toBe(null);
});

test('a deadline ends a group, but a COMMIT gets time beyond it', () => {
  const group = groupOf(job(), job({ deadlineMs: 500 }));
  expect([whyToStop(group, 499), whyToStop(group, 500)]).toEqual([null, 'deadline']);
  group.phase = 'committing';
  expect(whyToStop(group, 500)).toBe(null);
  expect(whyToStop(group, 500 + limits.commitGraceMs)).toBe('deadline');
});

test('a read gives way once, and only while it can start again in time', () => {
  expect(mayGiveWay(groupOf(job()), 4_000)).toBe(true);
  expect(mayGiveWay(groupOf(job()), 6_000)).toBe(false);
  expect(mayGiveWay(groupOf(job({ isRetried: true })), 4_000)).toBe(false);
  expect(mayGiveWay(groupOf(job({ lane: 'kv-write' })), 4_000)).toBe(false);
});

test('a job that was interrupted for a neighbour runs again; one that was late says why', () => {
  const late = job({ deadlineMs: 500 });
  const patient = job();
  const group = groupOf(late, patient);
  group.stop = { reason: 'deadline', atMs: 500 };
  const interrupted = refusal('REQUEST_TIMEOUT', '');
  expect(codeOf(outcomeOfJob(group, late, interrupted, 600))).toBe('REQUEST_TIMEOUT');
  expect(outcomeOfJob(group, patient, interrupted, 600)).toBe(null);
  group.isLocked = true;
  expect(codeOf(outcomeOfJob(group, late, interrupted, 600))).toBe('DATABASE_BUSY');
  const finished = { answer: 1 };
  expect(outcomeOfJob(group, late, finished, 600)).toBe(finished);
});

test('a job that its group had no room for runs again', () => {
  expect(outcomeOfJob(groupOf(job()), job(), undefined, 1)).toBe(null);
  expect(codeOf(outcomeOfJob(groupOf(job()), job({ deadlineMs: 1 }), undefined, 1))).toBe('REQUEST_TIMEOUT');
});

test('memory that ran out is blamed on a job that ran alone', () => {
  const write = job({ lane: 'kv-write' });
  expect(outcomeOfLoss(groupOf(write, job({ lane: 'kv-write' })), write, 1, true)).toBe(null);
  expect(codeOf(outcomeOfLoss(groupOf(write), write, 1, true))).toBe('RESPONSE_TOO_LARGE');
  expect(codeOf(outcomeOfLoss(groupOf(write), write, 1, false))).toBe('SERVICE_UNAVAILABLE');
  expect(outcomeOfLoss(groupOf(job()), job(), 1, false)).toBe(null);
  expect(codeOf(outcomeOfLoss(groupOf(job()), job({ isRetried: true }), 1, false))).toBe('SERVICE_UNAVAILABLE');
});

test('what died while it was committed is never called undone', () => {
  const group = groupOf(job({ lane: 'kv-write' }));
  group.phase = 'committing';
  expect(outcomeOfLoss(group, job(), 1, true)?.error?.message).toMatch(/may or may not/);
  group.phase = 'committed';
  expect(outcomeOfLoss(group, job(), 1, true)).toEqual({ answer: null });
});

test('what SQLite cannot do without writing is handed back by an executor that only reads, and by no other', () => {
  const group = (mode: Group['mode']) => ({ ...groupOf(job()), mode });
  const asks = (code: ErrorCode, more: Partial<QueuedJob> = {}, mode: Group['mode'] = 'read') =>
    isHandedBack(group(mode), job(more), refusal(code, ''), 1);
  expect([asks('DATABASE_READONLY'), asks('DATABASE_ERROR')]).toEqual([true, true]);
  expect(asks('DATABASE_READONLY', {}, 'write')).toBe(false);
  expect([asks('SQL_ERROR'), asks('DATABASE_BUSY'), asks('KEY_NOT_FOUND')]).toEqual([false, false, false]);
  expect([asks('DATABASE_NOT_FOUND'), asks('DATABASE_NOT_FOUND', { create: true })]).toEqual([false, true]);
  expect(asks('DATABASE_READONLY', { deadlineMs: 1 })).toBe(false);
  const copying = { ...group('read'), phase: 'writing' as const };
  expect(isHandedBack(copying, job(), refusal('DATABASE_ERROR', ''), 1)).toBe(false);
});

test('SQL that reads runs once more when its executor dies, SQL that may write does not', () => {
  const read = job({ lane: 'sql-read' });
  const write = job({ lane: 'sql' });
  expect(outcomeOfLoss(groupOf(read), read, 1, false)).toBe(null);
  expect(codeOf(outcomeOfLoss(groupOf(write), write, 1, false))).toBe('SERVICE_UNAVAILABLE');
  const copying = { ...groupOf(read), phase: 'writing' as const };
  expect(codeOf(outcomeOfLoss(copying, read, 1, false))).toBe('SERVICE_UNAVAILABLE');
});

test('a transaction that requests share is broken up when one takes long, but not while it waits for the lock', () => {
  const shared = () => job({ lane: 'sql', isShared: true });
  const group = groupOf(shared(), shared());
  expect(isToBreakUp(group, 9_000)).toBe(false);
  group.phase = 'writing';
  group.sharedSinceMs = 5_000;
  const lateMs = 5_001 + limits.sharedMostMs;
  expect([isToBreakUp(group, lateMs - 1), isToBreakUp(group, lateMs)]).toEqual([false, true]);
  group.phase = 'committing';
  expect(isToBreakUp(group, lateMs)).toBe(false);
  const alone = groupOf(shared());
  alone.sharedSinceMs = 5_000;
  expect(isToBreakUp(alone, lateMs)).toBe(false);
});

test('requests whose executor died before COMMIT run again alone', () => {
  const shared = () => job({ lane: 'sql', isShared: true });
  const group = groupOf(shared(), shared());
  group.phase = 'writing';
  expect(group.jobs.map((one) => one && outcomeOfLoss(group, one, 1, false))).toEqual([null, null]);
  group.phase = 'committing';
  expect(group.jobs.map((one) => one && codeOf(outcomeOfLoss(group, one, 1, false)))).toEqual([
    'SERVICE_UNAVAILABLE',
    'SERVICE_UNAVAILABLE',
  ]);
});

test('many quick reads of SQL together are no slow group, and the next one waits for them', () => {
  const reading = () => job({ lane: 'sql-read', isShared: true });
  const [one, many] = [groupOf(reading()), groupOf(...Array.from({ length: 64 }, reading))];
  const slowAfterMs = (group: Group): number => {
    let nowMs = 0;
    for (; !group.isSlow; nowMs += 1) noticeSlow(group, nowMs);
    return nowMs - 1;
  };
  expect(slowAfterMs(one)).toBeLessThanOrEqual(limits.quickReadMs + 1);
  expect(slowAfterMs(many)).toBe(limits.quickReadMs + 64 * limits.quickReadPerJobMs);
});
