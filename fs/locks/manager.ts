// The lock coordinator: grants, keeps waiting or refuses every lock request of the mount, and says later what became of
// those that wait. Synchronous and pure: the time is an argument, the world is asked through LockWorld (types.ts). The rules
// are in gate.ts (who begins), policy.ts (who may wait) and deadlock.ts (who gives way); README.md draws them.
import {
  HOLDS_CKPT,
  HOLDS_PENDING_READ,
  HOLDS_READ,
  HOLDS_WRITE,
  type LockRole,
  roleOf,
} from '../sqlite/lock-bytes.ts';
import { LockCounters } from './counters.ts';
import type { Database, DatabaseOwner, LockFile } from './database.ts';
import { blockersOf, chooseVictim, findCycle, type Wait } from './deadlock.ts';
import { gateOpensMs, hasRetryTurn, OPEN, reviewYoung } from './gate.ts';
import { defaultLockLimits, type LockLimits } from './limits.ts';
import { isCommitStep, isShielded, patienceMs } from './policy.ts';
import { END_OF_FILE, type HeldRange } from './ranges.ts';
import { Registry } from './registry.ts';
import { type DatabaseLocks, viewOf } from './snapshot.ts';
import type { LockOwner, OwnerLocks } from './table.ts';
import { mayBegin, Transactions } from './transactions.ts';
import type { Completion, LockAnswer, LockRequest, LockWorld, ProcessIdentity } from './types.ts';
import { insertByTurn, type Waiter, type WaitKind } from './waiters.ts';

/** What stands in a request's way now; `none` means it was granted. */
type Obstacle = 'none' | 'lock' | 'foreign' | 'gate';

interface Poll {
  readonly file: LockFile;
  readonly request: LockRequest;
  readonly untilMs: number;
}

export class LockManager {
  readonly counters = new LockCounters();
  readonly limits: LockLimits;
  readonly #world: LockWorld;
  readonly #isRunning = (tid: number): boolean => this.#world.isRunning(tid);
  readonly #registry: Registry;
  readonly #transactions: Transactions;
  readonly #waiting = new Map<number, Waiter>();
  readonly #waitingDatabases = new Set<Database>();
  readonly #polls = new Map<LockOwner, Poll>();
  #completions: Completion[] = [];
  #nextTurn = 1;
  #nextDeadlineMs: number | undefined = Number.POSITIVE_INFINITY;

  constructor(world: LockWorld, limits: Partial<LockLimits> = {}) {
    this.#world = world;
    this.limits = { ...defaultLockLimits, ...limits };
    this.#registry = new Registry(world);
    this.#transactions = new Transactions(world, this.limits, this.counters);
  }

  get size(): { readonly files: number; readonly owners: number; readonly waiting: number } {
    let owners = 0;
    for (const database of this.#registry.databases) owners += database.owners.size;
    return { files: this.#registry.fileCount, owners, waiting: this.#waiting.size };
  }

  // --- the files ---------------------------------------------------------------------------------------------------

  open(file: number, handle: number, tid: number, readOnly: boolean): void {
    const opened = this.#registry.fileOf(file);
    const isMain = opened.kind === 'database';
    const identity = isMain ? this.#world.identify(tid) : undefined;
    opened.handles.set(handle, { identity, readOnly, closing: false });
    if (!identity) return;
    opened.database.forgetJournal();
    forgetIdentity(opened.database, identity.pid);
  }

  /**
   * In a successor process, after the files were opened: what an owner had been granted. What the dead process knew besides -
   * transactions, proved readers, whose turn it was - is found out again.
   */
  restore(key: number, isFlock: boolean, held: OwnerLocks, nowMs: number): void {
    const file = this.#registry.fileOf(key);
    (isFlock ? file.flock : file.posix).insert(held);
    if (isFlock) return;
    for (const { start, end, type } of held.ranges) this.#world.mirror(key, start, end, type);
    const { database, kind } = file;
    if (kind === 'other') return;
    const me = database.ownerOf(held.owner, held.ranges[0]?.pid ?? 0);
    me.handle = held.handle;
    database.refresh(me, nowMs);
    for (const { start, end, type, tid } of held.ranges) {
      const role = type === 'write' ? roleOf(kind, start, end) : undefined;
      if (role === 'checkpoint') database.checkpointer = { owner: me.owner, tid };
      else if (role === 'reset') database.resetter = { owner: me.owner, tid };
    }
  }

  /** A descriptor was closed: POSIX ends every lock of `owner` on the file with it. */
  flush(file: number, handle: number, owner: LockOwner, nowMs: number): void {
    const closed = this.#registry.get(file);
    if (!closed) return;
    const open = closed.handles.get(handle);
    if (open) open.closing = true;
    this.#clear(closed, owner, 0, END_OF_FILE, nowMs);
    this.#dropOwner(closed.database, owner);
  }

  /** The open file is gone, and with it the flock and OFD locks that were asked through it. */
  release(file: number, handle: number, nowMs: number): void {
    const released = this.#registry.get(file);
    if (!released) return;
    const { database } = released;
    const open = released.handles.get(handle);
    released.handles.delete(handle);
    if (open?.identity) {
      database.forgetJournal();
      forgetIdentity(database, open.identity.pid);
    }
    for (const held of [...released.posix.owners.values()]) {
      if (held.handle === handle) this.#clear(released, held.owner, 0, END_OF_FILE, nowMs);
    }
    for (const held of [...released.flock.owners.values()]) {
      if (held.handle === handle) released.flock.clear(held.owner, 0, END_OF_FILE);
    }
    for (const me of [...database.owners.values()]) if (me.handle === handle) this.#dropOwner(database, me.owner);
    this.#pump(database, nowMs);
    this.#registry.dropIfUnused(released);
  }

  // --- requests ----------------------------------------------------------------------------------------------------

  /** Answers at once, or `waiting`: then a completion with the request's `unique` follows. */
  setLock(request: LockRequest, nowMs: number): LockAnswer | 'waiting' {
    const file = this.#registry.fileOf(request.file);
    if (request.type === 'unlock') {
      this.#unlock(file, request, nowMs);
      return 'granted';
    }
    const { database } = file;
    const me = database.ownerOf(request.owner, request.pid);
    me.handle = request.handle;
    const role = request.flock ? 'foreign' : roleOf(file.kind, request.start, request.end);
    if (request.flock) this.#dropForConversion(file, request, nowMs);
    else this.#noteIntent(file, role, request, me, nowMs);
    if (isShielded(request, role, database)) return this.#refuse(file, request, me, nowMs);
    const obstacle = this.#tryGrant(file, role, request, me, undefined, nowMs);
    if (obstacle === 'none') {
      if (request.type === 'read') this.#pump(database, nowMs); // it may have been a downgrade
      return 'granted';
    }
    return this.#wait(file, role, request, me, obstacle, nowMs);
  }

  /** The lock that a GETLK reports, undefined when `request` could be granted. */
  getLock(request: LockRequest): HeldRange | undefined {
    const file = this.#registry.get(request.file);
    if (!file || request.type === 'unlock') return undefined;
    const table = request.flock ? file.flock : file.posix;
    return table.conflict(request.owner, request.start, request.end, request.type);
  }

  /** A signal: the wait ends, its place in the line is kept for a moment in case the program asks again. */
  interrupt(unique: number, nowMs: number): void {
    const waiter = this.#waiting.get(unique);
    if (!waiter) return;
    this.counters.interrupts++;
    this.#finish(waiter, 'interrupted', nowMs);
    waiter.episode.keptTurn = waiter.turn;
    this.#pump(waiter.database, nowMs);
  }

  /**
   * Refuses or lets through whoever reached a limit. Call it when {@link nextDeadlineMs} has come, after the requests that are
   * ready: what a limit is about may be among them. Early does no harm.
   */
  expire(nowMs: number): void {
    for (const database of [...this.#waitingDatabases]) {
      reviewYoung(database, this.limits, this.#isRunning, nowMs);
      for (const waiter of [...database.waiters]) {
        if (nowMs < this.#deadlineMs(waiter, nowMs)) continue;
        const letThrough =
          waiter.kind === 'gate' &&
          this.#take(waiter.file, waiter.role, waiter.request, waiter.me, waiter.commitsAsked, nowMs);
        if (letThrough) this.counters.gateTimeouts++;
        else this.counters.timeouts++;
        this.#finish(waiter, letThrough ? 'granted' : waiter.request.wait ? 'interrupted' : 'refused', nowMs);
      }
      this.#pump(database, nowMs);
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

  /** Who holds and who waits, for people. */
  snapshot(nowMs: number): DatabaseLocks[] {
    const views: DatabaseLocks[] = [];
    for (const database of this.#registry.databases) {
      const view = viewOf(
        database,
        this.#registry.filesOf(database),
        (file) => this.#world.readJournalMode(file),
        nowMs,
      );
      if (view) views.push(view);
    }
    return views;
  }

  /** Who holds the write lock of a database, and since when it may have written. */
  writerOf(name: string): { readonly writer: ProcessIdentity; readonly sinceMs: number } | undefined {
    const database = this.#registry.database(name);
    if (!database?.writer || database.writeHeldSinceMs === undefined) return undefined;
    const { identity, pid } = database.writer;
    return { writer: identity ?? this.#world.identify(pid), sinceMs: database.writeHeldSinceMs };
  }

  // --- granting ----------------------------------------------------------------------------------------------------

  /** Grants, or says what is in the way. `waiter` when the request is in the line already. */
  #tryGrant(
    file: LockFile,
    role: LockRole,
    request: LockRequest,
    me: DatabaseOwner,
    waiter: Waiter | undefined,
    nowMs: number,
  ): Obstacle {
    const { database } = file;
    const type = request.type === 'write' ? 'write' : 'read';
    const table = request.flock ? file.flock : file.posix;
    if (table.conflict(request.owner, request.start, request.end, type)) return 'lock';
    if (role === 'pending' && type === 'read' && this.#isCommitWaiting(database, me)) return 'lock';
    if (this.#transactions.isSnapshotRequest(role, request, me, database)) {
      const isBehind = this.#isBehindAtGate(database, waiter);
      if (
        gateOpensMs(database, me, this.#transactions.proofOf(database, me, nowMs), isBehind, this.limits, nowMs) !==
        OPEN
      )
        return 'gate';
    }
    return this.#take(file, role, request, me, waiter?.commitsAsked ?? database.commits, nowMs) ? 'none' : 'foreign';
  }

  /** Mirror, then table; false when a lock of somebody else or of a program behind the mount is in the way. */
  #take(
    file: LockFile,
    role: LockRole,
    request: LockRequest,
    me: DatabaseOwner,
    commitsAsked: number,
    nowMs: number,
  ): boolean {
    const { owner, handle, start, end, pid, tid } = request;
    const type = request.type === 'write' ? 'write' : 'read';
    const range: HeldRange = { start, end, type, pid, tid, sinceMs: nowMs };
    if (request.flock) {
      file.flock.set(owner, handle, range, true);
      return true;
    }
    if (file.posix.conflict(owner, start, end, type)) return false;
    if (!this.#world.mirror(file.key, start, end, type)) {
      this.counters.foreignConflicts++;
      return false;
    }
    file.posix.set(owner, handle, range, file.kind === 'other');
    if (file.kind !== 'other') this.#transactions.granted(file.database, role, request, me, commitsAsked, nowMs);
    return true;
  }

  // --- giving back -------------------------------------------------------------------------------------------------

  #unlock(file: LockFile, request: LockRequest, nowMs: number): void {
    if (!request.flock) {
      this.#clear(file, request.owner, request.start, request.end, nowMs);
      return;
    }
    if (file.flock.clear(request.owner, 0, END_OF_FILE)) this.#pump(file.database, nowMs);
  }

  #clear(file: LockFile, owner: LockOwner, start: number, end: number, nowMs: number): void {
    if (!file.posix.clear(owner, start, end)) return;
    for (const free of file.posix.freeParts(start, end)) this.#world.mirror(file.key, free.start, free.end, 'unlock');
    const { database } = file;
    const me = database.owners.get(owner);
    if (me) this.#transactions.settle(database, me, database.refresh(me, nowMs), nowMs);
    this.#pump(database, nowMs);
  }

  // --- waiting -----------------------------------------------------------------------------------------------------

  #wait(
    file: LockFile,
    role: LockRole,
    request: LockRequest,
    me: DatabaseOwner,
    obstacle: Obstacle,
    nowMs: number,
  ): LockAnswer | 'waiting' {
    const { database } = file;
    const kind: WaitKind = obstacle === 'gate' ? 'gate' : 'lock';
    const journal = () => this.#transactions.journalOf(database);
    const patience =
      kind === 'gate' ? this.limits.queueMs : patienceMs(request, role, database, me, journal, this.limits);
    if (patience === 0) return this.#refuse(file, request, me, nowMs);
    const limited = request.wait ? patience : this.#patienceOfProcess(patience, request, me, database);
    const episode = database.episodes.of(request, this.limits.episodeGapMs, nowMs);
    const limitMs = limited - episode.waitedMs;
    const turn = episode.keptTurn ?? this.#nextTurn++;
    episode.keptTurn = undefined;
    episode.lastSeenMs = Number.POSITIVE_INFINITY;
    const waiter: Waiter = {
      request,
      file,
      database,
      me,
      role,
      kind,
      startedMs: nowMs,
      commitsAsked: database.commits,
      limitMs,
      turn,
      episode,
      writeHeldAtStartMs: database.writeHeldMs(nowMs),
      foreignRetryMs: obstacle === 'foreign' ? nowMs + this.limits.foreignPollMs : undefined,
    };
    if (nowMs >= this.#deadlineMs(waiter, nowMs)) {
      episode.lastSeenMs = nowMs;
      if (kind === 'gate' && this.#take(file, role, request, me, database.commits, nowMs)) return 'granted';
      return this.#refuse(file, request, me, nowMs);
    }
    insertByTurn(database.waiters, waiter);
    me.waiting++;
    this.#waiting.set(request.unique, waiter);
    this.#waitingDatabases.add(database);
    this.#nextDeadlineMs = undefined;
    this.counters.waits++;
    if (kind === 'gate') this.counters.gateWaits++;
    this.#breakCycles(me.owner, waiter, nowMs);
    return this.#waiting.has(request.unique) ? 'waiting' : this.#takeBack(request.unique);
  }

  /** A wait stops every thread of its process from unlocking, so an owner in the way of others may only wait a little. */
  #patienceOfProcess(patience: number, request: LockRequest, me: DatabaseOwner, database: Database): number {
    const holdsSnapshot =
      database.holdsSnapshotOrMore(me, this.#transactions.journalOf(database)) && me.bits !== HOLDS_PENDING_READ;
    const isInTheWay = (request.type === 'read' && holdsSnapshot) || database.handlesOf(me.pid) > 1;
    return isInTheWay ? Math.min(patience, this.limits.shortMs) : patience;
  }

  /** Gives the line another try, in the order of turns. */
  #pump(database: Database, nowMs: number): void {
    if (database.waiters.length === 0) return;
    this.#nextDeadlineMs = undefined;
    let hasDowngrade = false;
    for (const waiter of [...database.waiters]) {
      if (!this.#waiting.has(waiter.request.unique)) continue;
      const obstacle = this.#tryGrant(waiter.file, waiter.role, waiter.request, waiter.me, waiter, nowMs);
      if (obstacle === 'none') {
        this.#finish(waiter, 'granted', nowMs);
        if (waiter.me.waiting > 0) this.#breakCycles(waiter.me.owner, undefined, nowMs);
        hasDowngrade ||= waiter.role === 'foreign' && waiter.request.type === 'read';
      } else {
        waiter.kind = obstacle === 'gate' ? 'gate' : 'lock';
        waiter.foreignRetryMs = obstacle === 'foreign' ? nowMs + this.limits.foreignPollMs : undefined;
      }
    }
    if (hasDowngrade) this.#pump(database, nowMs);
  }

  #finish(waiter: Waiter, answer: LockAnswer, nowMs: number): void {
    const { database, episode } = waiter;
    const waitedMs = nowMs - waiter.startedMs;
    episode.waitedMs += waitedMs;
    episode.lastSeenMs = nowMs;
    if (waiter.kind === 'gate') episode.idleMs += waitedMs - (database.writeHeldMs(nowMs) - waiter.writeHeldAtStartMs);
    waiter.me.waiting--;
    this.#waiting.delete(waiter.request.unique);
    const at = database.waiters.indexOf(waiter);
    if (at >= 0) database.waiters.splice(at, 1);
    if (database.waiters.length === 0) this.#waitingDatabases.delete(database);
    this.counters.recordWait(waitedMs);
    this.#completions.push({ unique: waiter.request.unique, answer });
    this.#nextDeadlineMs = undefined;
  }

  #refuse(file: LockFile, request: LockRequest, me: DatabaseOwner, nowMs: number): 'refused' {
    this.counters.refusals++;
    // A checkpoint that waits for readers asks again and again instead of queueing; meanwhile it holds WRITE.
    if (me.bits & HOLDS_WRITE && me.bits & HOLDS_CKPT) {
      this.#polls.set(me.owner, { file, request, untilMs: nowMs + this.limits.pollEdgeMs });
      this.#breakCycles(me.owner, undefined, nowMs);
    }
    return 'refused';
  }

  /** The answer of a request that was finished while it was still being asked. */
  #takeBack(unique: number): LockAnswer {
    const at = this.#completions.findLastIndex((completion) => completion.unique === unique);
    return this.#completions.splice(at, 1)[0]?.answer ?? 'refused';
  }

  // --- deadlock ----------------------------------------------------------------------------------------------------

  #breakCycles(owner: LockOwner, closer: Waiter | undefined, nowMs: number): void {
    for (;;) {
      const cycle = findCycle(owner, (node) => this.#waitsOf(node, nowMs));
      const victim = cycle && chooseVictim(cycle, closer);
      if (!victim) return;
      if (
        victim.kind === 'gate' &&
        this.#take(victim.file, victim.role, victim.request, victim.me, victim.commitsAsked, nowMs)
      ) {
        this.#finish(victim, 'granted', nowMs);
      } else {
        this.counters.deadlockRefusals++;
        this.#finish(victim, victim.request.wait ? 'deadlock' : 'refused', nowMs);
      }
    }
  }

  #waitsOf(owner: LockOwner, nowMs: number): Wait[] {
    const waits: Wait[] = [];
    for (const database of this.#waitingDatabases) {
      for (const waiter of database.waiters) {
        if (waiter.me.owner === owner) waits.push({ waiter, blockers: blockersOf(waiter) });
      }
    }
    const poll = this.#polls.get(owner);
    if (poll) {
      const { file, request } = poll;
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

  // --- questions ---------------------------------------------------------------------------------------------------

  /** What a request tells about its owner, granted or not. */
  #noteIntent(file: LockFile, role: LockRole, request: LockRequest, me: DatabaseOwner, nowMs: number): void {
    if (mayBegin(role, request, me) && !hasRetryTurn(me, this.limits, nowMs) && !(me.bits & HOLDS_WRITE)) {
      me.comesBackAtOnce = nowMs - me.lastWriteEndMs <= this.limits.sliceGapMs;
    }
    if (request.type !== 'write') return;
    const { database } = file;
    if (role === 'reserved' || (role === 'write' && me.bits & HOLDS_READ)) {
      this.#transactions.noteWriteAttempt(database, me, nowMs);
    } else if (isCommitStep(role, request, me) && !me.committing) {
      me.committing = true;
      for (const waiter of [...database.waiters])
        if (waiter.role === 'reserved') this.#finish(waiter, 'refused', nowMs);
    }
  }

  /** A reader must not overtake a commit that already waits for PENDING, or readers could starve it. */
  #isCommitWaiting(database: Database, me: DatabaseOwner): boolean {
    if (database.waiters.length === 0) return false;
    return database.waiters.some((other) => other.me !== me && isCommitStep(other.role, other.request, other.me));
  }

  #isBehindAtGate(database: Database, waiter: Waiter | undefined): boolean {
    for (const other of database.waiters) {
      if (other === waiter) return false;
      if (mayBegin(other.role, other.request, other.me)) return true;
    }
    return false;
  }

  #deadlineMs(waiter: Waiter, nowMs: number): number {
    const limitMs = waiter.startedMs + waiter.limitMs;
    if (waiter.kind === 'lock') return limitMs;
    const { database } = waiter;
    if (database.writer && database.writer !== waiter.me) return limitMs;
    const idleMs = nowMs - waiter.startedMs - (database.writeHeldMs(nowMs) - waiter.writeHeldAtStartMs);
    return Math.min(limitMs, nowMs + this.limits.gateIdleMs - idleMs - waiter.episode.idleMs);
  }

  #computeDeadlineMs(nowMs: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const database of this.#waitingDatabases) {
      let isBehind = false;
      for (const waiter of database.waiters) {
        next = Math.min(next, this.#deadlineMs(waiter, nowMs), waiter.foreignRetryMs ?? Number.POSITIVE_INFINITY);
        if (!mayBegin(waiter.role, waiter.request, waiter.me)) continue;
        const proof = this.#transactions.proofOf(database, waiter.me, nowMs);
        const opensMs = gateOpensMs(database, waiter.me, proof, isBehind, this.limits, nowMs);
        // OPEN is due at once: time alone has opened it since it was last looked at.
        if (waiter.kind === 'gate') next = Math.min(next, opensMs);
        isBehind = true;
      }
    }
    return next;
  }

  /** Forgets an owner whose file was closed, unless it still holds or waits for something. */
  #dropOwner(database: Database, owner: LockOwner): void {
    database.episodes.forgetOwner(owner);
    const me = database.owners.get(owner);
    if (me === undefined || me.bits !== 0 || me.waiting > 0) return;
    database.owners.delete(owner);
    this.#polls.delete(owner);
    if (database.slice?.owner === owner) database.slice = undefined;
    if (database.waiters.length === 0) return;
    database.sliceHoldUntilMs = Number.NEGATIVE_INFINITY;
  }

  /** flock(2) converts by letting go first, so that two who convert at once cannot wait for each other. */
  #dropForConversion(file: LockFile, request: LockRequest, nowMs: number): void {
    const held = file.flock.owners.get(request.owner)?.ranges[0];
    if (held && held.type !== request.type) this.#unlock(file, request, nowMs);
  }
}

const NO_COMPLETIONS: readonly Completion[] = [];

/** An open or a close may change what a process is known for: it is looked at again. */
function forgetIdentity(database: Database, pid: number): void {
  for (const owner of database.owners.values()) if (owner.pid === pid) owner.identity = undefined;
}
