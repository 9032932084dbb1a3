// Open files and directories by the number that the kernel got for them. Plain data, as nodes.ts.
import type { HandleId } from '../protocol/requests.ts';
import type { Node } from './nodes.ts';

export interface FileHandle {
  readonly id: HandleId;
  readonly node: Node;
  /** Access mode: O_RDONLY, O_WRONLY or O_RDWR. */
  readonly access: number;
  /** Descriptor of the backing file, -1 until it is needed: a passthrough file often never needs one. */
  fd: number;
}

export interface DirectoryHandle {
  readonly id: HandleId;
  readonly fd: number;
  /** struct linux_dirent64 records that were read and not yet handed out: from `start` to `end`. */
  readonly entries: Buffer;
  start: number;
  end: number;
  /** The directory offset that the record at `start` follows. */
  offset: bigint;
}

export class HandleTable<Handle extends { readonly id: HandleId }> {
  readonly #byId = new Map<HandleId, Handle>();
  #nextId = 1;

  get size(): number {
    return this.#byId.size;
  }

  get(id: HandleId): Handle | undefined {
    return this.#byId.get(id);
  }

  add(create: (id: HandleId) => Handle): Handle {
    const handle = create(this.#nextId++ as HandleId);
    this.#byId.set(handle.id, handle);
    return handle;
  }

  remove(id: HandleId): Handle | undefined {
    const handle = this.#byId.get(id);
    this.#byId.delete(id);
    return handle;
  }
}
