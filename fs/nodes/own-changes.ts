// Remembers for a short time what was changed through the mount, so that channel/outside-changes.ts can tell it from
// changes made behind its back.
import type { Node } from './nodes.ts';
import { RecentKeys } from './recent-keys.ts';

export class OwnChanges {
  readonly #recent = new RecentKeys();

  /** A name is about to be made, removed or moved. `name` ends with a zero byte. */
  add(parent: Node, name: Buffer): void {
    this.#recent.add(`${parent.key}/${name.toString('latin1', 0, name.length - 1)}`);
  }

  /** `name` as latin1, which keeps every byte. */
  has(parent: Node, name: string): boolean {
    return this.#recent.has(`${parent.key}/${name}`);
  }

  /** A handle that may have written to it was closed. */
  addClosed(node: Node): void {
    this.#recent.add(node.key);
  }

  hasClosed(node: Node): boolean {
    return this.#recent.has(node.key);
  }
}
