// Long work in pieces: the process answers and polls in between.
import { setImmediate } from 'node:timers/promises';

/** A piece may take so long. */
const pieceMs = 8;

export class Pieces {
  #sinceMs = performance.now();

  /** Call it between pieces: it lets others go on where the last ones took long enough. */
  async next(): Promise<void> {
    if (performance.now() - this.#sinceMs < pieceMs) return;
    await setImmediate();
    this.#sinceMs = performance.now();
  }
}
