// The inodes that the kernel knows by number, each with a descriptor that pins the backing inode, and how often the kernel has
// looked it up. Exact counts are what lets the table shrink again. Plain data: a successor process can be given it.
import type { NodeId } from '../protocol/requests.ts';
import { rootNodeId } from '../protocol/requests.ts';
import { statxOffset } from '../system/stat.ts';

export interface Node {
  readonly id: NodeId;
  /** Device and inode number of the backing file, see inodeKey. */
  readonly key: string;
  /** O_PATH descriptor: stands for the inode under whatever name, also after it was unlinked. */
  readonly fd: number;
  readonly isDirectory: boolean;
  /** Lookups that the kernel has not yet taken back with FORGET. */
  lookups: number;
  /** Handles that are open on it. All of them are served in one way: passthrough or not. */
  opens: number;
  /** The kernel's number for passthrough, shared by all opens; 0 while there is none. */
  backingId: number;
}

export class NodeTable {
  readonly #byId = new Map<NodeId, Node>();
  readonly #byKey = new Map<string, Node>();
  readonly #closeDescriptor: (fd: number) => void;
  #nextId = rootNodeId + 1;

  constructor(root: { readonly fd: number; readonly key: string }, closeDescriptor: (fd: number) => void) {
    this.#closeDescriptor = closeDescriptor;
    this.#insert({ ...root, id: rootNodeId, isDirectory: true, lookups: 1, opens: 0, backingId: 0 });
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: NodeId): Node | undefined {
    return this.#byId.get(id);
  }

  find(key: string): Node | undefined {
    return this.#byKey.get(key);
  }

  /** Takes over `fd`. The lookup that found it is not yet counted. Ids are never used twice. */
  add(key: string, fd: number, isDirectory: boolean): Node {
    const node = { id: this.#nextId++ as NodeId, key, fd, isDirectory, lookups: 0, opens: 0, backingId: 0 };
    this.#insert(node);
    return node;
  }

  forget(id: NodeId, count: number): void {
    const node = this.#byId.get(id);
    if (node === undefined || id === rootNodeId) return;
    node.lookups -= count;
    this.dropIfUnused(node);
  }

  /** FORGET may overtake the RELEASE of the last handle: whichever comes second drops the node. */
  dropIfUnused(node: Node): void {
    if (node.lookups > 0 || node.opens > 0) return;
    this.#byId.delete(node.id);
    this.#byKey.delete(node.key);
    this.#closeDescriptor(node.fd);
  }

  #insert(node: Node): void {
    this.#byId.set(node.id, node);
    this.#byKey.set(node.key, node);
  }
}

/** Names an inode of this host: device and inode number, from a statx buffer. */
export function inodeKey(stat: Buffer): string {
  const { ino, devMajor, devMinor } = statxOffset;
  const device = `${stat.readUInt32LE(devMajor)}:${stat.readUInt32LE(devMinor)}`;
  return `${device}:${stat.readUInt32LE(ino + 4)}:${stat.readUInt32LE(ino)}`;
}
