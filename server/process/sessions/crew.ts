// The executors of sessions: each works for one session at a time, one request after the other, and has no database
// open between two sessions. Deadlines and deaths mean for a request what they mean in the scheduler.
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, fromErrorData } from '../../messages/errors.ts';
import type { FromExecutor, Outcome } from '../../messages/jobs.ts';
import { limits } from '../../messages/limits.ts';
import type { OpenMode, Operation } from '../../messages/operation.ts';
import type { PathRules } from '../../messages/paths.ts';
import type { Log } from '../log.ts';
import { Dispatcher } from '../scheduler/dispatcher.ts';
import { Ending } from '../scheduler/ending.ts';
import { Executor } from '../scheduler/executor.ts';
import { type Group, outcomeOfJob, outcomeOfLoss, refusal, startGroup } from '../scheduler/group.ts';
import { DatabaseQueue, type QueuedJob } from '../scheduler/queue.ts';

const sweepMs = 100;

export interface CrewDeps {
  readonly rules: PathRules;
  readonly executorMemoryBytes: number;
  readonly lockWaiters: (path: string) => Promise<readonly number[]>;
  readonly log: Log;
  readonly onWrote: (path: string) => void;
  /** It has died. */
  readonly onLost: (executor: Executor) => void;
}

export interface CrewRequest {
  readonly path: string;
  readonly mode: OpenMode;
  readonly create: boolean;
  readonly deadlineMs: number;
  readonly isGone: () => boolean;
}

const never = (): boolean => false;
const interrupted = refusal('SERVICE_UNAVAILABLE', 'the work was interrupted; nothing was committed');

export class Crew {
  readonly #deps: CrewDeps;
  readonly #executors = new Set<Executor>();
  /** Those that work for nobody. */
  readonly #free = new Set<Executor>();
  readonly #dispatcher: Dispatcher;
  readonly #ending: Ending;
  readonly #whenReady = new Map<Executor, () => void>();
  readonly #whenClosed = new Map<Executor, () => void>();
  readonly #sweep: NodeJS.Timeout;
  #nextGroupId = 1;

  constructor(deps: CrewDeps) {
    this.#deps = deps;
    const pool = { all: this.#executors };
    this.#dispatcher = new Dispatcher(pool, deps.rules);
    this.#ending = new Ending({ pool, lockWaiters: deps.lockWaiters, giveUp: () => {} });
    this.#sweep = setInterval(() => this.#onSweep(), sweepMs);
    this.#sweep.unref();
  }

  get pids(): number[] {
    return [...this.#executors].map(({ pid }) => pid).filter((pid) => pid > 0);
  }

  /** One that works for nobody, or a new one. @throws ApiError SERVICE_UNAVAILABLE */
  async take(): Promise<Executor> {
    const [free] = this.#free;
    if (free !== undefined) {
      this.#free.delete(free);
      return free;
    }
    const { rules, executorMemoryBytes: memoryBytes } = this.#deps;
    const executor = new Executor(
      { rules, memoryBytes },
      { onMessage: (from, message) => this.#onMessage(from, message), onExit: (from) => this.#onExit(from) },
    );
    this.#executors.add(executor);
    const ready = new Promise<void>((resolve) => this.#whenReady.set(executor, resolve));
    await Promise.race([ready, executor.exited, sleep(limits.executorStartMs, undefined, { ref: false })]);
    this.#whenReady.delete(executor);
    if (executor.isReady) return executor;
    executor.kill();
    throw new ApiError('SERVICE_UNAVAILABLE', 'no executor could be started; try again');
  }

  /** @throws ApiError as Scheduler.run() */
  run<Args, Answer>(
    executor: Executor,
    operation: Operation<Args, Answer>,
    args: Args,
    request: CrewRequest,
  ): Promise<Answer> {
    return new Promise<unknown>((resolve, reject) => {
      const settle = (outcome: Outcome): void => {
        if (outcome.error !== undefined) reject(fromErrorData(outcome.error));
        else resolve(outcome.answer);
      };
      const job: QueuedJob = {
        operation: operation.name,
        lane: 'sql',
        args,
        create: request.create,
        alone: false,
        isShared: false,
        runsAlone: true,
        sizeBytes: 0,
        deadlineMs: request.deadlineMs,
        isGone: request.isGone,
        isCancelled: never,
        isRetried: true,
        needsWriter: true,
        settle,
      };
      this.#dispatcher.dispatch(executor, this.#groupOf(job, request));
    }) as Promise<Answer>;
  }

  /** Rolls back what is open, closes the database, and leaves the executor to others. Resolves then. */
  async release(executor: Executor, path: string): Promise<void> {
    if (!this.#executors.has(executor)) return;
    const closed = new Promise<void>((resolve) => this.#whenClosed.set(executor, resolve));
    executor.send({ type: 'close', id: 0, path });
    await Promise.race([closed, executor.exited, sleep(limits.interruptGraceMs, undefined, { ref: false })]);
    if (this.#whenClosed.delete(executor)) {
      executor.kill();
      await executor.exited;
    } else if (this.#executors.has(executor)) {
      executor.open.clear();
      executor.idleSinceMs = performance.now();
      this.#free.add(executor);
    }
  }

  async stop(): Promise<void> {
    clearInterval(this.#sweep);
    const exits = [...this.#executors].map((executor) => {
      if (executor.group === null) executor.end();
      else executor.kill();
      return executor.exited;
    });
    await Promise.race([Promise.all(exits), sleep(limits.executorEndMs, undefined, { ref: false })]);
  }

  #groupOf(job: QueuedJob, { path, mode, deadlineMs }: CrewRequest): Group {
    const id = this.#nextGroupId;
    this.#nextGroupId += 1;
    const queue = new DatabaseQueue(path);
    return startGroup({ id, queue, lane: 'sql', mode, jobs: [job], startedAtMs: performance.now(), deadlineMs });
  }

  #onMessage(executor: Executor, message: FromExecutor): void {
    const { group } = executor;
    switch (message.type) {
      case 'ready':
        executor.isReady = true;
        executor.canInterrupt = message.canInterrupt;
        this.#whenReady.get(executor)?.();
        return;
      case 'closed': {
        const closed = this.#whenClosed.get(executor);
        this.#whenClosed.delete(executor);
        closed?.();
        return;
      }
      case 'writing':
      case 'committing':
      case 'committed':
        if (group !== null && group.id === message.id) group.phase = message.type;
        return;
      case 'done':
        if (group !== null && group.id === message.id) this.#onDone(executor, group, message);
        return;
      default:
    }
  }

  #onDone(executor: Executor, group: Group, { outcomes, wrote }: FromExecutor & { type: 'done' }): void {
    executor.group = null;
    if (wrote) this.#deps.onWrote(group.queue.path);
    const [job] = group.jobs;
    if (job !== undefined) job.settle(outcomeOfJob(group, job, outcomes[0], performance.now()) ?? interrupted);
  }

  #onExit(executor: Executor): void {
    this.#executors.delete(executor);
    this.#free.delete(executor);
    const { group } = executor;
    executor.group = null;
    this.#deps.onLost(executor);
    if (group === null) return;
    const { pid, isOutOfMemory } = executor;
    const { queue, phase } = group;
    this.#deps.onWrote(queue.path);
    if (group.stop === null) {
      this.#deps.log('warn', 'executor died', { pid, database: queue.path, phase, isOutOfMemory });
    }
    const [job] = group.jobs;
    if (job !== undefined) job.settle(outcomeOfLoss(group, job, performance.now(), isOutOfMemory) ?? interrupted);
  }

  #onSweep(): void {
    const nowMs = performance.now();
    this.#ending.sweep(nowMs);
    for (const executor of this.#free) {
      if (nowMs - executor.idleSinceMs < limits.executorIdleMs) continue;
      this.#free.delete(executor);
      this.#executors.delete(executor);
      executor.end();
    }
  }
}
