// Gives each database its turn: at once when it was written or has more to read, soon when it waits for something, and
// once a second in any case. One turn is short, and a busy database has no more turns than the others.
import { lookAtMainFile } from './tail/main-file.ts';
import type { Tail } from './tail/tail.ts';

const tickMs = 1000;
/** A database that waits for something has another turn after this. */
const waitMs = 25;
/** Turns in one go, before messages are looked at. */
const sliceMs = 10;
const busyMs = 2000;
const restsAfterMs = 30_000;
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
}

interface Turn {
  dueMs: number;
  /** When the turn began in which it was last read to its end. */
  drainedMs: number;
  changedMs: number;
}

export class Turns {
  readonly #parts: TurnsParts;
  /** Whoever had a turn goes to the end. */
  readonly #turns = new Map<Tail, Turn>();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;
  #nextTickMs = 0;

  constructor(parts: TurnsParts) {
    this.#parts = parts;
  }

  add(tail: Tail): void {
    this.#turns.set(tail, { dueMs: performance.now(), drainedMs: 0, changedMs: performance.now() });
    this.run();
  }

  remove(tail: Tail): void {
    this.#turns.delete(tail);
  }

  /** It has a turn in the next round; without `tail` only the round comes at once. */
  run(tail?: Tail): void {
    const turn = tail === undefined ? undefined : this.#turns.get(tail);
    if (turn !== undefined) turn.dueMs = Math.min(turn.dueMs, performance.now());
    this.#schedule(0);
  }

  /** performance.now() of the begin of the turn in which it was last read to its end; 0: never. */
  drainedMs(tail: Tail): number {
    return this.#turns.get(tail)?.drainedMs ?? 0;
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(inMs: number): void {
    if (this.#isStopped) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#round(), inMs);
  }

  #round(): void {
    const beganMs = performance.now();
    if (beganMs >= this.#nextTickMs) this.#tick(beganMs);
    this.#parts.beforeRound();
    for (const [tail, turn] of [...this.#turns]) {
      if (turn.dueMs > beganMs) continue;
      if (performance.now() > beganMs + sliceMs) break;
      this.#take(tail, turn);
    }
    let nextMs = this.#nextTickMs;
    for (const { dueMs } of this.#turns.values()) nextMs = Math.min(nextMs, dueMs);
    this.#schedule(Math.max(0, nextMs - performance.now()));
  }

  #take(tail: Tail, turn: Turn): void {
    const beganMs = performance.now();
    const isThere = lookAtMainFile(tail.path)?.inode === tail.id.inode;
    const before = tail.reading.position;
    const { hasMore, isDrained } = tail.poll();
    if (isDrained) turn.drainedMs = beganMs;
    if (tail.reading.position !== before) turn.changedMs = beganMs;
    // Whoever is not told of commits has to look often while there are some: a log may be begun anew soon.
    const isBusy = !this.#parts.mayRest() && beganMs - turn.changedMs < busyMs;
    turn.dueMs = hasMore ? beganMs : isDrained && !isBusy ? Number.POSITIVE_INFINITY : beganMs + waitMs;
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
