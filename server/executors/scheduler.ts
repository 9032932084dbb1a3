// Sends queued work to executors: which group goes where, when another executor is started, and what a deadline, a full
// queue or a dead executor means for the jobs. One group outstanding per executor; everything else waits here, bounded.
import { setTimeout as sleep } from 'node:timers/promises';
import type { PathRules } from '../databases/paths.ts';
import { ApiError, type ErrorCode, fromErrorData, toErrorData } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Log } from '../log.ts';
import { Executor } from './executor.ts';
import type { FromExecutor, Outcome } from './messages.ts';
import type { FileOperation, Operation } from './operation.ts';
import { DatabaseQueue, type QueuedJob } from './queue.ts';

const sweepMs = 100;
/** While an executor is at short work, the next group rather waits this long than for a new process to start. */
const patienceMs = 25;

export interface JobRequest {
  readonly path: string;
  /** As `performance.now()`. */
  readonly deadlineMs: number;
  readonly create?: boolean;
  readonly sizeBytes?: number;
}

export interface SchedulerDeps {
  readonly rules: PathRules;
  /** The database must not be opened for now. */
  readonly isFenced: (path: string) => boolean;
  readonly log: Log;
  /** A group was answered; `wrote`: it may have changed the database. */
  readonly onGroup: (group: { path: string; lane: QueuedJob['lane']; jobs: number; wrote: boolean }) => void;
}

interface Group {
  readonly id: number;
  readonly queue: DatabaseQueue;
  readonly lane: QueuedJob['lane'];
  /** A job that was answered ahead of its group leaves a hole. */
  readonly jobs: (QueuedJob | undefined)[];
  readonly deadlineMs: number;
  phase: 'running' | 'committing' | 'committed';
  killedForDeadline: boolean;
  /** Executors that must still close the file before the work may start. */
  closing: number;
}

export class Scheduler {
  readonly #deps: SchedulerDeps;
  readonly #queues = new Map<string, DatabaseQueue>();
  readonly #executors = new Map<Executor, Group | null>();
  /** Reads whose executor died and that were queued once more: not a third time, as they may be what kills it. */
  readonly #retried = new WeakSet<QueuedJob>();
  #queuedJobs = 0;
  #queuedBytes = 0;
  #nextGroupId = 1;
  #isPumpDue = false;
  #starvedSinceMs: number | null = null;
  #isStopped = false;
  readonly #sweep: NodeJS.Timeout;

  constructor(deps: SchedulerDeps) {
    this.#deps = deps;
    this.#sweep = setInterval(() => this.#onSweep(), sweepMs);
    this.#sweep.unref();
  }

  /** @throws ApiError what the operation threw, DATABASE_BUSY, REQUEST_TIMEOUT, SERVICE_UNAVAILABLE, path errors */
  run<Args, Result>(operation: Operation<Args, Result>, args: Args, request: JobRequest): Promise<Result> {
    return this.#enqueue(operation.name, operation.lane, args, request) as Promise<Result>;
  }

  /** Runs with no connection open to the path in any executor. */
  runOnFile<Args, Result>(operation: FileOperation<Args, Result>, args: Args, request: JobRequest): Promise<Result> {
    return this.#enqueue(operation.name, 'file', args, request) as Promise<Result>;
  }

  get executorPids(): number[] {
    return [...this.#executors.keys()].map((executor) => executor.pid).filter((pid) => pid > 0);
  }

  get queuedJobs(): number {
    return this.#queuedJobs;
  }

  get openDatabases(): number {
    return new Set([...this.#executors.keys()].flatMap((executor) => [...executor.open])).size;
  }

  /**
   * Answers what still waits with SERVICE_UNAVAILABLE and ends the executors, the busy ones by force. Resolves when all are
   * gone: an idle one closes its databases first, which leaves no write-ahead log behind.
   */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#sweep);
    for (const queue of this.#queues.values()) {
      for (const job of queue.takeAll()) this.#settle(job, refusal('SERVICE_UNAVAILABLE', 'the server is stopping'));
    }
    const exits = [...this.#executors].map(([executor, group]) => {
      const isIdle = group === null && executor.isReady;
      if (isIdle || group?.phase === 'committed') executor.end();
      else executor.kill();
      return executor.exited;
    });
    await Promise.race([Promise.all(exits), sleep(limits.executorEndMs, undefined, { ref: false })]);
  }

  #enqueue(operation: string, lane: QueuedJob['lane'], args: unknown, request: JobRequest): Promise<unknown> {
    const sizeBytes = request.sizeBytes ?? 0;
    if (this.#isStopped) return Promise.reject(new ApiError('SERVICE_UNAVAILABLE', 'the server is stopping'));
    if (this.#deps.isFenced(request.path)) {
      const reason = 'a program has the database open through a mount that has died; it must close it first';
      return Promise.reject(new ApiError('DATABASE_BUSY', reason));
    }
    if (this.#queuedJobs >= limits.queuedJobs || this.#queuedBytes + sizeBytes > limits.queuedBytes) {
      return Promise.reject(new ApiError('SERVICE_UNAVAILABLE', 'too much work is queued; try again'));
    }
    return new Promise((resolve, reject) => {
      this.#queuedJobs += 1;
      this.#queuedBytes += sizeBytes;
      const settle = (outcome: Outcome): void => {
        if (outcome.error === undefined) resolve(outcome.value);
        else reject(fromErrorData(outcome.error));
      };
      const waiting = this.#queueOf(request.path).push({
        operation,
        lane,
        args,
        create: request.create ?? false,
        sizeBytes,
        deadlineMs: request.deadlineMs,
        settle,
      });
      if (waiting === limits.eagerGroupJobs) this.#pump();
      else this.#schedulePump();
    });
  }

  #queueOf(path: string): DatabaseQueue {
    const known = this.#queues.get(path);
    if (known !== undefined) return known;
    const made = new DatabaseQueue(path);
    this.#queues.set(path, made);
    return made;
  }

  /** After the requests of this turn of the event loop are all in: they go out as one group. */
  #schedulePump(): void {
    if (this.#isPumpDue) return;
    this.#isPumpDue = true;
    setImmediate(() => {
      this.#isPumpDue = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#isStopped) return;
    let unserved = 0;
    for (const queue of [...this.#queues.values()]) {
      if (queue.isIdle) {
        this.#queues.delete(queue.path);
        continue;
      }
      for (const lane of queue.startable()) {
        if (!this.#hasRoomFor(lane)) continue;
        const executor = this.#idleExecutor(queue.path);
        if (executor === undefined) unserved += 1;
        else this.#dispatch(executor, queue, lane);
      }
    }
    this.#startExecutors(unserved);
  }

  #hasRoomFor(lane: QueuedJob['lane']): boolean {
    const running = (wanted: QueuedJob['lane']): number =>
      [...this.#executors.values()].filter((group) => group?.lane === wanted).length;
    if (lane === 'sql') return running('sql') < limits.sqlExecutors;
    if (lane === 'background') return running('background') < 1;
    return true;
  }

  /** One that has the database open already, if there is a choice. */
  #idleExecutor(path: string): Executor | undefined {
    let any: Executor | undefined;
    for (const [executor, group] of this.#executors) {
      if (group !== null || !executor.isReady) continue;
      if (executor.open.has(path)) return executor;
      any ??= executor;
    }
    return any;
  }

  #startExecutors(unserved: number): void {
    if (unserved === 0) {
      this.#starvedSinceMs = null;
      return;
    }
    const nowMs = performance.now();
    this.#starvedSinceMs ??= nowMs;
    const all = [...this.#executors];
    const starting = all.filter(([executor]) => !executor.isReady).length;
    const isShortWorkRunning = all.some(([, group]) => group?.lane.startsWith('kv-'));
    const waitMs = this.#starvedSinceMs + patienceMs - nowMs;
    if (isShortWorkRunning && waitMs > 0) {
      setTimeout(() => this.#schedulePump(), waitMs).unref();
      return;
    }
    const wanted = Math.min(unserved - starting, limits.executors - this.#executors.size);
    for (let count = 0; count < wanted; count += 1) {
      const executor = new Executor(this.#deps.rules, {
        onMessage: (from, message) => this.#onMessage(from, message),
        onExit: (from) => this.#onExit(from),
      });
      this.#executors.set(executor, null);
    }
  }

  #dispatch(executor: Executor, queue: DatabaseQueue, lane: QueuedJob['lane']): void {
    const jobs = queue.take(lane);
    const group: Group = {
      id: this.#nextGroupId,
      queue,
      lane,
      jobs,
      deadlineMs: Math.min(...jobs.map((job) => job.deadlineMs)),
      phase: 'running',
      killedForDeadline: false,
      closing: 0,
    };
    this.#nextGroupId += 1;
    this.#executors.set(executor, group);
    if (lane !== 'file') this.#send(executor, group);
    else this.#closeEverywhere(executor, group);
  }

  #closeEverywhere(executor: Executor, group: Group): void {
    for (const other of this.#executors.keys()) {
      if (other === executor || !other.open.delete(group.queue.path)) continue;
      group.closing += 1;
      other.send({ type: 'close', id: group.id, path: group.queue.path });
    }
    if (group.closing === 0) this.#send(executor, group);
  }

  #send(executor: Executor, group: Group): void {
    const { id, lane, queue } = group;
    const jobs = group.jobs.filter((job) => job !== undefined);
    const [first] = jobs;
    if (first === undefined) return;
    if (lane === 'file') {
      executor.send({ type: 'file', id, path: queue.path, operation: first.operation, args: first.args });
      return;
    }
    executor.open.add(queue.path);
    executor.send({
      type: 'group',
      id,
      path: queue.path,
      lane,
      create: first.create,
      budgetMs: this.#busyTimeoutMs(group.deadlineMs - performance.now() - limits.killGraceMs),
      jobs: jobs.map(({ operation, args }) => ({ operation, args })),
    });
  }

  #onMessage(executor: Executor, message: FromExecutor): void {
    switch (message.type) {
      case 'ready':
        executor.isReady = true;
        this.#schedulePump();
        return;
      case 'idle-closed':
        for (const path of message.paths) executor.open.delete(path);
        return;
      case 'closed':
        this.#onClosed(message.id);
        return;
      default:
    }
    const group = this.#executors.get(executor);
    if (!group || group.id !== message.id) return;
    switch (message.type) {
      case 'committing':
      case 'committed':
        group.phase = message.type;
        return;
      case 'partial': {
        const job = group.jobs[message.index];
        group.jobs[message.index] = undefined;
        group.phase = 'running';
        if (job !== undefined) this.#settle(job, message.outcome);
        return;
      }
      case 'done':
        this.#onDone(executor, group, message);
        return;
      default:
        message satisfies never;
    }
  }

  /** SQLite counts only the sleeps between its tries: what a try itself takes, above all on a mount, is kept apart. */
  #busyTimeoutMs(leftMs: number): number {
    const { root, dataDir } = this.#deps.rules;
    return root === dataDir ? leftMs : (leftMs - limits.lockWaitMs) * limits.busyTimeoutShare;
  }

  #onClosed(groupId: number): void {
    for (const [executor, group] of this.#executors) {
      if (group?.id !== groupId) continue;
      group.closing -= 1;
      if (group.closing === 0) this.#send(executor, group);
    }
  }

  #onDone(executor: Executor, group: Group, message: FromExecutor & { type: 'done' }): void {
    this.#release(executor, group);
    const jobs = group.jobs.filter((job) => job !== undefined);
    this.#deps.onGroup({ path: group.queue.path, lane: group.lane, jobs: group.jobs.length, wrote: message.wrote });
    const nowMs = performance.now();
    const again: QueuedJob[] = [];
    jobs.forEach((job, index) => {
      const outcome = message.outcomes[index] ?? refusal('INTERNAL_ERROR', 'internal error');
      // The group waited for a lock as long as its most urgent job could; the others still have time.
      const mayWaitOn = outcome.error?.code === 'DATABASE_BUSY' && group.lane.startsWith('kv-');
      if (mayWaitOn && job.deadlineMs - nowMs > 2 * limits.killGraceMs) again.push(job);
      else this.#settle(job, outcome);
    });
    group.queue.pushFront(again);
    this.#schedulePump();
  }

  #release(executor: Executor, group: Group): void {
    if (this.#executors.has(executor)) this.#executors.set(executor, null);
    executor.idleSinceMs = performance.now();
    group.queue.finished(group.lane);
  }

  #onExit(executor: Executor): void {
    const group = this.#executors.get(executor) ?? null;
    this.#executors.delete(executor);
    for (const other of this.#executors.values()) {
      // It can no longer say that it closed the file, but it has.
      if (other !== null && other.closing > 0 && executor.open.has(other.queue.path)) this.#onClosed(other.id);
    }
    if (group !== null) this.#onGroupLost(group, executor);
    // One that never became ready is tried again by the sweep, not at once for ever.
    if (executor.isReady) this.#schedulePump();
  }

  #onGroupLost(group: Group, executor: Executor): void {
    group.queue.finished(group.lane);
    this.#deps.onGroup({ path: group.queue.path, lane: group.lane, jobs: group.jobs.length, wrote: true });
    if (!group.killedForDeadline) {
      this.#deps.log('warn', 'executor died', { pid: executor.pid, database: group.queue.path, phase: group.phase });
    }
    const nowMs = performance.now();
    const again: QueuedJob[] = [];
    for (const job of group.jobs) {
      if (job === undefined) continue;
      if (group.phase === 'committing') this.#settle(job, unknownOutcome);
      else if (group.phase === 'committed') this.#settle(job, { value: null });
      else if (job.deadlineMs <= nowMs) this.#settle(job, timeout);
      else if (group.killedForDeadline) again.push(job);
      else if (group.lane === 'kv-read' && !this.#retried.has(job)) {
        this.#retried.add(job);
        again.push(job);
      } else this.#settle(job, interrupted);
    }
    group.queue.pushFront(again);
  }

  #onSweep(): void {
    const nowMs = performance.now();
    for (const queue of this.#queues.values()) {
      for (const job of queue.takeExpired(nowMs)) this.#settle(job, timeout);
    }
    for (const [executor, group] of this.#executors) {
      if (group === null) this.#endIfIdle(executor, nowMs);
      else this.#killIfLate(executor, group, nowMs);
    }
    if (this.#queues.size > 0) this.#schedulePump();
  }

  #killIfLate(executor: Executor, group: Group, nowMs: number): void {
    const isCommitting = group.phase !== 'running';
    if (nowMs < group.deadlineMs + (isCommitting ? limits.commitGraceMs : 0)) return;
    group.killedForDeadline = true;
    executor.kill();
  }

  #endIfIdle(executor: Executor, nowMs: number): void {
    const isLost = !executor.isReady && nowMs - executor.startedAtMs > limits.executorStartMs;
    if (isLost) executor.kill();
    else if (executor.isReady && nowMs - executor.idleSinceMs > limits.executorIdleMs) {
      this.#executors.delete(executor);
      executor.end();
    }
  }

  #settle(job: QueuedJob, outcome: Outcome): void {
    this.#queuedJobs -= 1;
    this.#queuedBytes -= job.sizeBytes;
    job.settle(outcome);
  }
}

function refusal(code: ErrorCode, message: string): Outcome {
  return { error: toErrorData(new ApiError(code, message)) };
}

const timeout = refusal('REQUEST_TIMEOUT', 'the request did not finish before its deadline; nothing was committed');
const interrupted = refusal('SERVICE_UNAVAILABLE', 'the work was interrupted; nothing was committed');
const unknownOutcome = refusal(
  'SERVICE_UNAVAILABLE',
  'the work was interrupted while it was committed; it may or may not be in the database',
);
