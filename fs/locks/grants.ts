// Whether a request can have its lock now, and what follows when it has it or gives it back: the mirror, the tables,
// the state of the transaction. Who waits, and for how long, is wait-queue.ts.

import type { LockCounters } from './counters.ts';
import type { Asked, Database, DatabaseOwner, LockFile, Waiter } from './database.ts';
import { gateOpensMs } from './gate.ts';
import { type LockLimits, OPEN } from './limits.ts';
import { isCommitStep, isShielded } from './policy.ts';
import type { HeldRange } from './ranges.ts';
import type { Proof } from './readers.ts';
import type { LockOwner } from './table.ts';
import { isNewcomer, type Transactions } from './transactions.ts';
import type { LockWorld } from './types.ts';

/**
 * What stands in a request's way now; `none` means it was granted. `foreign`: a program behind the mount. `no-room`: it
 * cannot be stored. `shielded`: the WAL-reset shield. `unread`: the archive process has not read the whole log.
 */
export type Obstacle = 'none' | 'lock' | 'foreign' | 'gate' | 'no-room' | 'shielded' | 'unread';

export class Grants {
  readonly #world: LockWorld;
  readonly #limits: LockLimits;
  readonly #counters: LockCounters;
  readonly #transactions: Transactions;

  constructor(world: LockWorld, limits: LockLimits, counters: LockCounters, transactions: Transactions) {
    this.#world = world;
    this.#limits = limits;
    this.#counters = counters;
    this.#transactions = transactions;
  }

  /** Grants a request that has just come, or says what is in the way. */
  tryNew(asked: Asked, nowMs: number): Obstacle {
    const { database } = asked.file;
    return this.#try(asked, undefined, database.waiters.some(isNewcomer), database.commits, nowMs);
  }

  /** The same for one that is in the line already. `isBehind`: another newcomer is in front of it. */
  tryWaiter(waiter: Waiter, isBehind: boolean, nowMs: number): Obstacle {
    return this.#try(waiter, waiter.proof, isBehind, waiter.commitsAsked, nowMs);
  }

  #try(asked: Asked, knownProof: Proof | undefined, isBehind: boolean, commitsAsked: number, nowMs: number): Obstacle {
    const { file, role, request, me } = asked;
    const { database } = file;
    const type = request.type === 'write' ? 'write' : 'read';
    const table = request.flock ? file.flock : file.posix;
    if (isShielded(request, role, database)) return 'shielded';
    if (table.conflict(request.owner, request.start, request.end, type)) return 'lock';
    if (role === 'pending' && type === 'read' && isCommitWaiting(database, me)) return 'lock';
    if (this.#transactions.isGated(asked)) {
      const proof = knownProof ?? this.#transactions.proofOf(database, me, nowMs);
      if (gateOpensMs(database, me, proof, isBehind, this.#limits, nowMs) !== OPEN) return 'gate';
    }
    if (!table.hasRoomFor(request.owner)) return 'no-room';
    if (type === 'write' && this.#isForNothing(asked, nowMs)) return 'unread';
    return this.take(asked, commitsAsked, nowMs) ? 'none' : 'foreign';
  }

  /**
   * A restart of a log that the archive process has not read. And the checkpoint that SQLite makes after each commit
   * while a log is long, as long as nobody waits for the archive process: the log cannot be restarted behind it.
   */
  #isForNothing({ file: { database }, role, me }: Asked, nowMs: number): boolean {
    if (role === 'reset') return this.#world.unreadWalBytes(database.files) > 0;
    if (role !== 'checkpoint' || nowMs >= database.unreadInVain.pauseUntilMs) return false;
    const isAutomatic = me.wroteMs !== undefined && nowMs - me.wroteMs <= this.#limits.autoCheckpointMs;
    me.wroteMs = undefined; // the program itself may ask next
    return isAutomatic && this.#world.unreadWalBytes(database.files) > 0;
  }

  /**
   * Past the gate: mirror, then table; false when a lock of somebody else or of a program behind the mount is in the
   * way. `commitsAsked`: the database's commits when the request came.
   */
  take({ file, role, request, me }: Asked, commitsAsked: number, nowMs: number): boolean {
    const { owner, handle, start, end, pid, tid } = request;
    const type = request.type === 'write' ? 'write' : 'read';
    const range: HeldRange = { start, end, type, pid, tid, sinceMs: nowMs };
    if (request.flock) {
      file.flock.set(owner, handle, range, true);
      return true;
    }
    if (file.posix.conflict(owner, start, end, type) || !file.posix.hasRoomFor(owner)) return false;
    if (!this.#world.mirror(file.key, start, end, type)) {
      this.#counters.foreignConflicts++;
      return false;
    }
    file.posix.set(owner, handle, range, file.kind === 'other');
    if (file.kind !== 'other') this.#transactions.granted(file.database, role, request, me, commitsAsked, nowMs);
    return true;
  }

  /** Gives POSIX locks back; false when there was nothing to give. `isClosed`: since the owner has closed the file. */
  free(file: LockFile, owner: LockOwner, start: number, end: number, nowMs: number, isClosed: boolean): boolean {
    if (!file.posix.clear(owner, start, end)) return false;
    this.#world.freed();
    for (const part of file.posix.freeParts(start, end)) this.#world.mirror(file.key, part.start, part.end, 'unlock');
    const { database } = file;
    const me = database.owners.get(owner);
    if (me) this.#transactions.settle(database, me, database.refresh(me, nowMs), nowMs, isClosed);
    return true;
  }
}

/** A reader must not overtake a commit that already waits for PENDING, or readers could starve it. */
function isCommitWaiting(database: Database, me: DatabaseOwner): boolean {
  if (database.waiters.length === 0) return false;
  return database.waiters.some((other) => other.me !== me && isCommitStep(other.role, other.request, other.me));
}
