// Remembers for a short time what was changed through the mount, so that channel/outside-changes.ts can tell it from
// changes made behind its back.
import type { Node } from './nodes.ts';

/** How much later the watcher may ask: its batches are 100 ms apart, times a generous factor for a busy machine. */
const rememberMs = 5000;

export class OwnChanges {
  // Insertion order is age order: a repeated change is moved to the end.
  readonly #changedAt = new Map<string, number>();

  /** A name is about to be made, removed or moved. `name` ends with a zero byte. */
  add(parent: Node, name: Buffer): void {
    this.#remember(`${parent.key}/${name.toString('latin1', 0, name.length - 1)}`);
  }

  /** `name` as latin1, which keeps every byte. */
  has(parent: Node, name: string): boolean {
    return this.#isRecent(`${parent.key}/${name}`);
  }

  /** A handle that may have written to it was closed. */
  addClosed(node: Node): void {
    this.#remember(node.key);
  }

  hasClosed(node: Node): boolean {
    return this.#isRecent(node.key);
  }

  #remember(key: string): void {
    const now = performance.now();
    this.#changedAt.delete(key);
    this.#changedAt.set(key, now);
    for (const [oldest, changedAt] of this.#changedAt) {
      if (now - changedAt < rememberMs) break;
      this.#changedAt.delete(oldest);
    }
  }

  #isRecent(key: string): boolean {
    const changedAt = this.#changedAt.get(key);
    return changedAt !== undefined && performance.now() - changedAt < rememberMs;
  }
}
