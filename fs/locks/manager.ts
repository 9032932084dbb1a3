// The lock coordinator: grants, keeps waiting or refuses every lock request of the mount, and says later what became of
// those that wait. Synchronous and pure: the time is an argument, the world is asked through LockWorld (types.ts). It
// knows which files are open; what can be granted is grants.ts, who waits is wait-queue.ts. README.md draws the rules.
import { END_OF_FILE } from '../protocol/lock-offsets.ts';
import { HOLDS_READ, roleOf } from '../sqlite/lock-bytes.ts';
import { LockCounters } from './counters.ts';
import { type Asked, type Database, HIDDEN, isOpenOf, type LockFile, type OpenHandle } from './database.ts';
import { Grants } from './grants.ts';
import { defaultLockLimits, type LockLimits } from './limits.ts';
import { isCommitStep } from './policy.ts';
import type { HeldRange } from './ranges.ts';
import { Registry } from './registry.ts';
import { type DatabaseLocks, viewOf } from './snapshot.ts';
import type { LockOwner, OwnerLocks } from './table.ts';
import { identityOfHidden, Transactions } from './transactions.ts';
import type { Completion, LockAnswer, LockRequest, LockWorld, ProcessIdentity } from './types.ts';
import { WaitQueue } from './wait-queue.ts';

export class LockManager {
  readonly counters = new LockCounters();
  readonly limits: LockLimits;
  readonly #world: LockWorld;
  readonly #registry: Registry;
  readonly #transactions: Transactions;
  readonly #grants: Grants;
  readonly #queue: WaitQueue;

  constructor(world: LockWorld, limits: Partial<LockLimits> = {}) {
    this.#world = world;
    this.limits = { ...defaultLockLimits, ...limits };
    this.#registry = new Registry(world);
    this.#transactions = new Transactions(world, this.limits, this.counters);
    this.#grants = new Grants(world, this.limits, this.counters, this.#transactions);
    this.#queue = new WaitQueue(world, this.limits, this.counters, this.#grants, this.#transactions);
  }

  get size(): { readonly files: number; readonly owners: number; readonly waiting: number } {
    let owners = 0;
    for (const database of this.#registry.databases) owners += database.owners.size;
    return { files: this.#registry.fileCount, owners, waiting: this.#queue.length };
  }

  // --- the files ---------------------------------------------------------------------------------------------------

  open(file: number, handle: number, tid: number, readOnly: boolean): void {
    const opened = this.#registry.fileOf(file);
    const isMain = opened.kind === 'database';
    const identity = isMain ? this.#world.identify(tid) : undefined;
    opened.handles.set(handle, { identity, readOnly, owner: undefined, closing: false });
    if (!identity) return;
    opened.database.forgetJournal();
    forgetIdentity(opened.database, identity.pid);
  }

  /**
   * In a successor process, after the files were opened: what an owner had been granted. What the dead process knew
   * besides - transactions, proved readers, whose turn it was - is found out again.
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

  /**
   * After the locks of a file were restored: the mirror may still hold what the dead process was about to give back.
   */
  freeUnheld(key: number): void {
    const { posix } = this.#registry.fileOf(key);
    for (const { start, end } of posix.freeParts(0, END_OF_FILE)) this.#world.mirror(key, start, end, 'unlock');
  }

  /** A descriptor was closed: POSIX ends every lock of `owner` on the file with it. */
  flush(file: number, handle: number, owner: LockOwner, nowMs: number): void {
    const closed = this.#registry.get(file);
    if (!closed) return;
    const open = closed.handles.get(handle);
    const me = closed.database.owners.get(owner);
    // A forked child closes what it has inherited, and its parent goes on.
    if (open && me && isOpenOf(open, me)) open.closing = true;
    this.#clear(closed, owner, 0, END_OF_FILE, nowMs, true);
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
      if (held.handle === handle) this.#clear(released, held.owner, 0, END_OF_FILE, nowMs, true);
    }
    for (const held of [...released.flock.owners.values()]) {
      if (held.handle === handle) released.flock.clear(held.owner, 0, END_OF_FILE);
    }
    for (const me of [...database.owners.values()]) if (me.handle === handle) this.#dropOwner(database, me.owner);
    this.#queue.pump(database, nowMs);
    this.#registry.dropIfUnused(released);
  }

  // --- requests ----------------------------------------------------------------------------------------------------

  /** Answers at once, or `waiting`: then a completion with the request's `unique` follows. */
  setLock(request: LockRequest, nowMs: number): LockAnswer | 'waiting' {
    const file = this.#registry.fileOf(request.file);
    if (request.type === 'unlock') {
      if (!canBeParted(file, request)) return 'no-room';
      this.#unlock(file, request, nowMs);
      return 'granted';
    }
    const { database } = file;
    const me = database.ownerOf(request.owner, request.pid);
    me.handle = request.handle;
    const role = request.flock ? 'foreign' : roleOf(file.kind, request.start, request.end);
    const asked: Asked = { file, role, request, me };
    if (request.flock) this.#dropForConversion(file, request, nowMs);
    else {
      noteUse(file.handles.get(request.handle), request.owner);
      this.#noteIntent(asked, nowMs);
    }
    const isDowngrade = request.type === 'read' && file.posix.isWriter(request.owner, request.start, request.end);
    const obstacle = this.#grants.tryNew(asked, nowMs);
    if (obstacle === 'no-room') return 'no-room';
    if (obstacle !== 'none') return this.#queue.wait(asked, obstacle, nowMs);
    if (isDowngrade) this.#queue.pump(database, nowMs);
    return 'granted';
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
    this.#queue.interrupt(unique, nowMs);
  }

  /**
   * Refuses or lets through whoever reached a limit. Call it when {@link nextDeadlineMs} has come, after the requests
   * that are ready: what a limit is about may be among them. Early does no harm.
   */
  expire(nowMs: number): void {
    this.#queue.expire(nowMs);
  }

  /** When {@link expire} is due: Infinity while nobody waits. */
  nextDeadlineMs(nowMs: number): number {
    return this.#queue.nextDeadlineMs(nowMs);
  }

  /** The answers that have become due since the last call. */
  takeCompletions(): readonly Completion[] {
    return this.#queue.takeCompletions();
  }

  /** Who holds and who waits, for people. */
  snapshot(nowMs: number): DatabaseLocks[] {
    return [...this.views(nowMs)].filter((view) => view !== undefined);
  }

  /** The same of each database in turn, undefined where there is nothing to see; requests may be served in between. */
  *views(nowMs: number): Generator<DatabaseLocks | undefined> {
    for (const database of this.#registry.databases) yield this.#viewOf(database, nowMs);
  }

  /**
   * As views, but only of databases with a lock that has been held for `oldMs` and may be in somebody's way: most have
   * none, and cost next to nothing.
   */
  *viewsWithOld(oldMs: number, nowMs: number): Generator<DatabaseLocks | undefined> {
    for (const database of this.#registry.databases) {
      const isOld = this.#registry
        .filesOf(database)
        .some((file) => holdsSince(file, nowMs - oldMs, database.waiters.length > 0));
      yield isOld ? this.#viewOf(database, nowMs) : undefined;
    }
  }

  /** Who holds the write lock of a database, and since when it may have written. */
  writerOf(name: string): { readonly writer: ProcessIdentity; readonly sinceMs: number } | undefined {
    const database = this.#registry.database(name);
    if (!database?.writer || database.busy.sinceMs === undefined) return undefined;
    return { writer: this.#transactions.identityOf(database, database.writer), sinceMs: database.busy.sinceMs };
  }

  #viewOf(database: Database, nowMs: number): DatabaseLocks | undefined {
    const journal = () => this.#transactions.journalOf(database);
    return viewOf(database, this.#registry.filesOf(database), journal, this.limits.episodeGapMs, nowMs);
  }

  // --- the steps ---------------------------------------------------------------------------------------------------

  #unlock(file: LockFile, request: LockRequest, nowMs: number): void {
    if (!request.flock) {
      this.#clear(file, request.owner, request.start, request.end, nowMs, false);
      return;
    }
    if (file.flock.clear(request.owner, 0, END_OF_FILE)) this.#queue.pump(file.database, nowMs);
  }

  #clear(file: LockFile, owner: LockOwner, start: number, end: number, nowMs: number, isClosed: boolean): void {
    if (this.#grants.free(file, owner, start, end, nowMs, isClosed)) this.#queue.pump(file.database, nowMs);
  }

  /** What a request tells about its owner, granted or not. */
  #noteIntent({ file, role, request, me }: Asked, nowMs: number): void {
    if (role === 'read-mark' && request.type === 'read') this.#transactions.noteSnapshotAsked(me, nowMs);
    if (request.type !== 'write') return;
    const { database } = file;
    if (role === 'reserved' || (role === 'write' && me.bits & HOLDS_READ)) {
      this.#transactions.noteWriteAttempt(database, me, nowMs);
    } else if (isCommitStep(role, request, me) && !me.committing) {
      me.committing = true;
      this.#queue.refuseUpgrades(database, nowMs);
    }
  }

  /** Forgets an owner whose file was closed, unless it still holds or waits for something. */
  #dropOwner(database: Database, owner: LockOwner): void {
    database.episodes.forgetOwner(owner);
    const me = database.owners.get(owner);
    if (me === undefined || me.bits !== 0 || me.waiting > 0) return;
    database.owners.delete(owner);
    if (me.pid === HIDDEN) database.readers.forget(identityOfHidden(owner)); // its id is another one's next
    this.#queue.forgetOwner(owner);
    if (database.slice?.owner === me) database.slice = undefined;
  }

  /** flock(2) converts by letting go first, so that two who convert at once cannot wait for each other. */
  #dropForConversion(file: LockFile, request: LockRequest, nowMs: number): void {
    const held = file.flock.owners.get(request.owner)?.ranges[0];
    if (held && held.type !== request.type) this.#unlock(file, request, nowMs);
  }
}

/** A lock is asked for through the handle: it is in use, whoever has closed a copy of it. */
function noteUse(handle: OpenHandle | undefined, owner: LockOwner): void {
  if (!handle) return;
  handle.owner ??= owner;
  handle.closing = false;
}

/** Whether there is room for what an unlock leaves: it makes two ranges of one if it is in the middle of that. */
function canBeParted({ posix }: LockFile, { owner, start, end, flock }: LockRequest): boolean {
  return flock || !posix.isInside(owner, start, end) || posix.hasRoomFor(owner);
}

/** Whether somebody has held a lock on the file since `sinceMs` or longer, an exclusive one unless `ofAnyType`. */
function holdsSince({ posix, flock }: LockFile, sinceMs: number, ofAnyType: boolean): boolean {
  for (const { owners } of [posix, flock]) {
    for (const { ranges } of owners.values()) {
      if (ranges.some((range) => range.sinceMs <= sinceMs && (ofAnyType || range.type === 'write'))) return true;
    }
  }
  return false;
}

/** An open or a close may change what a process is known for: it is looked at again. */
function forgetIdentity(database: Database, pid: number): void {
  for (const owner of database.owners.values()) if (owner.pid === pid) owner.identity = undefined;
}
