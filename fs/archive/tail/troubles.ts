// Why a database cannot be archived for now, and when it is tried again: after a pause that becomes longer each time.
import type { DatabaseId, WalPosition } from '../commit.ts';
import type { TailSurroundings } from './surroundings.ts';

const firstPauseMs = 200;
const longestPauseMs = 5000;
const noRoom = 'the archive has no space';

export interface TroubledDatabase {
  readonly id: DatabaseId;
  readonly position: WalPosition;
}

type Told = Pick<TailSurroundings, 'hasRoom' | 'log' | 'publish'>;

export class Troubles {
  readonly #database: TroubledDatabase;
  readonly #surroundings: Told;
  /** undefined: none. */
  reason: string | undefined;
  #toldReason: string | undefined;
  #resumesAtMs = 0;
  #pauseMs = firstPauseMs;

  constructor(database: TroubledDatabase, surroundings: Told) {
    this.#database = database;
    this.#surroundings = surroundings;
  }

  get isPausing(): boolean {
    return performance.now() < this.#resumesAtMs;
  }

  pause(): void {
    this.#resumesAtMs = performance.now() + this.#pauseMs;
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs);
  }

  /** Clients need not wait for a database that cannot be archived now. */
  failed(error: unknown): void {
    const { code, message } = error as NodeJS.ErrnoException;
    const { id, position } = this.#database;
    const { hasRoom, log, publish } = this.#surroundings;
    const isFull = code === 'ENOSPC' || code === 'EDQUOT';
    const reason = isFull ? noRoom : String(message ?? error);
    // A file that has just gone is being renamed or deleted: that is known before the next attempt.
    const isGoing = code === 'ENOENT' && this.reason === undefined;
    if (isFull) hasRoom(id, false);
    else if (!isGoing && this.#toldReason !== reason) {
      this.#toldReason = reason;
      log('error', 'archive-failed', { database: id.name, reason, code: code ?? 'internal' });
    }
    this.reason = reason;
    publish(id, position, false);
    this.pause();
  }

  recovered(): void {
    if (this.reason === noRoom) this.#surroundings.hasRoom(this.#database.id, true);
    this.reason = undefined;
    this.#toldReason = undefined;
    this.#pauseMs = firstPauseMs;
  }
}
