import { expect, test } from 'vitest';
import { limits } from '../../../../server/messages/limits.ts';
import type { Lane } from '../../../../server/messages/operation.ts';
import { DatabaseQueue, type QueuedJob } from '../../../../server/process/scheduler/queue.ts';

const job = (lane: Lane | 'file', more: Partial<QueuedJob> = {}): QueuedJob => ({
  operation: '',
  lane,
  args: null,
  create: false,
  alone: false,
  sizeBytes: 0,
  deadlineMs: 1_000,
  isGone: () => false,
  isCancelled: () => false,
  isShared: false,
  isRetried: false,
  runsAlone: false,
  needsWriter: false,
  settle: () => {},
  ...more,
});

function queueOf(...jobs: QueuedJob[]): DatabaseQueue {
  const queue = new DatabaseQueue('/a.db');
  for (const one of jobs) queue.push(one);
  return queue;
}

test('key-value jobs go out together, SQL one by one', () => {
  const queue = queueOf(job('kv-write'), job('kv-write'), job('sql'), job('sql'));
  expect(queue.take('kv-write')).toHaveLength(2);
  expect(queue.take('sql')).toHaveLength(1);
});

test('requests of SQL that may share a transaction go out together, until one that may not', () => {
  const shared = { isShared: true };
  const queue = queueOf(...Array.from({ length: 3 }, () => job('sql', shared)), job('sql'), job('sql', shared));
  queue.push(job('sql', { ...shared, runsAlone: true }));
  const taken: number[] = [];
  while (queue.startable().includes('sql')) {
    taken.push(queue.take('sql').length);
    queue.finished('sql');
  }
  expect(taken).toEqual([3, 1, 1, 1]);
});

test('the next SQL that may write waits for the first, but not for one that takes long', () => {
  const queue = queueOf(job('sql'), job('sql'), job('sql'), job('sql'));
  queue.take('sql');
  expect(queue.startable()).toEqual([]);
  queue.isHeldUp('sql');
  expect(queue.startable()).toEqual(['sql']);
  queue.take('sql');
  queue.finished('sql', { isSlow: true });
  expect(queue.startable()).toEqual([]);
  queue.finished('sql');
  expect(queue.startable()).toEqual(['sql']);
});

test('nothing of any lane starts beside a job that needs the database for itself', () => {
  const queue = queueOf(job('sql', { alone: true }), job('sql-read'), job('kv-read'), job('background'));
  queue.take('kv-read');
  queue.take('sql');
  queue.push(job('kv-write'));
  expect(queue.startable()).toEqual([]);
  queue.finished('kv-read');
  expect(queue.startable()).toEqual([]);
  queue.finished('sql', { isAlone: true });
  expect(queue.startable()).toEqual(['kv-write', 'sql-read', 'background']);
});

test('a lane of key-value work has one group under way, beside the other lanes', () => {
  const queue = queueOf(job('kv-write'), job('kv-read'));
  queue.take('kv-write');
  queue.push(job('kv-write'));
  expect(queue.startable()).toEqual(['kv-read']);
  queue.finished('kv-write');
  expect(queue.startable()).toEqual(['kv-read', 'kv-write']);
});

test('a scan of all keys runs beside the reads of few', () => {
  const queue = queueOf(job('kv-scan'), job('kv-scan'), job('kv-read'));
  expect(queue.take('kv-scan')).toHaveLength(1);
  expect(queue.startable()).toEqual(['kv-read']);
});

test('the long work of one database has at most half of the executors for long work', () => {
  const queue = queueOf(job('kv-scan'), ...Array.from({ length: limits.longExecutors }, () => job('sql')));
  let running = 0;
  for (let [lane] = queue.startable(); lane !== undefined; [lane] = queue.startable()) {
    queue.take(lane);
    if (lane === 'sql') queue.isHeldUp(lane);
    running += 1;
  }
  expect(running).toBe(limits.longExecutors / 2);
});

test('SQL that reads finds room beside SQL that may write, and goes to executors that only read', () => {
  const queue = queueOf(...Array.from({ length: limits.longPerDatabase }, () => job('sql')), job('sql-read'));
  while (queue.startable().includes('sql')) queue.take('sql');
  expect(queue.startable()).toEqual(['sql-read']);
  expect([queue.modeOf('sql'), queue.modeOf('sql-read')]).toEqual(['write', 'read']);
});

test('SQL that reads has one group at work, and further ones beside those that take long', () => {
  const reading = () => job('sql-read', { isShared: true });
  const queue = queueOf(reading(), reading());
  expect(queue.take('sql-read')).toHaveLength(2);
  for (let running = 2; running <= limits.longPerDatabase; running += 1) {
    queue.push(reading());
    expect([queue.startable(), queue.isSqlHeld]).toEqual([[], true]);
    queue.isHeldUp('sql-read');
    expect([queue.startable(), queue.isSqlHeld]).toEqual([['sql-read'], false]);
    queue.take('sql-read');
  }
});

test('what a reading executor could not do goes out alone, to one that may write', () => {
  const queue = queueOf(job('kv-read', { needsWriter: true }), job('kv-read'));
  expect(queue.modeOf('kv-read')).toBe('write');
  expect(queue.take('kv-read')).toHaveLength(1);
  expect(queue.modeOf('kv-read')).toBe('read');
});

test('a group agrees on whether the file may be created', () => {
  const queue = queueOf(job('kv-write'), job('kv-write', { create: true }));
  expect(queue.take('kv-write')).toHaveLength(1);
});

test('a group is bounded in bytes', () => {
  const large = { sizeBytes: 5 * 1024 * 1024 };
  const queue = queueOf(job('kv-write', large), job('kv-write', large), job('kv-write', large));
  expect(queue.take('kv-write')).toHaveLength(2);
});

test('work on the file itself waits for all and holds back all', () => {
  const queue = queueOf(job('kv-read'));
  queue.take('kv-read');
  queue.push(job('file'));
  queue.push(job('sql'));
  expect(queue.startable()).toEqual([]);
  queue.finished('kv-read');
  expect(queue.startable()).toEqual(['file']);
  queue.take('file');
  expect(queue.startable()).toEqual([]);
  queue.finished('file');
  expect(queue.startable()).toEqual(['sql']);
});

test('jobs past their deadline are taken out, the others keep their order', () => {
  const late = job('kv-write', { deadlineMs: 5 });
  const first = job('kv-write');
  const second = job('kv-write');
  const queue = queueOf(first, late, second);
  expect(queue.takeUseless(10)).toEqual([late]);
  expect(queue.take('kv-write')).toEqual([first, second]);
});

test('the work of clients that have left is taken out too', () => {
  const left = job('kv-write', { isGone: () => true });
  const queue = queueOf(job('sql'), left);
  expect(queue.takeUseless(1)).toEqual([left]);
  expect(queue.startable()).toEqual(['sql']);
});

test('a job whose executor died runs alone', () => {
  const suspect = job('kv-read', { isRetried: true });
  const queue = queueOf(suspect, job('kv-read'));
  expect(queue.take('kv-read')).toEqual([suspect]);
  const later = queueOf(job('kv-read'), suspect);
  expect(later.take('kv-read')).toHaveLength(1);
});

test('what comes back is first again', () => {
  const queue = queueOf(job('kv-write', { operation: 'third' }));
  queue.pushFront([job('kv-write', { operation: 'first' }), job('kv-write', { operation: 'second' })]);
  expect(queue.take('kv-write').map(({ operation }) => operation)).toEqual(['first', 'second', 'third']);
});
