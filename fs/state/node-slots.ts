// The kernel's inodes as they are written to the surviving memory: id, lookups, backing id, and how to find the inode
// again.
import type { NodeId } from '../protocol/requests.ts';
import { inodeHandleBytes } from '../system/inode-handles.ts';
import { nodeSection } from './layout.ts';
import { checksum, NO_SLOT, Slots } from './slots.ts';

// Words of a slot. Those from `fixed` to `end` never change while the slot is used, and are under the checksum.
const field = { checksum: 1, lookups: 2, backingId: 3, flags: 4, fixed: 6, handle: 8, end: 24, folder: 24 } as const;
const idDouble = field.fixed / 2;
const folderDouble = field.folder / 2;
const handleByte = field.handle * 4;
const flag = { isDirectory: 1, isKept: 2 } as const;

export interface StoredNode {
  readonly slot: number;
  readonly id: NodeId;
  readonly isDirectory: boolean;
  /** Its descriptor is among the kept ones, because it cannot be opened by its handle. */
  readonly isKept: boolean;
  readonly lookups: number;
  readonly backingId: number;
  /** See Node.folder; 0 for none. */
  readonly folder: NodeId;
  /** For openInodeHandle; zeros when there is none. */
  readonly handle: Buffer;
}

export class NodeSlots {
  readonly #slots: Slots;

  constructor(memory: ArrayBuffer) {
    this.#slots = new Slots(memory, nodeSection);
  }

  add(id: NodeId, isDirectory: boolean, handle: Buffer): number {
    const { words, doubles, bytes } = this.#slots;
    const slot = this.#slots.allocate();
    if (slot === NO_SLOT) return slot;
    const at = this.#slots.word(slot);
    words[at + field.lookups] = 0;
    words[at + field.backingId] = 0;
    words[at + field.flags] = isDirectory ? flag.isDirectory : 0;
    doubles[this.#slots.double(slot) + idDouble] = id;
    doubles[this.#slots.double(slot) + folderDouble] = 0;
    bytes.set(handle, this.#slots.byte(slot) + handleByte);
    words[at + field.checksum] = checksum(words, at + field.fixed, at + field.end);
    this.#slots.commit(slot);
    return slot;
  }

  setLookups(slot: number, lookups: number): void {
    if (slot !== NO_SLOT) this.#slots.words[this.#slots.word(slot) + field.lookups] = lookups;
  }

  setBackingId(slot: number, backingId: number): void {
    if (slot !== NO_SLOT) this.#slots.words[this.#slots.word(slot) + field.backingId] = backingId;
  }

  setFolder(slot: number, folder: NodeId): void {
    if (slot !== NO_SLOT) this.#slots.doubles[this.#slots.double(slot) + folderDouble] = folder;
  }

  setKept(slot: number): void {
    if (slot === NO_SLOT) return;
    const at = this.#slots.word(slot) + field.flags;
    this.#slots.words[at] = (this.#slots.words[at] ?? 0) | flag.isKept;
  }

  isKept(slot: number): boolean {
    return slot === NO_SLOT || ((this.#slots.words[this.#slots.word(slot) + field.flags] ?? 0) & flag.isKept) !== 0;
  }

  get hasRoom(): boolean {
    return this.#slots.room > 0;
  }

  remove(slot: number): void {
    this.#slots.release(slot);
  }

  /** Every node; those whose slot is damaged are given to `damaged` and removed. */
  *stored(damaged: (slot: number) => void): Generator<StoredNode> {
    const { words, doubles, bytes } = this.#slots;
    for (const slot of this.#slots.used()) {
      const at = this.#slots.word(slot);
      if (words[at + field.checksum] !== checksum(words, at + field.fixed, at + field.end)) {
        damaged(slot);
        this.#slots.release(slot);
        continue;
      }
      const flags = words[at + field.flags] ?? 0;
      const handle = Buffer.alloc(inodeHandleBytes);
      const firstByte = this.#slots.byte(slot) + handleByte;
      handle.set(bytes.subarray(firstByte, firstByte + inodeHandleBytes));
      yield {
        slot,
        id: (doubles[this.#slots.double(slot) + idDouble] ?? 0) as NodeId,
        isDirectory: (flags & flag.isDirectory) !== 0,
        isKept: (flags & flag.isKept) !== 0,
        lookups: words[at + field.lookups] ?? 0,
        backingId: words[at + field.backingId] ?? 0,
        folder: (doubles[this.#slots.double(slot) + folderDouble] ?? 0) as NodeId,
        handle,
      };
    }
  }
}
