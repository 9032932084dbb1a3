// Sends a group to its executor, with the time that it may wait for locks. Work that needs a file for itself is sent
// when every other executor has closed it.
import { limits } from '../../messages/limits.ts';
import type { PathRules } from '../../messages/paths.ts';
import type { Executor } from './executor.ts';
import type { Group } from './group.ts';
import type { ExecutorPool } from './pool.ts';

export class Dispatcher {
  readonly #pool: Pick<ExecutorPool, 'all'>;
  readonly #rules: PathRules;

  constructor(pool: Pick<ExecutorPool, 'all'>, rules: PathRules) {
    this.#pool = pool;
    this.#rules = rules;
  }

  dispatch(executor: Executor, group: Group): void {
    executor.group = group;
    if (group.lane === 'file' || group.isAlone) this.#closeEverywhere(executor, group);
    if (group.closing.size === 0) this.#send(executor, group);
  }

  /** It has closed the file that a group waits for; without an id it is gone, and every file with it. */
  closed(closer: Executor, groupId?: number): void {
    for (const executor of this.#pool.all) {
      const { group } = executor;
      if (groupId !== undefined && group?.id !== groupId) continue;
      if (group?.closing.delete(closer) && group.closing.size === 0) this.#send(executor, group);
    }
  }

  #closeEverywhere(executor: Executor, group: Group): void {
    for (const other of this.#pool.all) {
      if (other === executor || !other.open.delete(group.queue.path)) continue;
      group.closing.add(other);
      other.send({ type: 'close', id: group.id, path: group.queue.path });
    }
  }

  #send(executor: Executor, group: Group): void {
    const { id, lane, mode, queue } = group;
    const jobs = group.jobs.filter((job) => job !== undefined);
    const [first] = jobs;
    if (first === undefined) return;
    if (lane === 'file') {
      executor.send({ type: 'file', id, path: queue.path, operation: first.operation, args: first.args });
      return;
    }
    executor.open.set(queue.path, mode);
    executor.send({
      type: 'group',
      id,
      path: queue.path,
      lane,
      mode,
      create: first.create,
      budgetMs: this.#busyTimeoutMs(lockBudgetMs(lane, group.deadlineMs - performance.now())),
      isNamed: jobs.some(({ onNamed }) => onNamed !== undefined),
      jobs: jobs.map(({ operation, args }) => ({ operation, args })),
    });
  }

  /** SQLite counts only the sleeps between its tries: what a try itself takes, above all on a mount, is kept apart. */
  #busyTimeoutMs(leftMs: number): number {
    const { root, dataDir } = this.#rules;
    return root === dataDir ? leftMs : (leftMs - limits.lockWaitMs) * limits.busyTimeoutShare;
  }
}

/** How long a group may wait for locks, so that being refused can still be answered before the deadline. */
function lockBudgetMs(lane: Group['lane'], leftMs: number): number {
  const budgetMs = leftMs - Math.max(limits.answerReserveMs, Math.min(1_000, leftMs / 5));
  return lane === 'background' ? Math.min(budgetMs, limits.backgroundLockMs) : budgetMs;
}
