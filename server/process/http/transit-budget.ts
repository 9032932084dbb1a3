// Counts the bytes of request bodies that are being read and of answers that their clients have not taken yet. Every
// transfer has a clock of its own: where memory gets short, the transfers that stand still are cut off, and nobody else
// pays for them.

/** A transfer on which nothing moves for so long may be cut off when room is needed. */
const stillMs = 2_000;
/** So may one that takes longer than this, however steadily it moves. */
const longMs = 60_000;
const lookMs = 500;

export interface TransitLimits {
  /** From here on transfers that stand still are cut off. */
  readonly shortBytes: number;
  /** From here on nothing more is taken in. */
  readonly fullBytes: number;
}

export class TransitBudget {
  readonly #limits: TransitLimits;
  readonly #open = new Set<Transfer>();
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: TransitLimits) {
    this.#limits = limits;
  }

  /** `cut` ends the connection of the transfer. */
  begin(cut: () => void): Transfer {
    const transfer = new Transfer(
      cut,
      (bytes) => this.#count(bytes),
      () => this.#open.delete(transfer),
    );
    this.#open.add(transfer);
    return transfer;
  }

  get isFull(): boolean {
    return this.#bytes > this.#limits.fullBytes;
  }

  get #isShort(): boolean {
    return this.#bytes > this.#limits.shortBytes;
  }

  #count(bytes: number): void {
    this.#bytes += bytes;
    if (!this.#isShort || this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.#makeRoom(performance.now()), lookMs).unref();
  }

  /** The one that has stood still for longest goes first. */
  #makeRoom(nowMs: number): void {
    const slow = [...this.#open]
      .filter(({ movedAtMs, beganAtMs }) => nowMs - movedAtMs >= stillMs || nowMs - beganAtMs >= longMs)
      .sort((one, other) => one.movedAtMs - other.movedAtMs);
    for (const transfer of slow) {
      if (!this.#isShort) break;
      transfer.end();
      transfer.cut();
    }
    if (this.#isShort) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

class Transfer {
  readonly cut: () => void;
  readonly beganAtMs = performance.now();
  movedAtMs = this.beganAtMs;
  readonly #count: (bytes: number) => void;
  readonly #onEnd: () => void;
  #bytes = 0;

  constructor(cut: () => void, count: (bytes: number) => void, onEnd: () => void) {
    this.cut = cut;
    this.#count = count;
    this.#onEnd = onEnd;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    this.#count(bytes);
    this.moved();
  }

  moved(): void {
    this.movedAtMs = performance.now();
  }

  /** Its bytes are no longer in transit. A second call does no harm. */
  end(): void {
    this.#count(-this.#bytes);
    this.#bytes = 0;
    this.#onEnd();
  }
}
