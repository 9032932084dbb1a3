// Closing the last descriptor of a file without a name gives its space back, which takes as long as a commit of the
// file system, and longer for a large file. The thread that answers the kernel collects such descriptors and hands them
// over, so that no client waits.

/** To hand one over costs as much as a small request. */
const mostAtOnce = 16;
/** For so long they may wait for others. */
const patienceMs = 20;

export class LastCloses {
  readonly #handOver: (fds: readonly number[]) => void;
  #fds: number[] = [];
  #dueMs = Number.POSITIVE_INFINITY;

  /** Whoever gets descriptors closes them. */
  constructor(handOver: (fds: readonly number[]) => void) {
    this.#handOver = handOver;
  }

  add(fd: number): void {
    if (this.#fds.length === 0) this.#dueMs = performance.now() + patienceMs;
    this.#fds.push(fd);
    if (this.#fds.length === mostAtOnce) this.#handOverAll();
  }

  /** When runDue has something to do, on the clock of performance.now(); Infinity for never. */
  get dueMs(): number {
    return this.#dueMs;
  }

  /** False when nothing was due. */
  runDue(): boolean {
    if (this.#fds.length === 0 || performance.now() < this.#dueMs) return false;
    this.#handOverAll();
    return true;
  }

  #handOverAll(): void {
    const fds = this.#fds;
    this.#fds = [];
    this.#dueMs = Number.POSITIVE_INFINITY;
    this.#handOver(fds);
  }
}
