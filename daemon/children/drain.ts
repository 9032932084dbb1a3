// How long the end of the daemon may wait for requests and programs: until the drain time is over, or somebody asks
// again.

/**
 * setTimeout takes 2^31 - 1 ms and makes 1 of anything longer; what callers add to the drain time has to fit as well.
 */
const mostMs = 2 ** 31 - 1 - 3_600_000;

export class Drain {
  /** Resolves when there is no more time to wait because somebody is in a hurry. */
  readonly hurried: Promise<void>;
  #endsAtMs: number;
  #tell = () => {};

  constructor(seconds: number) {
    this.#endsAtMs = performance.now() + seconds * 1000;
    this.hurried = new Promise((resolve) => {
      this.#tell = resolve;
    });
  }

  /** 0 when it is over; never more than a timer takes, some 24 days. */
  get leftMs(): number {
    return Math.min(mostMs, Math.max(0, this.#endsAtMs - performance.now()));
  }

  get isOver(): boolean {
    return this.leftMs === 0;
  }

  /** Makes it shorter, never longer. */
  endWithin(seconds: number): void {
    if (seconds * 1000 < this.leftMs) setTimeout(() => this.hurry(), seconds * 1000).unref();
  }

  hurry(): void {
    this.#endsAtMs = performance.now();
    this.#tell();
  }
}
