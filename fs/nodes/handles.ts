// Open files by the number that the kernel got for them. Stored for a successor process, as in nodes.ts.
import type { HandleId, Unique } from '../protocol/requests.ts';
import type { Node } from './nodes.ts';

export interface FileHandle {
  readonly id: HandleId;
  readonly node: Node;
  /** Access mode: O_RDONLY, O_WRONLY or O_RDWR. */
  readonly access: number;
  /** The thread that opened it. */
  readonly pid: number;
  /** When, in seconds since boot: a thread that began later has only got the same number. */
  readonly openedS: number;
  /** The request that opened it: if it is asked again after a take-over, it gets this handle. */
  readonly unique: Unique;
  /** Opened while the file was fenced: every read and write goes through the loop, and nothing is cached. */
  readonly isDirect: boolean;
  /** Descriptor of the backing file, -1 until it is needed: a passthrough file often never needs one. */
  fd: number;
}

/** Where handles are stored for a successor process. */
export interface HandleStore {
  /** Whether one more can be stored. To be asked when one is to be added: a refusal is told. */
  hasRoom(): boolean;
  /** Returns the handle's place in the store. */
  add(handle: FileHandle): number;
  remove(slot: number): void;
}

export class HandleTable {
  readonly #byId = new Map<HandleId, { readonly handle: FileHandle; readonly slot: number }>();
  readonly #store: HandleStore;
  readonly #nextId: () => HandleId;

  constructor(store: HandleStore, nextId: () => HandleId) {
    this.#store = store;
    this.#nextId = nextId;
  }

  get size(): number {
    return this.#byId.size;
  }

  /** To be asked before add. */
  hasRoom(): boolean {
    return this.#store.hasRoom();
  }

  get(id: HandleId): FileHandle | undefined {
    return this.#byId.get(id)?.handle;
  }

  add(create: (id: HandleId) => FileHandle): FileHandle {
    const handle = create(this.#nextId());
    this.insert(handle, this.#store.add(handle));
    return handle;
  }

  /** For a handle that is stored already. */
  insert(handle: FileHandle, slot: number): void {
    this.#byId.set(handle.id, { handle, slot });
  }

  /** The handle that the dead process has opened for a request which is now asked again. */
  openedBy(unique: Unique): FileHandle | undefined {
    for (const { handle } of this.#byId.values()) if (handle.unique === unique) return handle;
    return undefined;
  }

  *values(): Generator<FileHandle> {
    for (const { handle } of this.#byId.values()) yield handle;
  }

  remove(id: HandleId): FileHandle | undefined {
    const entry = this.#byId.get(id);
    if (entry === undefined) return undefined;
    this.#store.remove(entry.slot);
    this.#byId.delete(id);
    return entry.handle;
  }
}
