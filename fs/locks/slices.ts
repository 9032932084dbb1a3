// The time slice: whoever has got the write lock may take it again and again for a while, before it is handed on to the
// line. A process switch per commit would cost most of the throughput. The line is held back after each of its commits
// until it comes back, but not for an owner that lately did not.
import type { Database, DatabaseOwner } from './database.ts';
import { type LockLimits, OPEN } from './limits.ts';

/** After holds in vain an owner is not waited for this many times, twice as many after each, up to... */
const MOST_TURNS_WITHOUT = 16;

/** `me` has got the write lock. */
export function beginSlice(
  database: Database,
  me: DatabaseOwner,
  tid: number,
  limits: LockLimits,
  nowMs: number,
): void {
  endHold(database, me);
  if (database.slice?.owner === me && database.waiters.length > 0) return;
  database.slice = { owner: me, tid, endsMs: nowMs + limits.sliceMs, heldUntilMs: OPEN };
}

/** `me` has given the write lock back. */
export function holdLine(database: Database, me: DatabaseOwner, limits: LockLimits, nowMs: number): void {
  if (me.hold.turnsWithout > 0) {
    me.hold.turnsWithout--;
    return;
  }
  const { slice } = database;
  if (slice?.owner !== me || nowMs >= slice.endsMs || database.waiters.length === 0) return;
  slice.heldUntilMs = Math.min(slice.endsMs, nowMs + limits.sliceGapMs);
}

/** `next` begins a transaction that may write: the one for whom the line was held, or the line. */
export function endHold(database: Database, next: DatabaseOwner): void {
  const { slice } = database;
  if (!slice || slice.heldUntilMs === OPEN) return;
  const { owner } = slice;
  const { hold } = owner;
  if (owner === next) hold.inVain = hold.turnsWithout = 0;
  else if (slice.heldUntilMs < slice.endsMs) {
    // A hold that the end of the slice has cut short says nothing about its owner.
    hold.inVain++;
    hold.turnsWithout = Math.min(MOST_TURNS_WITHOUT, 2 ** hold.inVain);
  }
  slice.heldUntilMs = OPEN;
}

/** Decides about a hold whose time has come: one whose thread is on its way goes on. */
export function reviewHold(
  { slice }: Database,
  limits: LockLimits,
  isRunning: (tid: number) => boolean,
  nowMs: number,
): void {
  if (!slice || slice.heldUntilMs === OPEN || nowMs < slice.heldUntilMs || nowMs >= slice.endsMs) return;
  if (isRunning(slice.tid)) slice.heldUntilMs = Math.min(slice.endsMs, nowMs + limits.sliceGapMs);
}
