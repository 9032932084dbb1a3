// The inodes that the kernel knows by number, each with a descriptor that pins the backing inode, and how often the
// kernel has looked it up. Exact counts are what lets the table shrink again. Every change is also stored where a
// successor finds it.
import type { NodeId } from '../protocol/requests.ts';
import { rootNodeId } from '../protocol/requests.ts';
import { statxOffset } from '../system/stat.ts';
import type { InodeSpace } from './inode-numbers.ts';
import { NodeNames } from './node-names.ts';

/** Where nodes are stored for a successor process. */
export interface NodeStore {
  /** Whether one more can be stored. To be asked when one is to be added: a refusal is told. */
  hasRoom(): boolean;
  /** Returns the node's place in the store. */
  add(id: NodeId, fd: number, isDirectory: boolean): number;
  setLookups(slot: number, lookups: number): void;
  setBackingId(slot: number, backingId: number): void;
  setFolder(slot: number, folder: NodeId): void;
  /** The file's last name is gone: nothing that is left over may keep its blocks. */
  letGo(id: NodeId): void;
  /** The descriptor has to outlive this process: the inode cannot be opened again. */
  keep(slot: number, id: NodeId, fd: number): void;
  remove(slot: number, id: NodeId): void;
}

/** Who wants to know which directories the kernel knows. */
export interface DirectoryListener {
  added(id: NodeId, fd: number): void;
  dropped(id: NodeId): void;
}

export class Node {
  readonly id: NodeId;
  /** Device and inode number of the backing file, see inodeKey. */
  readonly key: string;
  /** O_PATH descriptor: stands for the inode under whatever name, also after it was unlinked. */
  readonly fd: number;
  readonly isDirectory: boolean;
  /** Of its inode number: see inode-numbers.ts. */
  readonly space: InodeSpace;
  /** Handles that are open on it. All of them are served in one way: passthrough or not. */
  opens = 0;
  /** Those of them that bypass the page cache and passthrough: FileHandle.isDirect. */
  directOpens = 0;
  /** Its last name was removed through the mount: to close `fd` ends the file. */
  isNameless = false;
  /** It is in no table any more, and its descriptor may stand for something else. */
  isForgotten = false;
  readonly names = new NodeNames<Node>();
  readonly #store: NodeStore;
  readonly #slot: number;
  #lookups: number;
  #backingId: number;
  #folder: NodeId | 0;

  constructor(
    facts: {
      readonly id: NodeId;
      readonly key: string;
      readonly fd: number;
      readonly isDirectory: boolean;
      readonly space: InodeSpace;
    },
    counts: { readonly lookups: number; readonly backingId: number; readonly folder: NodeId | 0 },
    store: NodeStore,
    slot: number,
  ) {
    this.id = facts.id;
    this.key = facts.key;
    this.fd = facts.fd;
    this.isDirectory = facts.isDirectory;
    this.space = facts.space;
    this.#lookups = counts.lookups;
    this.#backingId = counts.backingId;
    this.#folder = counts.folder;
    this.#store = store;
    this.#slot = slot;
  }

  /** The device of its file system. */
  get device(): string {
    return this.key.slice(0, this.key.indexOf(':', this.key.indexOf(':') + 1));
  }

  /** Lookups that the kernel has not yet taken back with FORGET. */
  get lookups(): number {
    return this.#lookups;
  }

  set lookups(count: number) {
    this.#lookups = count;
    this.#store.setLookups(this.#slot, count);
  }

  /** The kernel's number for passthrough, shared by all opens; 0 while there is none. */
  get backingId(): number {
    return this.#backingId;
  }

  set backingId(id: number) {
    this.#backingId = id;
    this.#store.setBackingId(this.#slot, id);
  }

  /** The directory in which the kernel has met it last. A successor knows that much of its names. */
  get folder(): NodeId | 0 {
    return this.#folder;
  }

  /**
   * The kernel has learned a name of it, which has so many hard links. `name` ends with a zero byte; a copy is kept.
   */
  called(parent: Node, name: Buffer, links: number): void {
    this.names.add(parent, name, links);
    if (this.#folder === parent.id) return;
    this.#folder = parent.id;
    this.#store.setFolder(this.#slot, parent.id);
  }

  /** The file has lost its last name: while it is open, only a descriptor can stand for it from now on. */
  lostLastName(): void {
    this.isNameless = true;
    if (this.opens > 0) this.#store.keep(this.#slot, this.id, this.fd);
    else this.#store.letGo(this.id);
  }

  removeFromStore(): void {
    this.#store.remove(this.#slot, this.id);
  }
}

export class NodeTable {
  readonly #byId = new Map<NodeId, Node>();
  readonly #byKey = new Map<string, Node>();
  readonly #forgotten: (node: Node) => void;
  readonly #store: NodeStore;
  readonly #nextId: () => NodeId;
  readonly #directories: DirectoryListener | undefined;

  /** `root` is in the table for ever and in no store: a successor opens it anew. `nextId` gives every number once. */
  constructor(
    root: { readonly fd: number; readonly key: string },
    parts: {
      /** The node is in no table any more; its descriptor is to be closed. */
      readonly forgotten: (node: Node) => void;
      readonly store: NodeStore;
      readonly nextId: () => NodeId;
      readonly directories?: DirectoryListener | undefined;
    },
  ) {
    this.#forgotten = parts.forgotten;
    this.#store = parts.store;
    this.#nextId = parts.nextId;
    this.#directories = parts.directories;
    const facts = { ...root, id: rootNodeId, isDirectory: true, space: 0 };
    this.insert(new Node(facts, { lookups: 1, backingId: 0, folder: 0 }, notStored, 0));
  }

  get size(): number {
    return this.#byId.size;
  }

  /** To be asked before add. */
  hasRoom(): boolean {
    return this.#store.hasRoom();
  }

  get(id: NodeId): Node | undefined {
    return this.#byId.get(id);
  }

  find(key: string): Node | undefined {
    return this.#byKey.get(key);
  }

  values(): IterableIterator<Node> {
    return this.#byId.values();
  }

  /** Takes over `fd`. The lookup that found it is not yet counted. */
  add(key: string, fd: number, isDirectory: boolean, space: InodeSpace): Node {
    const id = this.#nextId();
    const slot = this.#store.add(id, fd, isDirectory);
    const node = new Node(
      { id, key, fd, isDirectory, space },
      { lookups: 0, backingId: 0, folder: 0 },
      this.#store,
      slot,
    );
    this.insert(node);
    return node;
  }

  /** For a node that is stored already. */
  insert(node: Node): void {
    this.#byId.set(node.id, node);
    this.#byKey.set(node.key, node);
    if (node.isDirectory) this.#directories?.added(node.id, node.fd);
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
    node.removeFromStore();
    if (node.isDirectory) this.#directories?.dropped(node.id);
    this.#byId.delete(node.id);
    this.#byKey.delete(node.key);
    node.isForgotten = true;
    this.#forgotten(node);
  }
}

const notStored: NodeStore = {
  hasRoom: () => true,
  add: () => 0,
  setLookups: () => {},
  setBackingId: () => {},
  setFolder: () => {},
  letGo: () => {},
  keep: () => {},
  remove: () => {},
};

/** Names an inode of this host: device and inode number, from a statx buffer. */
export function inodeKey(stat: Buffer): string {
  const { ino, devMajor, devMinor } = statxOffset;
  const device = `${stat.readUInt32LE(devMajor)}:${stat.readUInt32LE(devMinor)}`;
  return `${device}:${stat.readUInt32LE(ino + 4)}:${stat.readUInt32LE(ino)}`;
}
