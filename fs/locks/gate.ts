// "Wait before the snapshot": whether a newcomer may begin its transaction now. A transaction that begins while
// somebody writes, or is about to, reads a snapshot that the other's commit makes stale, and SQLite then refuses its
// write without asking us. So the newcomer is held at its first lock, in the order of arrival; proved readers are not
// held.
import type { Database, DatabaseOwner, Slice, Transaction } from './database.ts';
import { type LockLimits, OPEN } from './limits.ts';
import type { Proof } from './readers.ts';

/**
 * {@link OPEN}, or the time at which the gate may open by the clock alone (Infinity: only when somebody gives way).
 * `isBehind`: another newcomer waits at the gate already.
 */
export function gateOpensMs(
  database: Database,
  me: DatabaseOwner,
  proof: Proof,
  isBehind: boolean,
  limits: LockLimits,
  nowMs: number,
): number {
  if (proof === 'process') return OPEN;
  if (database.writer && database.writer !== me) return Number.POSITIVE_INFINITY;
  if (proof === 'program') return OPEN;
  if (hasRetryTurn(me, limits, nowMs)) return OPEN;
  const { slice } = database;
  if (!isHeldFor(slice, me, nowMs)) {
    if (isBehind) return Number.POSITIVE_INFINITY;
    if (slice !== undefined && nowMs < slice.heldUntilMs) return slice.heldUntilMs;
  }
  if (!isHot(database, limits, nowMs)) return OPEN;
  let opensMs = OPEN;
  for (const other of database.owners.values()) {
    if (other !== me) opensMs = Math.max(opensMs, mayWriteUntilMs(other));
  }
  return opensMs;
}

/** Whether `me` has to wait until those in front of it have begun. */
export function standsInLine(
  database: Database,
  me: DatabaseOwner,
  proof: Proof,
  limits: LockLimits,
  nowMs: number,
): boolean {
  return proof === 'none' && !hasRetryTurn(me, limits, nowMs) && !isHeldFor(database.slice, me, nowMs);
}

/** The line is held back until `me` comes again. */
function isHeldFor(slice: Slice | undefined, me: DatabaseOwner, nowMs: number): boolean {
  return slice !== undefined && slice.owner === me && nowMs < slice.heldUntilMs;
}

/** Who keeps `me` at the gate, for the graph of waiters and for people. */
export function gateBlockers(database: Database, me: DatabaseOwner): DatabaseOwner[] {
  if (database.writer && database.writer !== me) return [database.writer];
  const blockers: DatabaseOwner[] = [];
  for (const other of database.owners.values()) {
    if (other !== me && mayWriteUntilMs(other) !== OPEN) blockers.push(other);
  }
  return blockers;
}

/** SQLite gave the READ mark back to look at the changed WAL header, and asks for it again: its turn is kept. */
export function hasRetryTurn(me: DatabaseOwner, limits: LockLimits, nowMs: number): boolean {
  return me.turn.retry !== undefined && nowMs - me.turn.retry.startedMs < limits.youngMostMs;
}

/**
 * A database is hot when it was written lately, or when too little is known to call it a database that is only read.
 */
function isHot(database: Database, limits: LockLimits, nowMs: number): boolean {
  return nowMs - database.busy.lastMs <= limits.hotMs || database.readers.readsInARow < limits.readerProof;
}

/**
 * Until when `other`'s transaction counts as one that may still write; OPEN when it does not. A time that has passed
 * means that reviewYoung decides: its write attempt may have arrived already.
 */
function mayWriteUntilMs({ turn: { retry, retryUntilMs }, transaction }: DatabaseOwner): number {
  if (retry) return retryUntilMs;
  return transaction?.mayWrite ? transaction.youngUntilMs : OPEN;
}

/**
 * Decides about transactions that have come of age: one whose thread is in the middle of its work stays young for a
 * while.
 */
export function reviewYoung(
  database: Database,
  limits: LockLimits,
  isRunning: (tid: number) => boolean,
  nowMs: number,
): void {
  const isYoung = ({ startedMs, tid }: Transaction) => nowMs - startedMs < limits.youngMostMs && isRunning(tid);
  for (const owner of database.owners.values()) {
    const { turn, transaction } = owner;
    if (turn.retry && nowMs >= turn.retryUntilMs) {
      if (isYoung(turn.retry)) turn.retryUntilMs = nowMs + limits.youngStepMs;
      else turn.retry = undefined;
    }
    if (!transaction?.mayWrite || nowMs < transaction.youngUntilMs) continue;
    if (isYoung(transaction)) {
      transaction.youngUntilMs = nowMs + limits.youngStepMs;
      database.busy.excuse(limits.youngStepMs + (transaction.isLate ? 0 : nowMs - transaction.startedMs));
      transaction.isLate = true;
    } else transaction.mayWrite = false;
  }
}
