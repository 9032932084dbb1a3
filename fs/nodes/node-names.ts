// The names under which the kernel has met a file. As many are remembered as the file has hard links: the kernel may
// come to remove any of them. Most files have one name, and cost no table.
/** What a name belongs to: a node. */
interface Parent {
  readonly id: number;
}

/** One name of a file: a single component, with a zero byte at its end. */
export interface NodeName<Of extends Parent> {
  readonly parent: Of;
  readonly name: Buffer;
}

/** So many are remembered in any case: some of them may be gone by now. */
const leastNames = 8;

export class NodeNames<Of extends Parent> {
  #newest: NodeName<Of> | undefined;
  /** All of them, the newest one last. Absent while there is one at most. */
  #all: Map<string, NodeName<Of>> | undefined;

  get size(): number {
    return this.#all?.size ?? (this.#newest === undefined ? 0 : 1);
  }

  /** The kernel has met the file under this name, and it has so many hard links. A copy of `name` is kept. */
  add(parent: Of, name: Buffer, links: number): void {
    if (this.#newest === undefined) {
      this.#newest = { parent, name: Buffer.from(name) };
      return;
    }
    if (isSame(this.#newest, parent, name)) return;
    this.#all ??= new Map([[keyOf(this.#newest.parent, this.#newest.name), this.#newest]]);
    const key = keyOf(parent, name);
    this.#newest = this.#all.get(key) ?? { parent, name: Buffer.from(name) };
    this.#all.delete(key);
    this.#all.set(key, this.#newest);
    if (this.#all.size <= Math.max(links, leastNames)) return;
    for (const oldest of this.#all.keys()) {
      this.#all.delete(oldest);
      return;
    }
  }

  has(parent: Of, name: Buffer): boolean {
    if (this.#newest !== undefined && isSame(this.#newest, parent, name)) return true;
    return this.#all?.has(keyOf(parent, name)) === true;
  }

  /** The name was given up. */
  delete(parent: Of, name: Buffer): void {
    this.#all?.delete(keyOf(parent, name));
    if (this.#newest === undefined || !isSame(this.#newest, parent, name)) return;
    this.#newest = this.#all === undefined ? undefined : [...this.#all.values()].at(-1);
  }

  /** The newest ones, the newest first. */
  newest(most: number): readonly NodeName<Of>[] {
    if (this.#all === undefined) return this.#newest === undefined ? [] : [this.#newest];
    return [...this.#all.values()].slice(-most).reverse();
  }
}

function isSame(known: NodeName<Parent>, parent: Parent, name: Buffer): boolean {
  return known.parent === parent && known.name.equals(name);
}

function keyOf(parent: Parent, name: Buffer): string {
  return `${parent.id}/${name.toString('latin1')}`;
}
