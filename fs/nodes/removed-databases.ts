// Databases that have lost their last name while programs have them open (rm app.db). What SQLite keeps beside them is
// theirs until another file takes the name: a program that removes all files of a database one by one finds them.
import type { Name } from '../protocol/requests.ts';
import { sqliteFileOf } from '../sqlite/files.ts';
import type { Node } from './nodes.ts';

/** So many are looked through at a removal at most, to let go of those that nobody has open any more. */
const most = 100;

export class RemovedDatabases {
  readonly #nodes = new Map<string, Node>();

  removed(parent: Node, name: Name, node: Node): void {
    if (node.opens === 0 || sqliteFileOf(name.toString('latin1', 0, name.length - 1)).kind !== 'database') return;
    if (this.#nodes.size >= most) {
      for (const [key, known] of this.#nodes) if (known.opens === 0) this.#nodes.delete(key);
      if (this.#nodes.size >= most) return;
    }
    this.#nodes.set(keyOf(parent, name), node);
  }

  /** The one that had the name last, if programs still have it open. It is forgotten. */
  take(parent: Node, name: Name): Node | undefined {
    if (this.#nodes.size === 0) return undefined;
    const key = keyOf(parent, name);
    const node = this.#nodes.get(key);
    this.#nodes.delete(key);
    return node?.opens === 0 ? undefined : node;
  }
}

function keyOf(parent: Node, name: Name): string {
  return `${parent.key}/${name.toString('latin1')}`;
}
