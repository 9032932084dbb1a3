// Remembers for a short time which names were changed through the mount, so that watch.ts can tell them from changes made behind its back.
import type { Node } from './nodes.ts';

/** How much later the watcher may ask: its batches are 100 ms apart, times a generous factor for a busy machine. */
const rememberMs = 5000;

export class OwnChanges {
  // Insertion order is age order: a repeated name is moved to the end.
  readonly #changedAt = new Map<string, number>();

  /** `name` ends with a zero byte. */
  add(parent: Node, name: Buffer): void {
    const key = `${parent.key}/${name.toString('latin1', 0, name.length - 1)}`;
    const now = Date.now();
    this.#changedAt.delete(key);
    this.#changedAt.set(key, now);
    for (const [oldest, changedAt] of this.#changedAt) {
      if (now - changedAt < rememberMs) break;
      this.#changedAt.delete(oldest);
    }
  }

  /** `name` as latin1, which keeps every byte. */
  has(parent: Node, name: string): boolean {
    const changedAt = this.#changedAt.get(`${parent.key}/${name}`);
    return changedAt !== undefined && Date.now() - changedAt < rememberMs;
  }
}
