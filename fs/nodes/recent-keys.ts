// Remembers for a short time what has happened, for channel/outside-changes.ts, which looks a moment later.

/** How much later the watcher may ask: its batches are 100 ms apart, times a generous factor for a busy machine. */
const rememberMs = 5000;

export class RecentKeys {
  // Insertion order is age order: a repeated change is moved to the end.
  readonly #addedAt = new Map<string, number>();

  add(key: string): void {
    const now = performance.now();
    this.#addedAt.delete(key);
    this.#addedAt.set(key, now);
    for (const [oldest, addedAt] of this.#addedAt) {
      if (now - addedAt < rememberMs) break;
      this.#addedAt.delete(oldest);
    }
  }

  has(key: string): boolean {
    const addedAt = this.#addedAt.get(key);
    return addedAt !== undefined && performance.now() - addedAt < rememberMs;
  }
}
