// The jobs that one executor is at work on, and what becomes of each when that executor dies.
import { ApiError, type ErrorCode, toErrorData } from '../../messages/errors.ts';
import type { Outcome } from '../../messages/jobs.ts';
import type { Executor } from './executor.ts';
import type { DatabaseQueue, QueuedJob } from './queue.ts';

export interface Group {
  readonly id: number;
  readonly queue: DatabaseQueue;
  readonly lane: QueuedJob['lane'];
  /** A job that was answered ahead of its group leaves a hole. */
  readonly jobs: (QueuedJob | undefined)[];
  /** That of its most urgent job. */
  readonly deadlineMs: number;
  phase: 'running' | 'committing' | 'committed';
  isKilledForDeadline: boolean;
  /** Executors that must still close the file before work on it may start. */
  readonly closing: Set<Executor>;
}

export function makeGroup(id: number, queue: DatabaseQueue, lane: QueuedJob['lane']): Group {
  const jobs = queue.take(lane);
  return {
    id,
    queue,
    lane,
    jobs,
    deadlineMs: Math.min(...jobs.map((job) => job.deadlineMs)),
    phase: 'running',
    isKilledForDeadline: false,
    closing: new Set(),
  };
}

export function refusal(code: ErrorCode, message: string): Outcome {
  return { error: toErrorData(new ApiError(code, message)) };
}

export const timedOut = refusal(
  'REQUEST_TIMEOUT',
  'the request did not finish before its deadline; nothing was committed',
);
const interrupted = refusal('SERVICE_UNAVAILABLE', 'the work was interrupted; nothing was committed');
const unknownOutcome = refusal(
  'SERVICE_UNAVAILABLE',
  'the work was interrupted while it was committed; it may or may not be in the database',
);

/**
 * The outcome of a job whose executor died, or null when it has time left and may run again: its group was killed for a
 * neighbour's deadline, or it is a read (once: it may be what kills the executor).
 */
export function outcomeOfLoss(group: Group, job: QueuedJob, nowMs: number, isRetried: boolean): Outcome | null {
  if (group.phase === 'committing') return unknownOutcome;
  if (group.phase === 'committed') return { value: null };
  if (job.deadlineMs <= nowMs) return timedOut;
  if (group.isKilledForDeadline) return null;
  const isRead = group.lane === 'kv-read' || group.lane === 'kv-scan';
  return isRead && !isRetried ? null : interrupted;
}
