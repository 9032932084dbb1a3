// How much this process wants a processor. While nobody waits for it, it takes what others leave (SCHED_IDLE of
// sched(7)): a program that commits as fast as it can keeps its processor. As soon as somebody waits, or it falls
// behind, it takes its share for a while.

/** How long it takes its share after it was needed. */
const holdMs = 1000;

export class Haste {
  readonly #setIdle: (isIdle: boolean) => void;
  #isIdle = false;
  #untilMs = 0;

  /** @param setIdle absent: it takes its share at all times */
  constructor(setIdle: (isIdle: boolean) => void = () => {}) {
    this.#setIdle = setIdle;
    this.needed();
  }

  /** Somebody waits for this process, or it has not had enough time. */
  needed(): void {
    this.#untilMs = performance.now() + holdMs;
    this.#be(false);
  }

  /** To be called now and then. */
  restIfPossible(): void {
    if (performance.now() >= this.#untilMs) this.#be(true);
  }

  #be(isIdle: boolean): void {
    if (isIdle === this.#isIdle) return;
    this.#isIdle = isIdle;
    this.#setIdle(isIdle);
  }
}
