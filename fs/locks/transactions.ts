// The life of a transaction as its locks tell it: it begins with the first lock of its snapshot, may try to write, ends
// when the snapshot is given back. What follows from that for the database: who is the writer, whose slice it is, who
// is a reader.
import type { JournalMode } from '../sqlite/header.ts';
import {
  HOLDS_CKPT,
  HOLDS_EXCLUSIVE,
  HOLDS_PENDING_READ,
  HOLDS_READ,
  HOLDS_READ_EXCLUSIVE,
  HOLDS_RESERVED,
  HOLDS_SHARED,
  HOLDS_WRITE,
  type LockRole,
} from '../sqlite/lock-bytes.ts';
import type { LockCounters } from './counters.ts';
import {
  type Asked,
  type Database,
  type DatabaseOwner,
  HARMLESS_IN_WAL,
  HIDDEN,
  isOpenOf,
  WRITER_BITS,
} from './database.ts';
import { hasRetryTurn } from './gate.ts';
import type { LockLimits } from './limits.ts';
import type { Proof } from './readers.ts';
import { beginSlice, endHold, holdLine } from './slices.ts';
import type { LockOwner } from './table.ts';
import type { LockRequest, LockWorld, ProcessIdentity } from './types.ts';

/** SQLite's sleep before its 17th try is 1.3 times as long as the one before, and later ones grow more slowly. */
const RETRY_GAP_GROWTH = 1.5;

const SNAPSHOT_OF_ROLLBACK = HOLDS_PENDING_READ | HOLDS_SHARED | HOLDS_RESERVED | HOLDS_EXCLUSIVE;

export class Transactions {
  readonly #world: LockWorld;
  readonly #limits: LockLimits;
  readonly #counters: LockCounters;

  constructor(world: LockWorld, limits: LockLimits, counters: LockCounters) {
    this.#world = world;
    this.#limits = limits;
    this.#counters = counters;
  }

  /** A lock of `me` is in the table now. `commitsAsked`: the database's `commits` when it was asked for. */
  granted(
    database: Database,
    role: LockRole,
    request: LockRequest,
    me: DatabaseOwner,
    commitsAsked: number,
    nowMs: number,
  ): void {
    const before = database.refresh(me, nowMs);
    if (request.type === 'read') {
      if (role === 'read-mark') {
        this.#begin(database, me, request.tid, true, before, commitsAsked, nowMs);
        if (me.bits & HOLDS_WRITE) this.noteWriteAttempt(database, me, nowMs); // it took the write lock first
      } else if (role === 'pending' && this.journalOf(database) !== 'wal')
        this.#begin(database, me, request.tid, false, before, commitsAsked, nowMs);
      else this.settle(database, me, before, nowMs, false); // EXCLUSIVE -> SHARED is the end of a commit
      return;
    }
    if (role === 'checkpoint') database.checkpointer = { owner: me.owner, tid: request.tid };
    else if (role === 'reset') database.resetter = { owner: me.owner, tid: request.tid };
    else if (role === 'write' || role === 'reserved') {
      database.episodes.forgetOwner(me.owner);
      me.turn.retryGapMs = 0;
      me.turn.shortened = undefined;
      const transaction = me.transaction;
      if (role === 'write' && transaction?.inWal && transaction.commitsSeen !== database.commits)
        this.#counters.staleSnapshots++;
    }
    if (role === 'write') this.#world.walWriteBegan(database.files);
    if (role === 'shared') this.#world.exclusiveBegan(database.files);
    if (!(before & WRITER_BITS) && me.bits & WRITER_BITS) beginSlice(database, me, request.tid, this.#limits, nowMs);
  }

  /** A READ mark is asked for, perhaps one that was given back a moment ago. */
  noteSnapshotAsked(me: DatabaseOwner, nowMs: number): void {
    if (me.turn.gaveBackMs === undefined) return;
    const gapMs = nowMs - me.turn.gaveBackMs;
    me.turn.retryGapMs = gapMs < this.#limits.episodeGapMs ? gapMs : 0;
    me.turn.gaveBackMs = undefined;
  }

  /** A write attempt, granted or not. */
  noteWriteAttempt(database: Database, me: DatabaseOwner, nowMs: number): void {
    if (me.transaction) me.transaction.attemptedWrite = true;
    database.readers.writeAttempted(this.identityOf(database, me), nowMs);
  }

  /** What follows when `me` holds less than `before`. `isClosed`: since it has closed the file, or has ended. */
  settle(database: Database, me: DatabaseOwner, before: number, nowMs: number, isClosed: boolean): void {
    const lost = before & ~me.bits;
    if (lost === 0) return;
    if (lost & HOLDS_EXCLUSIVE) {
      database.forgetJournal();
      this.#world.exclusiveEnded(database.files);
    }
    if (lost & (HOLDS_EXCLUSIVE | HOLDS_RESERVED))
      this.#world.mainWriteEnded(database.files, this.identityOf(database, me), isClosed);
    if (lost & HOLDS_CKPT && database.checkpointer?.owner === me.owner) database.checkpointer = undefined;
    if (lost & HOLDS_READ_EXCLUSIVE && database.resetter?.owner === me.owner) database.resetter = undefined;
    if (before & WRITER_BITS && !(me.bits & WRITER_BITS))
      this.#writeEnded(database, me, (lost & HOLDS_WRITE) !== 0, nowMs);
    const transaction = me.transaction;
    if (!transaction || me.bits & (transaction.inWal ? HOLDS_READ : SNAPSHOT_OF_ROLLBACK)) return;
    me.transaction = undefined;
    if (transaction.attemptedWrite) return;
    if (transaction.isOutdated) {
      me.turn.retry = transaction;
      me.turn.retryUntilMs = nowMs + this.#limits.retryMs + RETRY_GAP_GROWTH * me.turn.retryGapMs;
      me.turn.gaveBackMs = nowMs;
      return;
    }
    database.readers.readEnded(this.identityOf(database, me));
    // It has read what it came for: its next transaction is no further try of this one, as the shell's INSERT after its
    // look at the schema.
    if (before & (HOLDS_SHARED | HOLDS_READ)) database.episodes.forgiveIdle(me.owner);
  }

  /** The first lock of a transaction, by an owner that holds nothing a wait could keep from others; or a late write. */
  isGated(asked: Asked): boolean {
    if (!isNewcomer(asked)) return false;
    const { role, me } = asked;
    const { database } = asked.file;
    if (role === 'pending') return me.bits === 0 && this.journalOf(database) !== 'wal';
    return isLateWrite(asked) || !database.holdsSnapshotOrMore(me, 'wal');
  }

  proofOf(database: Database, me: DatabaseOwner, nowMs: number): Proof {
    const identity = this.identityOf(database, me);
    if (me.readOnly || database.readers.isProvedProcess(identity, this.#limits)) return 'process';
    return database.readers.isProvedProgram(identity, this.#limits, nowMs) ? 'program' : 'none';
  }

  /** A commit was refused at its limit: whoever kept it from EXCLUSIVE would keep the next one from it as well. */
  commitRefused({ file: { posix, database }, request }: Asked): void {
    for (const owner of posix.conflictingOwners(request.owner, request.start, request.end, 'write')) {
      const transaction = database.owners.get(owner)?.transaction;
      if (transaction) transaction.hasOutlastedCommit = true;
    }
  }

  journalOf(database: Database): JournalMode {
    return database.journal((file) => this.#world.readJournalMode(file));
  }

  #begin(
    database: Database,
    me: DatabaseOwner,
    tid: number,
    inWal: boolean,
    before: number,
    commitsAsked: number,
    nowMs: number,
  ): void {
    // Another connection of the process: one more mark.
    if (inWal && before & HOLDS_READ && me.transaction?.inWal) return;
    const retry = hasRetryTurn(me, this.#limits, nowMs) ? me.turn.retry : undefined;
    me.turn.retry = undefined;
    // Beside what another connection of its process held it was not asked to wait: nobody waits for it either.
    const isPastGate = (before & ~(inWal ? HARMLESS_IN_WAL : 0)) !== 0;
    // Nor for one that was let through at its limit and asks again: see WaitQueue.
    const isLate = retry !== undefined && !retry.mayWrite && database.handlesOf(me) > 1;
    const mayWrite = !isPastGate && !isLate && this.proofOf(database, me, nowMs) === 'none';
    if (mayWrite) endHold(database, me);
    me.transaction = {
      startedMs: retry?.startedMs ?? nowMs,
      tid,
      inWal,
      youngUntilMs: retry?.youngUntilMs ?? nowMs + this.#limits.youngMs,
      mayWrite,
      isLate: retry?.isLate ?? false,
      attemptedWrite: false,
      hasOutlastedCommit: false,
      isOutdated: inWal && commitsAsked !== database.commits,
      commitsSeen: database.commits,
    };
  }

  #writeEnded(database: Database, me: DatabaseOwner, inWal: boolean, nowMs: number): void {
    database.commits++;
    database.busy.lastMs = nowMs;
    this.#world.committed({
      database: database.name,
      files: database.files,
      inWal,
      writer: this.identityOf(database, me),
      sinceMs: database.busy.lastSinceMs,
      nowMs,
    });
    me.committing = false;
    me.wroteMs = inWal ? nowMs : undefined;
    if (me.transaction) me.transaction.mayWrite = false;
    holdLine(database, me, this.#limits, nowMs);
  }

  identityOf(database: Database, me: DatabaseOwner): ProcessIdentity {
    if (me.identity) return me.identity;
    let readOnly = false;
    for (const handle of database.main?.handles.values() ?? []) {
      if (!isOpenOf(handle, me)) continue;
      readOnly = handle.readOnly && (me.identity === undefined || readOnly);
      me.identity = handle.identity;
    }
    me.readOnly = readOnly;
    if (me.pid === HIDDEN) me.identity = identityOfHidden(me.owner);
    me.identity ??= this.#world.identify(me.pid);
    return me.identity;
  }
}

/** Stands for a process that is not to be seen from here, for as long as it uses the database. */
export function identityOfHidden(owner: LockOwner): ProcessIdentity {
  const key = `owner ${owner}`;
  return { pid: HIDDEN, key, executable: key };
}

/**
 * A request that may begin a transaction. A library built with SQLITE_ENABLE_SETLK_TIMEOUT asks for WRITE before its
 * READ mark; past the line it would take the lock from under those who have been let through the gate to write.
 */
export function isNewcomer({ file, role, request, me }: Asked): boolean {
  if (request.wait) return false;
  if (request.type === 'read') return role === 'pending' || role === 'read-mark';
  return (role === 'write' && !(me.bits & HOLDS_READ)) || isLateWrite({ file, role, request, me });
}

/**
 * A write by a process with several connections, after the one that stood at the gate has had its turn: SQLite gave
 * this connection its snapshot without a lock call, and others have been let through the gate meanwhile.
 */
export function isLateWrite({ file, role, request, me }: Asked): boolean {
  if (request.type !== 'write' || request.wait || me.bits & WRITER_BITS) return false;
  if (role !== 'reserved' && !(role === 'write' && me.bits & HOLDS_READ)) return false;
  return !me.transaction?.mayWrite && file.database.handlesOf(me) > 1;
}
