// The executor processes: which one is free, when another is started, when an idle one ends.
import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../../messages/limits.ts';
import type { OpenMode } from '../../messages/operation.ts';
import { Executor, type ExecutorEvents, type ExecutorStart } from './executor.ts';
import { isLong, isShort, isWriting, type QueuedJob } from './queue.ts';

/** While an executor is at short work, the next group rather waits this long than for a new process to start. */
const patienceMs = 25;

export class ExecutorPool {
  readonly #start: ExecutorStart;
  readonly #events: ExecutorEvents;
  readonly #executors = new Set<Executor>();
  #starvedSinceMs: number | null = null;

  constructor(start: ExecutorStart, events: ExecutorEvents) {
    this.#start = start;
    this.#events = events;
  }

  get all(): Iterable<Executor> {
    return this.#executors;
  }

  get pids(): number[] {
    return [...this.#executors].map((executor) => executor.pid).filter((pid) => pid > 0);
  }

  /** Databases that any executor may have open. */
  get openPaths(): string[] {
    return [...new Set([...this.#executors].flatMap((executor) => [...executor.open.keys()]))];
  }

  /**
   * A free one: best one that has the database open in this mode, then one that has it not open. At last one that has
   * to close it and to open it anew, where no other will be free or started soon.
   */
  take({ path, mode, lane }: { path: string; mode: OpenMode; lane: QueuedJob['lane'] }): Executor | undefined {
    let without: Executor | undefined;
    let other: Executor | undefined;
    for (const executor of this.#executors) {
      if (executor.group !== null || !executor.isReady) continue;
      const open = executor.open.get(path);
      if (open === mode) return executor;
      if (open === undefined) without ??= executor;
      else other ??= executor;
    }
    return without ?? (other !== undefined && this.#mayReopen(lane) ? other : undefined);
  }

  /** Neither long work, nor background work, nor what may wait for locks ever takes all executors from the rest. */
  hasRoomFor(lane: QueuedJob['lane']): boolean {
    const lanes = [...this.#executors].flatMap(({ group }) => (group === null ? [] : [group.lane]));
    return hasRoomBeside(lanes, lane);
  }

  /** So that nobody waits for a new process. Once it is there, each keeps the database open in its own mode. */
  #mayReopen(lane: QueuedJob['lane']): boolean {
    const all = [...this.#executors];
    if (all.length >= limits.executors) return true;
    if (lane === 'background' || all.some(({ group }) => group !== null && isShort(group.lane))) return false;
    if (all.every(({ isReady }) => isReady)) this.#add(1);
    return true;
  }

  #add(count: number): void {
    const most = limits.executors - this.#executors.size;
    for (let n = 0; n < Math.min(count, most); n += 1) this.#executors.add(new Executor(this.#start, this.#events));
  }

  /**
   * Starts executors for groups that found none free. Returns after how many milliseconds to look again because
   * somebody will be free sooner than a new process is ready, or null.
   */
  provideFor(unservedGroups: number): number | null {
    if (unservedGroups === 0) {
      this.#starvedSinceMs = null;
      return null;
    }
    const nowMs = performance.now();
    this.#starvedSinceMs ??= nowMs;
    const all = [...this.#executors];
    const waitMs = this.#starvedSinceMs + patienceMs - nowMs;
    if (waitMs > 0 && all.some(({ group }) => group !== null && isShort(group.lane))) return waitMs;
    const starting = all.filter(({ isReady }) => !isReady).length;
    this.#add(unservedGroups - starting);
    return null;
  }

  /** Ends executors that had nothing to do for long, and those that do not come up. */
  endIdle(nowMs: number): void {
    for (const executor of this.#executors) {
      if (!executor.isReady && nowMs - executor.startedAtMs > limits.executorStartMs) executor.kill();
    }
    for (const executor of idleTooLong([...this.#executors], nowMs)) {
      this.#executors.delete(executor);
      executor.end();
    }
  }

  remove(executor: Executor): void {
    this.#executors.delete(executor);
  }

  /**
   * Ends the executors, the busy ones by force. Resolves when all are gone: an idle one closes its databases first,
   * which leaves no write-ahead log behind.
   */
  async stop(): Promise<void> {
    const exits = [...this.#executors].map((executor) => {
      const isIdle = executor.group === null && executor.isReady;
      if (isIdle || executor.group?.phase === 'committed') executor.end();
      else executor.kill();
      return executor.exited;
    });
    await Promise.race([Promise.all(exits), sleep(limits.executorEndMs, undefined, { ref: false })]);
  }
}

/** Those that are to end. The one that was used last stays: the next request need not wait for a new process. */
export function idleTooLong<One extends Pick<Executor, 'group' | 'isReady' | 'idleSinceMs'>>(
  executors: readonly One[],
  nowMs: number,
): One[] {
  const ready = executors.filter(({ isReady }) => isReady);
  const isIdle = ({ group, idleSinceMs }: One) => group === null && nowMs - idleSinceMs > limits.executorIdleMs;
  const idle = ready.filter(isIdle).sort((one, other) => one.idleSinceMs - other.idleSinceMs);
  return idle.length === ready.length ? idle.slice(0, -1) : idle;
}

/** Whether a group of `lane` may start beside the groups at work. */
export function hasRoomBeside(lanes: readonly QueuedJob['lane'][], lane: QueuedJob['lane']): boolean {
  const count = (is: (running: QueuedJob['lane']) => boolean): number => lanes.filter(is).length;
  const long = count(isLong);
  const background = count((running) => running === 'background');
  if (lane !== 'kv-read' && count((running) => running !== 'kv-read') >= limits.executorsBesideKvReads) return false;
  if (isWriting(lane) && count(isWriting) >= limits.writingExecutors) return false;
  if (!isLong(lane) && lane !== 'background') return true;
  if (long + background >= limits.longAndBackgroundExecutors) return false;
  if (lane === 'background') return background < limits.backgroundExecutors;
  return (
    long < limits.longExecutors &&
    (lane !== 'sql' || count((running) => running === 'sql') < limits.writingSqlExecutors)
  );
}
