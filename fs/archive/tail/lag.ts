// How much is committed and not read yet, and since when there is something.
export class Lag {
  #bytes = 0;
  #sinceMs = 0;

  is(bytes: number): void {
    if (this.#bytes === 0) this.#sinceMs = performance.now();
    this.#bytes = bytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get ms(): number {
    return this.#bytes === 0 ? 0 : performance.now() - this.#sinceMs;
  }
}
