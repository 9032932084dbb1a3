// How long to wait before a child that died is started again: not at all the first time, longer each time it dies
// young.

const firstDelayMs = 100;
const defaultLongestDelayMs = 10_000;
/** A child that lived this long starts with a clean record. */
const goodLifeMs = 30_000;

export class Backoff {
  readonly #longestDelayMs: number;
  #deaths = 0;

  constructor(longestDelayMs = defaultLongestDelayMs) {
    this.#longestDelayMs = longestDelayMs;
  }

  /** `livedMs`: how long the child that has just died had lived. */
  nextDelayMs(livedMs: number): number {
    if (livedMs >= goodLifeMs) this.#deaths = 0;
    const delayMs = this.#deaths === 0 ? 0 : Math.min(firstDelayMs * 2 ** (this.#deaths - 1), this.#longestDelayMs);
    this.#deaths += 1;
    return delayMs;
  }
}
