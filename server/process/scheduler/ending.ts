// Ends work before it is done: at its deadline, when its clients have left, or when it keeps a file open that is to go.
// An interrupt first; the executor is killed where nobody listens to it, or it does not help.
import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../../messages/limits.ts';
import type { Executor } from './executor.ts';
import { type Group, hasCommitBegun, isToBreakUp, mayGiveWay, type StopReason, whyToStop } from './group.ts';
import type { ExecutorPool } from './pool.ts';
import type { DatabaseQueue } from './queue.ts';

export interface EndingDeps {
  readonly pool: Pick<ExecutorPool, 'all'>;
  /** The processes that wait for a lock of the database now. */
  readonly lockWaiters: (path: string) => Promise<readonly number[]>;
  /** Work on a file whose turn never came: its executor has not begun with it. */
  readonly giveUp: (executor: Executor, group: Group) => void;
}

export class Ending {
  readonly #deps: EndingDeps;

  constructor(deps: EndingDeps) {
    this.#deps = deps;
  }

  /** Called now and then. */
  sweep(nowMs: number): void {
    for (const executor of this.#deps.pool.all) {
      const { group } = executor;
      if (group === null) continue;
      // Without a guard the deadline of one of them ends the group.
      if (isToBreakUp(group, nowMs)) group.isBrokenUp = executor.interrupt(group.id);
      this.#askToGiveWay(group, nowMs);
      const reason = whyToStop(group, nowMs) ?? group.stop?.reason;
      if (reason !== undefined) this.#stop(executor, group, reason, nowMs);
    }
  }

  /** Whether work on the database waits for a lock of somebody else now, as far as that can be learned soon. */
  async isLocked({ path }: DatabaseQueue): Promise<boolean> {
    const pids = [...this.#deps.pool.all].flatMap(({ group, pid }) => (group?.queue.path === path ? [pid] : []));
    if (pids.length === 0) return false;
    const waiters = await this.#lockWaiters(path);
    return waiters.some((pid) => pids.includes(pid));
  }

  /** Work on a file waits for executors that have it open and are busy elsewhere. */
  #askToGiveWay({ closing, startedAtMs }: Group, nowMs: number): void {
    if (closing.size === 0 || nowMs - startedAtMs < limits.givingWayMs) return;
    for (const other of closing) {
      const { group } = other;
      if (group === null || group.stop !== null) continue;
      if (mayGiveWay(group, nowMs)) this.#stop(other, group, 'way', nowMs);
    }
  }

  #stop(executor: Executor, group: Group, reason: StopReason, nowMs: number): void {
    if (group.closing.size > 0) {
      this.#deps.giveUp(executor, group);
      return;
    }
    const hasBegun = hasCommitBegun(group);
    if (group.stop !== null) {
      const readingMs = group.stop.reason === 'cancelled' ? limits.cancelGraceMs : limits.interruptGraceMs;
      const graceMs = hasBegun ? limits.commitGraceMs : readingMs;
      if (nowMs - group.stop.atMs > graceMs) executor.kill();
      return;
    }
    group.stop = { reason, atMs: nowMs };
    const isInterrupted = !hasBegun && executor.interrupt(group.id);
    if ((reason === 'deadline' || reason === 'cancelled') && !hasBegun)
      void this.#findLock(executor, group, isInterrupted);
    else if (!isInterrupted) executor.kill();
  }

  /** A group that waits for a lock is not reached by an interrupt. */
  async #findLock(executor: Executor, group: Group, isInterrupted: boolean): Promise<void> {
    const waiters = await this.#lockWaiters(group.queue.path);
    if (executor.group !== group || hasCommitBegun(group)) return;
    group.isLocked = waiters.includes(executor.pid);
    if (group.isLocked || !isInterrupted) executor.kill();
  }

  #lockWaiters(path: string): Promise<readonly number[]> {
    const inTime = sleep(limits.lockQuestionMs, [] as const, { ref: false });
    return Promise.race([this.#deps.lockWaiters(path), inTime]);
  }
}
