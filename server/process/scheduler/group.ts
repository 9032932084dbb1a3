// The jobs that one executor is at work on: why they are ended early, and what becomes of each when they are, or when
// the executor dies. Pure: no processes, no clock.
import { ApiError, type ErrorCode, needsTooMuchMemory, toErrorData } from '../../messages/errors.ts';
import { mayNeedWriter } from '../../messages/hand-back.ts';
import type { Outcome } from '../../messages/jobs.ts';
import { limits } from '../../messages/limits.ts';
import { isReadingLane, type OpenMode } from '../../messages/operation.ts';
import type { Executor } from './executor.ts';
import type { DatabaseQueue, QueuedJob } from './queue.ts';

/**
 * `deadline`: that of its most urgent job. `cancelled`: as its client asked. `abandoned`: every client has left. `way`:
 * it keeps a file open that is to go.
 */
export type StopReason = 'deadline' | 'cancelled' | 'abandoned' | 'way';

export interface Group {
  readonly id: number;
  readonly queue: DatabaseQueue;
  readonly lane: QueuedJob['lane'];
  readonly mode: OpenMode;
  /** A job that was answered ahead of its group leaves a hole. */
  readonly jobs: (QueuedJob | undefined)[];
  /** No other executor may have the database open beside it. */
  readonly isAlone: boolean;
  readonly startedAtMs: number;
  /** That of its most urgent job. */
  readonly deadlineMs: number;
  /** `writing`: SQL that holds the write lock. */
  phase: 'running' | 'writing' | 'committing' | 'committed';
  /** Since when several requests share a transaction; null before they do. */
  sharedSinceMs: number | null;
  /** It was interrupted because one of its requests takes long. */
  isBrokenUp: boolean;
  /** Its queue knows that it takes long. */
  isSlow: boolean;
  /** It was told to end. */
  stop: { readonly reason: StopReason; readonly atMs: number } | null;
  /** At its deadline it waited for a lock of somebody else. */
  isLocked: boolean;
  /** Executors that must still close the file before work on it may start. */
  readonly closing: Set<Executor>;
}

export function makeGroup(
  id: number,
  queue: DatabaseQueue,
  { lane, mode }: Pick<Group, 'lane' | 'mode'>,
  startedAtMs: number,
): Group {
  const jobs = queue.take(lane);
  const deadlineMs = Math.min(...jobs.map((job) => job.deadlineMs));
  return startGroup({ id, queue, lane, mode, jobs, startedAtMs, deadlineMs });
}

type GroupBasis = Pick<Group, 'id' | 'queue' | 'lane' | 'mode' | 'jobs' | 'startedAtMs' | 'deadlineMs'>;

/** One that runs, and of which nothing is known yet. */
export function startGroup(basis: GroupBasis): Group {
  return {
    ...basis,
    isAlone: basis.jobs[0]?.alone === true,
    phase: 'running',
    sharedSinceMs: null,
    isBrokenUp: false,
    isSlow: false,
    stop: null,
    isLocked: false,
    closing: new Set(),
  };
}

/** Nothing was begun that a client may rely on: its end loses nothing, and it can run again. */
function isReading({ lane, phase }: Group): boolean {
  return phase === 'running' && (isReadingLane(lane) || lane === 'sql');
}

export function hasCommitBegun({ phase }: Group): boolean {
  return phase === 'committing' || phase === 'committed';
}

/** A write that runs is finished, whether somebody still waits for it or not. */
export function whyToStop(group: Group, nowMs: number): StopReason | null {
  const graceMs = hasCommitBegun(group) ? limits.commitGraceMs : 0;
  if (nowMs >= group.deadlineMs + graceMs) return 'deadline';
  // Only work that runs alone can be cancelled.
  if (!hasCommitBegun(group) && group.jobs.length === 1 && group.jobs[0]?.isCancelled()) return 'cancelled';
  const isAbandoned = isReading(group) && group.jobs.every((job) => job === undefined || job.isGone());
  return isAbandoned ? 'abandoned' : null;
}

/** One of its requests keeps the others: it is to run alone, with its own deadline. */
export function isToBreakUp(group: Group, nowMs: number): boolean {
  if (group.isBrokenUp || hasCommitBegun(group) || group.jobs.length === 1) return false;
  return group.sharedSinceMs !== null && nowMs - group.sharedSinceMs > limits.sharedMostMs;
}

/** The next group of SQL need not wait for this one any more: its queue is told, once. */
export function noticeSlow(group: Group, nowMs: number): void {
  const { lane, queue, isSlow, startedAtMs, jobs } = group;
  if (isSlow || (lane !== 'sql' && lane !== 'sql-read')) return;
  const quickMs = lane === 'sql' ? limits.quickWriteMs : limits.quickReadMs + jobs.length * limits.quickReadPerJobMs;
  if (nowMs - startedAtMs < quickMs) return;
  group.isSlow = true;
  queue.isHeldUp(lane);
}

/** A read that can start again and still be in time gives way, once, to work on a file that its executor keeps open. */
export function mayGiveWay(group: Group, nowMs: number): boolean {
  const canStartAgain = nowMs - group.startedAtMs < group.deadlineMs - nowMs;
  return isReading(group) && canStartAgain && group.jobs.every((job) => job === undefined || !job.isRetried);
}

export function refusal(code: ErrorCode, message: string): Outcome {
  return { error: toErrorData(new ApiError(code, message)) };
}

const timedOut = refusal('REQUEST_TIMEOUT', 'the request did not finish before its deadline; nothing was committed');
const lockedOut = refusal(
  'DATABASE_BUSY',
  'the database was locked until the deadline of the request; nothing was committed',
);
export const cancelled = refusal('CANCELLED', 'the request was cancelled; nothing was committed');
export const abandoned = refusal('SERVICE_UNAVAILABLE', 'the client has left; nothing was committed');
const interrupted = refusal('SERVICE_UNAVAILABLE', 'the work was interrupted; nothing was committed');
const outOfMemory: Outcome = { error: toErrorData(needsTooMuchMemory()) };
const unknownOutcome = refusal(
  'SERVICE_UNAVAILABLE',
  'the work was interrupted while it was committed; it may or may not be in the database',
);

export function lateOutcome(isLocked: boolean): Outcome {
  return isLocked ? lockedOut : timedOut;
}

/** What a job comes to that its executor answered, or null when it has time left and is to run again. */
export function outcomeOfJob(
  group: Group,
  job: QueuedJob,
  outcome: Outcome | undefined,
  nowMs: number,
): Outcome | null {
  // Its neighbours' answers were large enough.
  if (outcome === undefined) return job.deadlineMs > nowMs ? null : timedOut;
  const leftMs = job.deadlineMs - nowMs;
  switch (outcome.error?.code) {
    case 'DATABASE_BUSY': {
      // The group waited for a lock as long as its most urgent job could; the others still have time.
      const mayWaitOn = group.lane !== 'sql' && group.lane !== 'sql-read' && group.lane !== 'file';
      return mayWaitOn && leftMs > 2 * limits.answerReserveMs ? null : outcome;
    }
    case 'REQUEST_TIMEOUT':
      if (group.stop?.reason === 'abandoned') return abandoned;
      if (group.stop?.reason === 'cancelled') return cancelled;
      return group.stop !== null && leftMs > 0 ? null : lateOutcome(group.isLocked);
    default:
      return outcome;
  }
}

/**
 * The outcome of a job whose executor died, or null when it has time left and may run again: its group was ended for
 * another's sake, or it is a read (once: it may be what kills the executor).
 */
export function outcomeOfLoss(group: Group, job: QueuedJob, nowMs: number, isOutOfMemory: boolean): Outcome | null {
  if (group.phase === 'committing') return unknownOutcome;
  if (group.phase === 'committed') return { answer: null };
  if (group.stop?.reason === 'abandoned') return abandoned;
  if (group.stop?.reason === 'cancelled') return cancelled;
  if (job.deadlineMs <= nowMs) return lateOutcome(group.isLocked);
  if (group.stop !== null) return null;
  // Which of several it was shows when each runs alone.
  if (group.jobs.length > 1 && (isOutOfMemory || job.isShared)) return null;
  if (isOutOfMemory) return outOfMemory;
  const isRead = isReadingLane(group.lane) && group.phase === 'running';
  return isRead && !job.isRetried ? null : interrupted;
}

/** The executor had the database open for reading, and that was not enough: the job has time to run on another one. */
export function isHandedBack(
  { mode, phase }: Group,
  job: QueuedJob,
  outcome: Outcome | undefined,
  nowMs: number,
): boolean {
  const code = outcome?.error?.code;
  if (mode === 'write' || phase !== 'running' || code === undefined || job.deadlineMs <= nowMs) return false;
  return mayNeedWriter(code) || (job.create && code === 'DATABASE_NOT_FOUND');
}
