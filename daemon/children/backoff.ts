// How long to wait before a child that died is started again: not at all the first time, longer each time it dies
// young.

const firstDelayMs = 100;
const longestDelayMs = 10_000;
/** A child that lived this long starts with a clean record. */
const goodLifeMs = 30_000;

export class Backoff {
  #deaths = 0;

  /** `livedMs`: how long the child that has just died had lived. */
  nextDelayMs(livedMs: number): number {
    if (livedMs >= goodLifeMs) this.#deaths = 0;
    const delayMs = this.#deaths === 0 ? 0 : Math.min(firstDelayMs * 2 ** (this.#deaths - 1), longestDelayMs);
    this.#deaths += 1;
    return delayMs;
  }
}
