// Which gaps of a database are told. Some come again and again, as those of a database in RAM, whose durable copy is
// written each second: a line for each one would fill the log of the daemon.
const tellsAgainMs = 60 * 60_000;

export class GapNotices {
  /** By reason, on the clock of performance.now(). */
  readonly #toldMs = new Map<string, number>();

  /** Whether a gap for this reason is to be told now: once an hour. */
  isDue(reason: string, nowMs: number): boolean {
    const toldMs = this.#toldMs.get(reason);
    if (toldMs !== undefined && nowMs < toldMs + tellsAgainMs) return false;
    this.#toldMs.set(reason, nowMs);
    return true;
  }
}
