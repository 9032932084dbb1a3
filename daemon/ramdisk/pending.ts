// Moves between RAM and disk that wait until no program has the database open any more: an open file cannot change its
// place, since the kernel passes its reads and writes straight to where it is.
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { TierName } from './tier-names.ts';

/** `chosen`: somebody has asked for it. `full`: there is too little room in RAM; it is forgotten once there is more. */
export type MoveCause = 'chosen' | 'full';

export interface PendingMove {
  readonly tier: TierName;
  readonly cause: MoveCause;
  /** Who had it open when it was tried last. */
  readonly pids: readonly number[];
}

export interface PendingParts {
  /** Rejects with BusyDatabase where programs have it open. */
  readonly move: (path: string, tier: TierName) => Promise<unknown>;
  readonly log: Log;
}

interface Waiting extends PendingMove {
  readonly dueMs: number;
  /** Why the last try has failed, other than by an open file. */
  readonly failure?: string;
}

const pauseMs = 250;
/** After a failure that is no open file. */
const longPauseMs = 5_000;

export class BusyDatabase extends Error {
  readonly pids: readonly number[];

  constructor(path: string, pids: readonly number[]) {
    super(`${path} is not moved: programs have it open, and an open file cannot change its place`);
    this.pids = pids;
  }
}

export class AbsentDatabase extends Error {
  constructor(path: string) {
    super(`there is no database ${path}`);
  }
}

export class PendingMoves {
  readonly #parts: PendingParts;
  readonly #moves = new Map<string, Waiting>();
  #isTrying = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: PendingParts) {
    this.#parts = parts;
  }

  /** By the path below the data directory. */
  get all(): Readonly<Record<string, PendingMove>> {
    return Object.fromEntries([...this.#moves].map(([path, { tier, cause, pids }]) => [path, { tier, cause, pids }]));
  }

  /** What somebody has chosen comes before what room asks for. */
  add(path: string, { tier, cause, pids }: PendingMove): void {
    if (cause === 'full' && this.#moves.has(path)) return;
    this.#moves.set(path, { tier, cause, pids, dueMs: performance.now() + pauseMs });
  }

  remove(path: string): void {
    this.#moves.delete(path);
  }

  /** There is room again. */
  forgetFull(): void {
    for (const [path, { cause }] of this.#moves) if (cause === 'full') this.#moves.delete(path);
  }

  /** Tries now and then, until end. */
  run(): void {
    this.#timer = setInterval(() => void this.tryAll(), pauseMs);
    this.#timer.unref();
  }

  end(): void {
    clearInterval(this.#timer);
  }

  async tryAll(): Promise<void> {
    if (this.#isTrying) return;
    this.#isTrying = true;
    for (const [path, { dueMs }] of this.#moves) if (dueMs <= performance.now()) await this.#try(path);
    this.#isTrying = false;
  }

  async #try(path: string): Promise<void> {
    const pending = this.#moves.get(path);
    if (pending === undefined) return;
    const { tier, cause } = pending;
    try {
      await this.#parts.move(path, tier);
      if (this.#moves.get(path) === pending) this.#moves.delete(path);
      this.#parts.log.info('ramdisk-moved', { database: path, tier, cause });
    } catch (error) {
      if (this.#moves.get(path) !== pending) return; // another choice was made meanwhile
      if (error instanceof BusyDatabase) {
        this.#moves.set(path, { ...pending, pids: error.pids, dueMs: performance.now() + pauseMs });
        return;
      }
      if (error instanceof AbsentDatabase) this.#moves.delete(path);
      else this.#failed(path, pending, messageOf(error));
    }
  }

  #failed(path: string, pending: Waiting, reason: string): void {
    const effect = `it stays ${pending.tier === 'disk' ? 'in RAM' : 'on the disk'}; it is tried again`;
    if (reason !== pending.failure) {
      this.#parts.log.warn('ramdisk-not-moved', { database: path, tier: pending.tier, reason, effect });
    }
    this.#moves.set(path, { ...pending, pids: [], dueMs: performance.now() + longPauseMs, failure: reason });
  }
}
