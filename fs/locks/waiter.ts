// One waiting request, and the order of the waiting ones.
import type { LockRole } from '../sqlite/lock-bytes.ts';
import type { Database, DatabaseOwner, LockFile } from './database.ts';
import type { Episode } from './episodes.ts';
import type { Proof } from './readers.ts';
import type { LockRequest } from './types.ts';

/** `gate`: held before its snapshot, in the end let through. `lock`: waits for a lock, in the end refused. */
export type WaitKind = 'gate' | 'lock';

/** A lock request with what the manager knows of it. */
export interface Asked {
  readonly file: LockFile;
  readonly role: LockRole;
  readonly request: LockRequest;
  readonly me: DatabaseOwner;
}

export interface Waiter extends Asked {
  readonly database: Database;
  kind: WaitKind;
  /** What was known of it when it asked; nothing is learned of an owner while it waits. */
  readonly proof: Proof;
  readonly startedMs: number;
  /** The database's `commits` then. */
  readonly commitsAsked: number;
  /** The most that this request may wait; what its episode has used is already subtracted. */
  limitMs: number;
  /** Smaller is earlier. An interrupted request that comes back gets its old one. */
  readonly turn: number;
  readonly episode: Episode;
  /** The database's busy time when the wait began: the gate's idle limit counts only the rest. */
  readonly busyAtStartMs: number;
  /** Its limit is not reached before this time, and need not be looked at until then. */
  dueMs: number;
  /** When a lock of a program behind the mount is in the way: the time of the next try. */
  foreignRetryMs: number | undefined;
}

/** Puts `waiter` in its place by turn. */
export function insertByTurn(waiters: Waiter[], waiter: Waiter): void {
  let at = waiters.length;
  while (at > 0 && (waiters[at - 1]?.turn ?? 0) > waiter.turn) at--;
  waiters.splice(at, 0, waiter);
}
