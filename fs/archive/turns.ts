// Gives each database its turn: at once when it was written or has more to read, soon when it waits for something, and
// once a second in any case. One turn is short, and a busy database has no more turns than the others. One that is
// written all the time is read in larger pieces, with pauses: many turns with little to read in each would take the
// processor from those who write.
import { lookAtMainFile } from './tail/main-file.ts';
import type { Tail } from './tail/tail.ts';

const tickMs = 1000;
/** A database that waits for something has another turn after this. */
const waitMs = 25;
/** Between two turns of a database that is written all the time. */
const paceMs = 50;
/** So often it is read to its end, however fast it is written. */
const drainsMs = 1000;
/** A database that was not read to its end for so long needs more time than there was. */
const behindMs = 1500;
/** Turns in one go, before messages are looked at. */
const sliceMs = 10;
const busyMs = 2000;
const restsAfterMs = 30_000;
/** A round that comes so much too late has waited for a processor. */
const lateMs = 200;
/** Descriptors protect a database whose commits nobody records; but not more than this many databases. */
const mostOpen = 400;

export interface TurnsParts {
  /** Before the turns of a round. */
  readonly beforeRound: () => void;
  /** Once a second. */
  readonly onTick: () => void;
  /** Its main file is gone from its path, and what its log held has been read. */
  readonly onVanished: (tail: Tail) => void;
  /** Something else keeps the descriptors of idle databases. */
  readonly mayRest: () => boolean;
  /** It has had too little time for all that is to be read. */
  readonly onBehind: () => void;
}

interface Turn {
  dueMs: number;
  /** When the last one began. */
  hadMs: number;
  /** When the turn began in which it was last read to its end. */
  drainedMs: number;
  changedMs: number;
}

export class Turns {
  readonly #parts: TurnsParts;
  /** Whoever had a turn goes to the end. */
  readonly #turns = new Map<Tail, Turn>();
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #isStopped = false;
  #nextTickMs = 0;
  #nextRoundMs = Number.POSITIVE_INFINITY;

  constructor(parts: TurnsParts) {
    this.#parts = parts;
  }

  add(tail: Tail): void {
    const nowMs = performance.now();
    this.#turns.set(tail, { dueMs: nowMs, hadMs: 0, drainedMs: 0, changedMs: nowMs });
    this.#scheduleNow();
  }

  remove(tail: Tail): void {
    this.#turns.delete(tail);
  }

  /** It has a turn in the next round, which comes at once. */
  run(tail: Tail): void {
    const turn = this.#turns.get(tail);
    if (turn !== undefined) turn.dueMs = Math.min(turn.dueMs, performance.now());
    this.#scheduleNow();
  }

  /** Somebody has committed to it. */
  written(tail: Tail): void {
    const turn = this.#turns.get(tail);
    if (turn !== undefined) turn.dueMs = Math.min(turn.dueMs, Math.max(performance.now(), turn.hadMs + this.#paceMs));
  }

  /** Nobody keeps programs from beginning a log anew that is not read, where nobody records commits: no pauses then. */
  get #paceMs(): number {
    return this.#parts.mayRest() ? paceMs : 0;
  }

  /** The next round comes at once. */
  look(): void {
    this.#scheduleNow();
  }

  /** performance.now() of the begin of the turn in which it was last read to its end; 0: never. */
  drainedMs(tail: Tail): number {
    return this.#turns.get(tail)?.drainedMs ?? 0;
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
  }

  #scheduleNow(): void {
    if (!this.#isStopped) this.#immediate ??= setImmediate(() => this.#round());
  }

  #schedule(inMs: number): void {
    this.#nextRoundMs = performance.now() + inMs;
    if (inMs <= 0) this.#scheduleNow();
    else if (!this.#isStopped) this.#timer = setTimeout(() => this.#round(), inMs);
  }

  #round(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#immediate = undefined;
    const beganMs = performance.now();
    if (beganMs > this.#nextRoundMs + lateMs) this.#parts.onBehind();
    if (beganMs >= this.#nextTickMs) this.#tick(beganMs);
    this.#parts.beforeRound();
    for (const [tail, turn] of [...this.#turns]) {
      if (turn.dueMs > beganMs) continue;
      if (performance.now() > beganMs + sliceMs) break;
      this.#take(tail, turn);
    }
    let nextMs = this.#nextTickMs;
    for (const { dueMs } of this.#turns.values()) nextMs = Math.min(nextMs, dueMs);
    this.#schedule(nextMs - performance.now());
  }

  #take(tail: Tail, turn: Turn): void {
    const beganMs = performance.now();
    const isThere = lookAtMainFile(tail.path)?.inode === tail.id.inode;
    const before = tail.reading.position;
    const { hasMore, isDrained } = tail.poll();
    turn.hadMs = beganMs;
    if (isDrained) turn.drainedMs = beganMs;
    const hasChanged = tail.reading.position !== before;
    if (hasChanged) turn.changedMs = beganMs;
    // Whoever is not told of commits has to look often while there are some: a log may be begun anew soon.
    const isBusy = !this.#parts.mayRest() && beganMs - turn.changedMs < busyMs;
    if (hasMore) {
      const isPaced = hasChanged && tail.isCurrent && beganMs - turn.drainedMs < drainsMs;
      turn.dueMs = isPaced ? beganMs + this.#paceMs : beganMs;
      if (beganMs - turn.drainedMs > behindMs) this.#parts.onBehind();
    } else turn.dueMs = isDrained && !isBusy ? Number.POSITIVE_INFINITY : beganMs + waitMs;
    this.#turns.delete(tail);
    this.#turns.set(tail, turn);
    if (!isThere && !hasMore) this.#parts.onVanished(tail);
  }

  #tick(nowMs: number): void {
    this.#nextTickMs = nowMs + tickMs;
    const mayRest = this.#parts.mayRest();
    let open = 0;
    for (const [tail, turn] of this.#turns) {
      turn.dueMs = Math.min(turn.dueMs, nowMs);
      const isIdle = nowMs - turn.changedMs > restsAfterMs && turn.drainedMs > turn.changedMs;
      if (isIdle && (mayRest || open >= mostOpen)) tail.rest();
      else open += 1;
    }
    this.#parts.onTick();
  }
}
