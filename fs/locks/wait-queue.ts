// Those who wait: takes a request into the line of its database, tries the line again when something was given back,
// and finishes each wait by a grant, a refusal at its limit, or a refusal that breaks a cycle. What can be granted is
// grants.ts; the rules are policy.ts and wait-limits.ts (who may wait, how long), gate.ts and deadlock.ts (who gives
// way).
import { HOLDS_CKPT, HOLDS_WRITE } from '../sqlite/lock-bytes.ts';
import type { LockCounters } from './counters.ts';
import type { Asked, Database, DatabaseOwner, Waiter } from './database.ts';
import { blockersOf, chooseVictim, findCycle, type Wait } from './deadlock.ts';
import { gateOpensMs, reviewYoung, standsInLine } from './gate.ts';
import type { Grants, Obstacle } from './grants.ts';
import type { LockLimits } from './limits.ts';
import { isBehindLong } from './policy.ts';
import { reviewHold } from './slices.ts';
import type { LockOwner } from './table.ts';
import { isLateWrite, isNewcomer, type Transactions } from './transactions.ts';
import type { Completion, LockAnswer, LockWorld } from './types.ts';
import { kindOf, WaitLimits } from './wait-limits.ts';

/** A request that was refused a moment ago and is sure to come again. */
interface Poll {
  readonly asked: Asked;
  readonly untilMs: number;
}

export class WaitQueue {
  readonly #world: LockWorld;
  readonly #limits: LockLimits;
  readonly #counters: LockCounters;
  readonly #grants: Grants;
  readonly #transactions: Transactions;
  readonly #waits: WaitLimits;
  readonly #waiting = new Map<number, Waiter>();
  readonly #databases = new Set<Database>();
  readonly #polls = new Map<LockOwner, Poll>();
  #completions: Completion[] = [];
  #nextTurn = 1;
  #nextDeadlineMs: number | undefined = Number.POSITIVE_INFINITY;

  constructor(
    world: LockWorld,
    limits: LockLimits,
    counters: LockCounters,
    grants: Grants,
    transactions: Transactions,
  ) {
    this.#world = world;
    this.#limits = limits;
    this.#counters = counters;
    this.#grants = grants;
    this.#transactions = transactions;
    this.#waits = new WaitLimits(world, limits, transactions);
  }

  get length(): number {
    return this.#waiting.size;
  }

  /** Keeps the request waiting, or refuses it. */
  wait(asked: Asked, obstacle: Obstacle, nowMs: number): LockAnswer | 'waiting' {
    const { file, role, request, me } = asked;
    const { database } = file;
    const kind = kindOf(obstacle);
    const patience = obstacle === 'shielded' ? 0 : this.#waits.patienceMs(kind, asked, nowMs);
    if (patience === 0) return this.refuse(asked, nowMs);
    const episode = database.episodes.of(request, this.#limits.episodeGapMs, nowMs);
    episode.isBehindLong ??= isBehindLong(asked, kind, this.#limits, nowMs);
    const limitMs = this.#waits.limitMs(patience, kind, asked, episode);
    const turn = episode.keptTurn ?? turnAfterShortWait(me, nowMs) ?? this.#nextTurn++;
    episode.keptTurn = undefined;
    episode.startedMs ??= nowMs;
    episode.refused = undefined;
    episode.lastSeenMs = Number.POSITIVE_INFINITY;
    const waiter: Waiter = {
      file,
      role,
      request,
      me,
      database,
      kind,
      proof: this.#transactions.proofOf(database, me, nowMs),
      startedMs: nowMs,
      commitsAsked: database.commits,
      limitMs,
      turn,
      episode,
      busyAtStartMs: database.busy.totalMs(nowMs),
      dueMs: nowMs + Math.min(limitMs, this.#limits.gateIdleMs - episode.idleMs),
      retryMs: this.#waits.retryMs(obstacle, nowMs),
    };
    if (nowMs >= this.#waits.deadlineMs(waiter, nowMs)) {
      episode.lastSeenMs = nowMs;
      if (kind === 'gate' && this.#letThrough(asked, database.commits, nowMs)) return 'granted';
      episode.refused = asked;
      return this.refuse(asked, nowMs);
    }
    database.addWaiter(waiter);
    me.waiting++;
    this.#waiting.set(request.unique, waiter);
    this.#databases.add(database);
    this.#nextDeadlineMs = undefined;
    this.#counters.waits++;
    if (kind === 'gate') this.#counters.gateWaits++;
    if (kind === 'unread') this.#world.readWalNow(database.name);
    this.#breakCycles(me.owner, waiter, nowMs);
    return this.#waiting.has(request.unique) ? 'waiting' : this.#takeBack(request.unique);
  }

  refuse(asked: Asked, nowMs: number): 'refused' {
    const { me } = asked;
    this.#counters.refusals++;
    // A checkpoint that waits for readers asks again and again instead of queueing; meanwhile it holds WRITE.
    if (me.bits & HOLDS_WRITE && me.bits & HOLDS_CKPT) {
      this.#polls.set(me.owner, { asked, untilMs: nowMs + this.#limits.pollEdgeMs });
      this.#breakCycles(me.owner, undefined, nowMs);
    }
    return 'refused';
  }

  /** Gives the line another try, in the order of turns. */
  pump(database: Database, nowMs: number): void {
    if (database.waiters.length === 0) return;
    this.#nextDeadlineMs = undefined;
    let hasDowngrade = false;
    let isBehind = false;
    for (const waiter of [...database.waiters]) {
      if (!this.#waiting.has(waiter.request.unique)) continue;
      const { kind, me, proof } = waiter;
      if (isBehind && kind === 'gate' && standsInLine(database, me, proof, this.#limits, nowMs)) continue;
      const obstacle = this.#grants.tryWaiter(waiter, isBehind, nowMs);
      if (obstacle === 'none') {
        if (kind === 'unread') this.#waits.noteUnread(database, false, nowMs);
        this.#finish(waiter, 'granted', nowMs);
        if (waiter.me.waiting > 0) this.#breakCycles(waiter.me.owner, undefined, nowMs);
        hasDowngrade ||= waiter.role === 'foreign' && waiter.request.type === 'read';
      } else if (obstacle === 'no-room') {
        this.#finish(waiter, 'no-room', nowMs);
      } else if (kind === 'unread' && obstacle !== 'unread') {
        // A reader has come, or somebody checkpoints. SQLite is told at once, as if it had asked now.
        this.#counters.refusals++;
        this.#finish(waiter, 'refused', nowMs);
      } else {
        waiter.kind = kindOf(obstacle);
        waiter.retryMs = this.#waits.retryMs(obstacle, nowMs);
        isBehind ||= isNewcomer(waiter);
      }
    }
    if (hasDowngrade) this.pump(database, nowMs);
  }

  /** Ends a wait and keeps its place in the line. */
  interrupt(unique: number, nowMs: number): void {
    const waiter = this.#waiting.get(unique);
    if (!waiter) return;
    this.#counters.interrupts++;
    this.#finish(waiter, 'interrupted', nowMs);
    waiter.episode.keptTurn = waiter.turn;
    this.pump(waiter.database, nowMs);
  }

  /** A commit begins: who holds SHARED and wants RESERVED has to let go of both. */
  refuseUpgrades(database: Database, nowMs: number): void {
    for (const waiter of [...database.waiters]) {
      if (waiter.role !== 'reserved') continue;
      this.#counters.refusals++;
      this.#finish(waiter, 'refused', nowMs);
    }
  }

  /** Refuses or lets through whoever reached a limit. */
  expire(nowMs: number): void {
    const isRunning = (tid: number) => this.#world.isRunning(tid);
    for (const database of [...this.#databases]) {
      reviewYoung(database, this.#limits, isRunning, nowMs);
      reviewHold(database, this.#limits, isRunning, nowMs);
      for (const waiter of [...database.waiters]) {
        if (nowMs < waiter.dueMs) continue;
        waiter.dueMs = this.#waits.deadlineMs(waiter, nowMs);
        if (nowMs < waiter.dueMs) continue;
        const letThrough = waiter.kind === 'gate' && this.#letThrough(waiter, waiter.commitsAsked, nowMs);
        if (letThrough) this.#counters.gateTimeouts++;
        else this.#counters.timeouts++;
        if (waiter.kind === 'unread') this.#waits.noteUnread(database, true, nowMs);
        if (this.#waits.isWholeCommit(waiter, nowMs)) this.#transactions.commitRefused(waiter);
        if (database.handlesOf(waiter.me) > 1)
          waiter.me.turn.shortened = { turn: waiter.turn, untilMs: nowMs + this.#limits.episodeGapMs };
        this.#finish(waiter, letThrough ? 'granted' : waiter.request.wait ? 'interrupted' : 'refused', nowMs);
      }
      this.pump(database, nowMs);
    }
    this.#nextDeadlineMs = undefined;
  }

  /** When {@link expire} is due: Infinity while nobody waits. */
  nextDeadlineMs(nowMs: number): number {
    if (this.#waiting.size === 0) return Number.POSITIVE_INFINITY;
    this.#nextDeadlineMs ??= this.#computeDeadlineMs(nowMs);
    return this.#nextDeadlineMs;
  }

  /** The answers that have become due since the last call. */
  takeCompletions(): readonly Completion[] {
    if (this.#completions.length === 0) return NO_COMPLETIONS;
    const taken = this.#completions;
    this.#completions = [];
    return taken;
  }

  /** The owner is gone, or holds nothing more. */
  forgetOwner(owner: LockOwner): void {
    this.#polls.delete(owner);
  }

  /**
   * At a limit: a newcomer may read. What a process with several connections writes then is a late write, which is
   * refused.
   */
  #letThrough(asked: Asked, commitsAsked: number, nowMs: number): boolean {
    if (isLateWrite(asked) || !this.#grants.take(asked, commitsAsked, nowMs)) return false;
    const { file, me } = asked;
    if (me.transaction && file.database.handlesOf(me) > 1) me.transaction.mayWrite = false;
    return true;
  }

  #finish(waiter: Waiter, answer: LockAnswer, nowMs: number): void {
    const { database, episode } = waiter;
    const waitedMs = nowMs - waiter.startedMs;
    episode.waitedMs += waitedMs;
    episode.lastSeenMs = nowMs;
    if (answer === 'refused') episode.refused = waiter;
    if (answer === 'granted') episode.startedMs = undefined;
    if (waiter.kind === 'gate') episode.idleMs += waitedMs - (database.busy.totalMs(nowMs) - waiter.busyAtStartMs);
    waiter.me.waiting--;
    this.#waiting.delete(waiter.request.unique);
    const at = database.waiters.indexOf(waiter);
    if (at >= 0) database.waiters.splice(at, 1);
    if (database.waiters.length === 0) this.#databases.delete(database);
    this.#counters.recordWait(waitedMs);
    this.#completions.push({ unique: waiter.request.unique, answer });
    this.#nextDeadlineMs = undefined;
  }

  /** The answer of a request that was finished while it was still being asked. */
  #takeBack(unique: number): LockAnswer {
    const at = this.#completions.findLastIndex((completion) => completion.unique === unique);
    return this.#completions.splice(at, 1)[0]?.answer ?? 'refused';
  }

  #breakCycles(owner: LockOwner, closer: Waiter | undefined, nowMs: number): void {
    for (;;) {
      const cycle = findCycle(owner, (node) => this.#waitsOf(node, nowMs));
      const victim = cycle && chooseVictim(cycle, closer);
      if (!victim) return;
      if (victim.kind === 'gate' && this.#letThrough(victim, victim.commitsAsked, nowMs)) {
        this.#finish(victim, 'granted', nowMs);
      } else {
        this.#counters.deadlockRefusals++;
        this.#finish(victim, victim.request.wait ? 'deadlock' : 'refused', nowMs);
      }
    }
  }

  #waitsOf(owner: LockOwner, nowMs: number): Wait[] {
    const waits: Wait[] = [];
    for (const database of this.#databases) {
      for (const waiter of database.waiters) {
        if (waiter.me.owner === owner) waits.push({ waiter, blockers: blockersOf(waiter) });
      }
    }
    const poll = this.#polls.get(owner);
    if (poll) {
      const { file, request } = poll.asked;
      if (nowMs > poll.untilMs) this.#polls.delete(owner);
      else {
        const type = request.type === 'write' ? 'write' : 'read';
        waits.push({
          waiter: undefined,
          blockers: file.posix.conflictingOwners(owner, request.start, request.end, type),
        });
      }
    }
    return waits;
  }

  #computeDeadlineMs(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const database of this.#databases) {
      let isBehind = false;
      for (const waiter of database.waiters) {
        next = Math.min(next, waiter.dueMs, waiter.retryMs ?? Number.POSITIVE_INFINITY);
        if (!isNewcomer(waiter)) continue;
        // OPEN is due at once: time alone has opened it since it was last looked at.
        if (waiter.kind === 'gate')
          next = Math.min(next, gateOpensMs(database, waiter.me, waiter.proof, isBehind, this.#limits, nowMs));
        isBehind = true;
      }
    }
    return next;
  }
}

function turnAfterShortWait({ turn: { shortened } }: DatabaseOwner, nowMs: number): number | undefined {
  return shortened && nowMs <= shortened.untilMs ? shortened.turn : undefined;
}

const NO_COMPLETIONS: readonly Completion[] = [];
