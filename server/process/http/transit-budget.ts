// Counts the bytes of request bodies that are being read and of answers that their clients have not taken yet, so that
// many large or slow requests cannot exhaust the server's memory.

export class TransitBudget {
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Always counts the bytes; false when there were too many already. */
  take(bytes: number): boolean {
    this.#bytes += bytes;
    return this.#bytes <= this.#maxBytes;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
  }

  get isSpent(): boolean {
    return this.#bytes > this.#maxBytes;
  }
}
