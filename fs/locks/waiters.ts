// One waiting request, the order of the waiting ones, and the episodes that its limit belongs to. An episode is one
// owner's tries for one lock with short gaps between them: SQLite's busy handler asks again and again, and a limit per
// request would let a busy timeout of 1 s last half a minute.
import type { LockRole } from '../sqlite/lock-bytes.ts';
import type { Database, DatabaseOwner, LockFile } from './database.ts';
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
  /** When a lock of a program behind the mount is in the way: the time of the next try. */
  foreignRetryMs: number | undefined;
}

export interface Episode {
  readonly key: string;
  waitedMs: number;
  /** Of it, at the gate while nobody held a write lock. */
  idleMs: number;
  /** When it was last answered; never over while it waits. */
  lastSeenMs: number;
  /** The turn of an interrupted wait. */
  keptTurn: number | undefined;
}

export class Episodes {
  private readonly known = new Map<string, Episode>();

  /** The episode that a request belongs to, begun anew when the last try is too long ago. */
  of(request: LockRequest, gapMs: number, nowMs: number): Episode {
    const key = keyOf(request);
    const known = this.known.get(key);
    if (known && nowMs - known.lastSeenMs <= gapMs) return known;
    const fresh: Episode = { key, waitedMs: 0, idleMs: 0, lastSeenMs: nowMs, keptTurn: undefined };
    this.known.set(key, fresh);
    return fresh;
  }

  /** Its tries go on, but not the time at the gate behind those who did not write. */
  forgiveIdle(owner: bigint): void {
    if (this.known.size === 0) return;
    const prefix = `${owner}:`;
    for (const episode of this.known.values()) if (episode.key.startsWith(prefix)) episode.idleMs = 0;
  }

  /** The owner got the write lock, or is gone: whatever it asks for next is a new episode. */
  forgetOwner(owner: bigint): void {
    if (this.known.size === 0) return;
    const prefix = `${owner}:`;
    for (const key of this.known.keys()) if (key.startsWith(prefix)) this.known.delete(key);
  }
}

// A READ mark is whichever of the five SQLite finds fit: they are one lock for this purpose.
function keyOf(request: LockRequest): string {
  return `${request.owner}:${request.file}:${request.type === 'read' ? 'snapshot' : request.start}`;
}

/** Puts `waiter` in its place by turn. */
export function insertByTurn(waiters: Waiter[], waiter: Waiter): void {
  let at = waiters.length;
  while (at > 0 && (waiters[at - 1]?.turn ?? 0) > waiter.turn) at--;
  waiters.splice(at, 0, waiter);
}
