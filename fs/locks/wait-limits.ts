// How long a request may wait, and when it is tried again. Which lock may wait how long is policy.ts.
import { HOLDS_PENDING_READ } from '../sqlite/lock-bytes.ts';
import type { Asked, Database, Waiter, WaitKind } from './database.ts';
import type { Episode } from './episodes.ts';
import type { Obstacle } from './grants.ts';
import type { LockLimits } from './limits.ts';
import { isCommitStep, patienceForReaderMs, patienceMs } from './policy.ts';
import type { Transactions } from './transactions.ts';
import type { LockWorld } from './types.ts';

/** Pauses do not get longer after so many waits in vain in a row. */
const mostInVain = 5;

export class WaitLimits {
  readonly #world: LockWorld;
  readonly #limits: LockLimits;
  readonly #transactions: Transactions;

  constructor(world: LockWorld, limits: LockLimits, transactions: Transactions) {
    this.#world = world;
    this.#limits = limits;
    this.#transactions = transactions;
  }

  /** For one episode of waits; 0: it is answered at once. */
  patienceMs(kind: WaitKind, { file: { database }, request, role, me }: Asked, nowMs: number): number {
    if (kind === 'gate') return this.#limits.queueMs;
    if (kind === 'unread') {
      if (nowMs < database.unreadInVain.pauseUntilMs) return 0;
      return patienceForReaderMs(me, this.#world.unreadWalBytes(database.files), this.#limits);
    }
    const journal = () => this.#transactions.journalOf(database);
    return patienceMs(request, role, database, me, journal, this.#limits);
  }

  /** How long a request may wait now, after what its episode has used. */
  limitMs(
    patience: number,
    kind: WaitKind,
    { file: { database }, request, me }: Asked,
    episode: Episode<Asked>,
  ): number {
    const { queueMs, shortMs, behindLongMs } = this.#limits;
    // The archive process needs nothing that the waiter keeps from others.
    if (request.wait || kind === 'unread') return patience - episode.waitedMs;
    // A wait stops every thread of its process from unlocking, so an owner in the way of others may only wait a little.
    // Between two tries the other connections of its process get on.
    if (database.handlesOf(me) > 1)
      return Math.min(shortMs, (episode.isBehindLong ? behindLongMs : queueMs) - episode.waitedMs);
    const holdsSnapshot =
      database.holdsSnapshotOrMore(me, this.#transactions.journalOf(database)) && me.bits !== HOLDS_PENDING_READ;
    const isInTheWay = request.type === 'read' && holdsSnapshot;
    const most = isInTheWay ? shortMs : episode.isBehindLong ? behindLongMs : patience;
    return Math.min(patience, most) - episode.waitedMs;
  }

  /** When a wait is over, as far as is known now: one at the gate sooner while nobody holds a write lock. */
  deadlineMs(waiter: Waiter, nowMs: number): number {
    const limitMs = waiter.startedMs + waiter.limitMs;
    if (waiter.kind !== 'gate') return limitMs;
    const { database } = waiter;
    if (database.writer && database.writer !== waiter.me) return limitMs;
    const idleMs = nowMs - waiter.startedMs - (database.busy.totalMs(nowMs) - waiter.busyAtStartMs);
    return Math.min(limitMs, nowMs + this.#limits.gateIdleMs - idleMs - waiter.episode.idleMs);
  }

  /** At the limit of a commit. The short waits of a process with several connections say nothing of the readers. */
  isWholeCommit({ database, role, request, me, episode, startedMs }: Waiter, nowMs: number): boolean {
    if (!isCommitStep(role, request, me)) return false;
    const wholeMs = episode.isBehindLong ? this.#limits.behindLongMs : this.#limits.commitMs;
    return database.handlesOf(me) <= 1 || episode.waitedMs + nowMs - startedMs >= wholeMs;
  }

  /** A wait for the archive process is over. `isInVain`: at its limit. */
  noteUnread({ unreadInVain }: Database, isInVain: boolean, nowMs: number): void {
    const times = isInVain ? Math.min(unreadInVain.times + 1, mostInVain) : 0;
    unreadInVain.times = times;
    unreadInVain.pauseUntilMs = isInVain ? nowMs + this.#limits.unreadPauseMs * 2 ** (times - 1) : nowMs;
  }

  /** undefined: something that happens here tells when it may be tried again. */
  retryMs(obstacle: Obstacle, nowMs: number): number | undefined {
    if (obstacle === 'foreign') return nowMs + this.#limits.foreignPollMs;
    return obstacle === 'unread' ? nowMs + this.#limits.unreadPollMs : undefined;
  }
}

export function kindOf(obstacle: Obstacle): WaitKind {
  return obstacle === 'gate' || obstacle === 'unread' ? obstacle : 'lock';
}
