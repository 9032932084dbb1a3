// An episode is one owner's tries for one lock with short gaps between them. SQLite's busy handler asks again and
// again: a limit for each request would let a busy timeout of 1 s last half a minute.
import type { LockRequest } from './types.ts';

export interface Episode<Request> {
  waitedMs: number;
  /** Of it, at the gate while nobody held a write lock. */
  idleMs: number;
  /** When it was last answered; never over while it waits. */
  lastSeenMs: number;
  /** The turn of an interrupted wait. */
  keptTurn: number | undefined;
  /** Its first wait was for a lock that was old already. */
  isBehindLong: boolean | undefined;
  /** Since when it has been trying without success, sleeps of its busy handler included. */
  startedMs: number | undefined;
  /** Its last try, where that was refused at the limit: the busy handler is about to try again. */
  refused: Request | undefined;
}

const SNAPSHOT = -1;

/** `Request`: a request as it is kept when it was refused. */
export class Episodes<Request> {
  /** By owner and by what it asks for. */
  private readonly known = new Map<bigint, Map<number, Episode<Request>>>();

  /** The episode that a request belongs to, begun anew when the last try is too long ago. */
  of(request: LockRequest, gapMs: number, nowMs: number): Episode<Request> {
    const episodes = this.known.get(request.owner) ?? new Map<number, Episode<Request>>();
    this.known.set(request.owner, episodes);
    const what = whatIsAsked(request);
    const known = episodes.get(what);
    if (known && nowMs - known.lastSeenMs <= gapMs) return known;
    const fresh: Episode<Request> = {
      waitedMs: 0,
      idleMs: 0,
      lastSeenMs: nowMs,
      keptTurn: undefined,
      isBehindLong: undefined,
      startedMs: undefined,
      refused: undefined,
    };
    episodes.set(what, fresh);
    return fresh;
  }

  /** Those whose last try was refused at the limit a moment ago. */
  *refused(gapMs: number, nowMs: number): Generator<Episode<Request>> {
    for (const episodes of this.known.values()) {
      for (const episode of episodes.values()) {
        if (episode.refused && nowMs - episode.lastSeenMs <= gapMs) yield episode;
      }
    }
  }

  /** Its tries go on, but not the time at the gate behind those who did not write. */
  forgiveIdle(owner: bigint): void {
    for (const episode of this.known.get(owner)?.values() ?? []) episode.idleMs = 0;
  }

  /** The owner got the write lock, or is gone: whatever it asks for next is a new episode. */
  forgetOwner(owner: bigint): void {
    this.known.delete(owner);
  }
}

/** A READ mark is whichever of the five SQLite finds fit: they, and SHARED, are one lock for this purpose. */
function whatIsAsked({ type, start }: LockRequest): number {
  return type === 'read' ? SNAPSHOT : start;
}
