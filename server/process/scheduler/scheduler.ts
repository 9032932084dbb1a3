// Sends queued work to executors: which group goes where, and what a deadline or a dead executor means for the jobs.
// One group outstanding per executor; everything else waits in the backlog.

import { ApiError } from '../../messages/errors.ts';
import type { FromExecutor } from '../../messages/jobs.ts';
import { limits } from '../../messages/limits.ts';
import type { FileOperation, Operation } from '../../messages/operation.ts';
import type { PathRules } from '../../messages/paths.ts';
import type { Log } from '../log.ts';
import { Backlog, type JobRequest } from './backlog.ts';
import { Dispatcher } from './dispatcher.ts';
import { Ending } from './ending.ts';
import type { Executor } from './executor.ts';
import {
  abandoned,
  cancelled,
  type Group,
  isHandedBack,
  lateOutcome,
  makeGroup,
  noticeSlow,
  outcomeOfJob,
  outcomeOfLoss,
  refusal,
} from './group.ts';
import { ExecutorPool } from './pool.ts';
import { answersMuch, type DatabaseQueue, type QueuedJob } from './queue.ts';

const sweepMs = 100;

export interface SchedulerDeps {
  readonly rules: PathRules;
  /** The database must not be opened for now. */
  readonly isFenced: (path: string) => boolean;
  /** What only reads goes to executors that have the database open for reading: no writer keeps these waiting. */
  readonly separateReaders: boolean;
  /** The processes that wait for a lock of the database now. */
  readonly lockWaiters: (path: string) => Promise<readonly number[]>;
  /** What one executor may have, beyond which its work is refused. */
  readonly executorMemoryBytes: number;
  /** How many bytes of arguments may wait or be at work. */
  readonly queuedBytes: number;
  /** Answers wait for their clients in great numbers: no further ones are read for now. */
  readonly isCongested: () => boolean;
  readonly log: Log;
  /** A group was answered; `wrote`: it may have changed the database. */
  readonly onGroup: (group: { path: string; lane: QueuedJob['lane']; jobs: number; wrote: boolean }) => void;
}

export class Scheduler {
  readonly #deps: SchedulerDeps;
  readonly #backlog: Backlog;
  readonly #pool: ExecutorPool;
  readonly #dispatcher: Dispatcher;
  readonly #ending: Ending;
  #nextGroupId = 1;
  #isPumpDue = false;
  #isStopped = false;
  #executorDeaths = 0;
  /** While SQL waits for a group of its lane, which may turn out to be slow. */
  #secondLook: NodeJS.Timeout | null = null;
  readonly #sweep: NodeJS.Timeout;

  constructor(deps: SchedulerDeps) {
    this.#deps = deps;
    this.#pool = new ExecutorPool(
      { rules: deps.rules, memoryBytes: deps.executorMemoryBytes },
      {
        onMessage: (executor, message) => this.#onMessage(executor, message),
        onExit: (executor) => this.#onExit(executor),
      },
    );
    this.#backlog = new Backlog(deps.queuedBytes);
    this.#dispatcher = new Dispatcher(this.#pool, deps.rules);
    this.#ending = new Ending({
      pool: this.#pool,
      lockWaiters: deps.lockWaiters,
      giveUp: (executor, group) => this.#giveUp(executor, group),
    });
    this.#sweep = setInterval(() => this.#onSweep(), sweepMs);
    this.#sweep.unref();
  }

  /** @throws ApiError what the operation threw, DATABASE_BUSY, REQUEST_TIMEOUT, SERVICE_UNAVAILABLE, path errors */
  run<Args, Answer>(operation: Operation<Args, Answer>, args: Args, request: JobRequest): Promise<Answer> {
    return this.#enqueue(operation, args, request) as Promise<Answer>;
  }

  /** Runs with no connection open to the path in any executor. */
  runOnFile<Args, Answer>(operation: FileOperation<Args, Answer>, args: Args, request: JobRequest): Promise<Answer> {
    return this.#enqueue(operation, args, request) as Promise<Answer>;
  }

  get executorPids(): number[] {
    return this.#pool.pids;
  }

  /** Of executors that do what nobody waits for. */
  get upkeepPids(): number[] {
    return [...this.#pool.all].filter(({ group }) => group?.lane === 'background').map(({ pid }) => pid);
  }

  /** For how long the work that may wait for a lock of the database has been at it; 0 without such work. */
  writingForMs(path: string): number {
    const groups = [...this.#pool.all].flatMap(({ group }) => (group?.queue.path === path ? [group] : []));
    const writing = groups.filter(({ lane }) => lane === 'kv-write' || lane === 'sql');
    return Math.max(0, ...writing.map(({ startedAtMs }) => performance.now() - startedAtMs));
  }

  get queuedJobs(): number {
    return this.#backlog.jobs;
  }

  get openDatabases(): number {
    return this.#pool.openPaths.length;
  }

  get openPaths(): string[] {
    return this.#pool.openPaths;
  }

  /** Executors that ended while they had work. */
  get executorDeaths(): number {
    return this.#executorDeaths;
  }

  /** Answers what still waits with SERVICE_UNAVAILABLE and ends the executors. Resolves when they are gone. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#sweep);
    for (const queue of this.#backlog.working()) {
      for (const job of queue.takeAll())
        this.#backlog.settle(job, refusal('SERVICE_UNAVAILABLE', 'the server is stopping'));
    }
    await this.#pool.stop();
  }

  #enqueue(
    { name, lane, isShared = false }: { name: string; lane: QueuedJob['lane']; isShared?: boolean },
    args: unknown,
    request: JobRequest,
  ): Promise<unknown> {
    if (this.#isStopped) return Promise.reject(new ApiError('SERVICE_UNAVAILABLE', 'the server is stopping'));
    if (this.#deps.isFenced(request.path)) {
      const reason = 'a program has the database open through a mount that has died; it must close it first';
      return Promise.reject(new ApiError('DATABASE_BUSY', reason));
    }
    const added = this.#backlog.add({ operation: name, lane, args, isShared, request });
    if (added === null) {
      return Promise.reject(new ApiError('SERVICE_UNAVAILABLE', 'too much work is queued; try again'));
    }
    if (added.waiting === limits.eagerGroupJobs) this.#pump();
    else this.#schedulePump();
    return added.answer;
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
    let isSqlHeld = false;
    const nowMs = performance.now();
    for (const { group } of this.#pool.all) if (group !== null) noticeSlow(group, nowMs);
    for (const queue of this.#backlog.working()) {
      isSqlHeld ||= queue.isSqlHeld;
      for (const lane of queue.startable()) {
        if (!queue.mayStart(lane) || !this.#pool.hasRoomFor(lane)) continue;
        if (answersMuch(lane) && this.#deps.isCongested()) continue;
        const mode = this.#deps.separateReaders ? queue.modeOf(lane) : 'write';
        const executor = this.#pool.take({ path: queue.path, mode, lane });
        if (executor === undefined) unserved += 1;
        else this.#dispatch(executor, queue, { lane, mode });
      }
    }
    const waitMs = this.#pool.provideFor(unserved);
    if (waitMs !== null) setTimeout(() => this.#schedulePump(), waitMs).unref();
    if (isSqlHeld && this.#secondLook === null) {
      this.#secondLook = setTimeout(() => {
        this.#secondLook = null;
        this.#schedulePump();
      }, limits.quickReadMs).unref();
    }
  }

  #dispatch(executor: Executor, queue: DatabaseQueue, kind: Pick<Group, 'lane' | 'mode'>): void {
    const group = makeGroup(this.#nextGroupId, queue, kind, performance.now());
    this.#nextGroupId += 1;
    this.#backlog.markServed(queue);
    this.#dispatcher.dispatch(executor, group);
  }

  #onMessage(executor: Executor, message: FromExecutor): void {
    switch (message.type) {
      case 'ready':
        executor.isReady = true;
        executor.canInterrupt = message.canInterrupt;
        this.#schedulePump();
        return;
      case 'idle-closed':
        for (const path of message.paths) executor.open.delete(path);
        return;
      case 'closed':
        this.#dispatcher.closed(executor, message.id);
        return;
      default:
    }
    const { group } = executor;
    if (group === null || group.id !== message.id) return;
    switch (message.type) {
      case 'reading':
        group.sharedSinceMs = performance.now();
        return;
      case 'writing':
        group.sharedSinceMs = performance.now();
        group.phase = message.type;
        return;
      case 'committing':
      case 'committed':
        group.phase = message.type;
        return;
      case 'partial': {
        const job = group.jobs[message.index];
        group.jobs[message.index] = undefined;
        group.phase = 'running';
        if (job !== undefined) this.#backlog.settle(job, message.outcome);
        return;
      }
      case 'done':
        this.#onDone(executor, group, message);
        return;
      default:
        message satisfies never;
    }
  }

  #onDone(executor: Executor, group: Group, message: FromExecutor & { type: 'done' }): void {
    this.#release(executor, group);
    const jobs = group.jobs.filter((job) => job !== undefined);
    this.#deps.onGroup({ path: group.queue.path, lane: group.lane, jobs: group.jobs.length, wrote: message.wrote });
    const nowMs = performance.now();
    const { alone } = message;
    const isNothing = message.outcomes.length === 0 && alone === undefined;
    const missing = isNothing ? refusal('INTERNAL_ERROR', 'internal error') : undefined;
    const again: QueuedJob[] = [];
    jobs.forEach((job, index) => {
      const answered = message.outcomes[index] ?? missing;
      const isHanded = isHandedBack(group, job, answered, nowMs);
      job.needsWriter ||= isHanded;
      job.runsAlone ||= answered === undefined && (alone === 'all' || alone === index);
      const outcome = isHanded ? null : outcomeOfJob(group, job, answered, nowMs);
      if (outcome === null) again.push(job);
      else this.#backlog.settle(job, outcome);
    });
    this.#runAgain(group, again);
    this.#schedulePump();
  }

  #release(executor: Executor, group: Group): void {
    executor.group = null;
    executor.idleSinceMs = performance.now();
    group.queue.finished(group.lane, group);
  }

  #onExit(executor: Executor): void {
    this.#pool.remove(executor);
    this.#dispatcher.closed(executor);
    if (executor.group !== null) {
      this.#executorDeaths += 1;
      this.#onGroupLost(executor.group, executor);
    }
    // One that never became ready is tried again by the sweep, not at once for ever.
    if (executor.isReady) this.#schedulePump();
  }

  #onGroupLost(group: Group, { pid, isOutOfMemory }: Executor): void {
    const { queue, lane, phase } = group;
    queue.finished(lane, group);
    this.#deps.onGroup({ path: queue.path, lane, jobs: group.jobs.length, wrote: true });
    const isOurs = group.stop !== null || this.#isStopped;
    if (!isOurs) this.#deps.log('warn', 'executor died', { pid, database: queue.path, phase, isOutOfMemory });
    const nowMs = performance.now();
    const again: QueuedJob[] = [];
    for (const job of group.jobs) {
      if (job === undefined) continue;
      const outcome = outcomeOfLoss(group, job, nowMs, isOutOfMemory);
      if (outcome === null) again.push(job);
      else this.#backlog.settle(job, outcome);
    }
    for (const job of again) {
      job.isRetried ||= group.stop === null;
      // Which of several it was shows when each runs alone.
      job.runsAlone ||= group.jobs.length > 1 && job.isShared;
    }
    this.#runAgain(group, again);
  }

  #runAgain(group: Group, jobs: readonly QueuedJob[]): void {
    if (group.stop?.reason === 'way') for (const job of jobs) job.isRetried = true;
    group.queue.pushFront(jobs);
  }

  #onSweep(): void {
    const nowMs = performance.now();
    for (const queue of this.#backlog.working()) {
      const useless = queue.takeUseless(nowMs);
      for (const job of useless)
        if (job.deadlineMs > nowMs) this.#backlog.settle(job, job.isCancelled() ? cancelled : abandoned);
      const late = useless.filter((job) => job.deadlineMs <= nowMs);
      if (late.length > 0) void this.#settleLate(queue, late);
    }
    this.#ending.sweep(nowMs);
    this.#pool.endIdle(nowMs);
    if (this.#backlog.working().length > 0) this.#schedulePump();
  }

  /** Work on a file whose turn never came. */
  #giveUp(executor: Executor, group: Group): void {
    this.#release(executor, group);
    // Who has not closed it yet must be asked again by the next work on the file.
    for (const other of group.closing) other.open.set(group.queue.path, 'write');
    for (const job of group.jobs) if (job !== undefined) this.#backlog.settle(job, lateOutcome(false));
  }

  /** Jobs that waited for their turn in vain: a lock is the reason where the work before them waits for one. */
  async #settleLate(queue: DatabaseQueue, jobs: readonly QueuedJob[]): Promise<void> {
    const outcome = lateOutcome(await this.#ending.isLocked(queue));
    for (const job of jobs) this.#backlog.settle(job, outcome);
  }
}
