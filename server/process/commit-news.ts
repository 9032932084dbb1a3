// Tells the supervisor which databases were written, a few times a second at most.

const pauseMs = 50;

export class CommitNews {
  readonly #tell: (databases: readonly string[]) => void;
  readonly #waiting = new Set<string>();
  #timer: NodeJS.Timeout | null = null;

  constructor(tell: (databases: readonly string[]) => void) {
    this.#tell = tell;
  }

  /** Told at once, or after the pause that the last news began. */
  add(database: string): void {
    this.#waiting.add(database);
    if (this.#timer === null) this.#send();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #send(): void {
    this.#timer = null;
    if (this.#waiting.size === 0) return;
    this.#tell([...this.#waiting]);
    this.#waiting.clear();
    this.#timer = setTimeout(() => this.#send(), pauseMs);
    this.#timer.unref();
  }
}
