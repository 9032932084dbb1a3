// The executor processes: which one is free, when another is started, when an idle one ends.
import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../../messages/limits.ts';
import { Executor, type ExecutorEvents, type ExecutorStart } from './executor.ts';
import { isLong, isShort, type QueuedJob } from './queue.ts';

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
    return [...new Set([...this.#executors].flatMap((executor) => [...executor.open]))];
  }

  /** A free one, if there is a choice one that has the database open already. */
  idle(path: string): Executor | undefined {
    let any: Executor | undefined;
    for (const executor of this.#executors) {
      if (executor.group !== null || !executor.isReady) continue;
      if (executor.open.has(path)) return executor;
      any ??= executor;
    }
    return any;
  }

  /** Neither long nor background work ever takes all executors, so that the rest finds one. */
  hasRoomFor(lane: QueuedJob['lane']): boolean {
    if (!isLong(lane) && lane !== 'background') return true;
    const lanes = [...this.#executors].flatMap(({ group }) => (group === null ? [] : [group.lane]));
    const long = lanes.filter(isLong).length;
    const background = lanes.filter((running) => running === 'background').length;
    if (long + background >= limits.longAndBackgroundExecutors) return false;
    return lane === 'background' ? background < limits.backgroundExecutors : long < limits.longExecutors;
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
    const wanted = Math.min(unservedGroups - starting, limits.executors - all.length);
    for (let count = 0; count < wanted; count += 1) this.#executors.add(new Executor(this.#start, this.#events));
    return null;
  }

  /** Ends executors that had nothing to do for long, and those that do not come up. */
  endIdle(nowMs: number): void {
    for (const executor of this.#executors) {
      if (executor.group !== null) continue;
      if (!executor.isReady) {
        if (nowMs - executor.startedAtMs > limits.executorStartMs) executor.kill();
      } else if (nowMs - executor.idleSinceMs > limits.executorIdleMs) {
        this.#executors.delete(executor);
        executor.end();
      }
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
