// Open files and directories by the number that the kernel got for them. Stored for a successor process, as in nodes.ts.
import type { HandleId, Unique } from '../protocol/requests.ts';
import type { Node } from './nodes.ts';

interface Handle {
  readonly id: HandleId;
  readonly node: Node;
  /** Access mode: O_RDONLY, O_WRONLY or O_RDWR. */
  readonly access: number;
  /** The thread that opened it. */
  readonly pid: number;
  /** The request that opened it: if it is asked again after a take-over, it gets this handle. */
  readonly unique: Unique;
}

export interface FileHandle extends Handle {
  /** Opened while the file was fenced: every read and write goes through the loop, and nothing is cached. */
  readonly isDirect: boolean;
  /** Descriptor of the backing file, -1 until it is needed: a passthrough file often never needs one. */
  fd: number;
}

export interface DirectoryHandle extends Handle {
  readonly fd: number;
  /** struct linux_dirent64 records that were read and not yet handed out: from `start` to `end`. */
  readonly entries: Buffer;
  start: number;
  end: number;
  /** The directory offset that the record at `start` follows. */
  offset: bigint;
}

/** Where handles are stored for a successor process. */
export interface HandleStore {
  /** Returns the handle's place in the store. */
  add(handle: Handle & { readonly isDirect?: boolean }): number;
  remove(slot: number): void;
}

export class HandleTable<Kind extends Handle> {
  readonly #byId = new Map<HandleId, { readonly handle: Kind; readonly slot: number }>();
  readonly #store: HandleStore;
  readonly #nextId: () => HandleId;

  constructor(store: HandleStore, nextId: () => HandleId) {
    this.#store = store;
    this.#nextId = nextId;
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: HandleId): Kind | undefined {
    return this.#byId.get(id)?.handle;
  }

  add(create: (id: HandleId) => Kind): Kind {
    const handle = create(this.#nextId());
    this.insert(handle, this.#store.add(handle));
    return handle;
  }

  /** For a handle that is stored already. */
  insert(handle: Kind, slot: number): void {
    this.#byId.set(handle.id, { handle, slot });
  }

  /** The handle that the dead process has opened for a request which is now asked again. */
  openedBy(unique: Unique): Kind | undefined {
    for (const { handle } of this.#byId.values()) if (handle.unique === unique) return handle;
    return undefined;
  }

  *values(): Generator<Kind> {
    for (const { handle } of this.#byId.values()) yield handle;
  }

  remove(id: HandleId): Kind | undefined {
    const entry = this.#byId.get(id);
    if (entry === undefined) return undefined;
    this.#store.remove(entry.slot);
    this.#byId.delete(id);
    return entry.handle;
  }
}
