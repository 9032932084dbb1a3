// Open files as they are written to the surviving memory.
import type { HandleId, NodeId, Unique } from '../protocol/requests.ts';
import { handleSection } from './layout.ts';
import { checksum, NO_SLOT, Slots } from './slots.ts';

// Words of a slot; all of them never change while the slot is used.
const field = { checksum: 1, access: 2, pid: 3, isDirect: 4, opened: 5, doubles: 6, end: 12 } as const;
const double = { id: 3, nodeId: 4, unique: 5 } as const;

export interface StoredHandle {
  readonly slot: number;
  readonly id: HandleId;
  readonly nodeId: NodeId;
  /** O_RDONLY, O_WRONLY or O_RDWR. */
  readonly access: number;
  /** See FileHandle.isDirect. */
  readonly isDirect: boolean;
  /** The thread that opened it. */
  readonly pid: number;
  /** See FileHandle.openedS. */
  readonly openedS: number;
  /** The request that opened it: asked again after a take-over, it gets this handle. */
  readonly unique: Unique;
}

export class HandleSlots {
  readonly #slots: Slots;

  constructor(memory: ArrayBuffer) {
    this.#slots = new Slots(memory, handleSection);
  }

  add(handle: Omit<StoredHandle, 'slot'>): number {
    const { words, doubles } = this.#slots;
    const slot = this.#slots.allocate();
    if (slot === NO_SLOT) return slot;
    const at = this.#slots.word(slot);
    words[at + field.access] = handle.access;
    words[at + field.pid] = handle.pid;
    words[at + field.isDirect] = Number(handle.isDirect);
    words[at + field.opened] = handle.openedS;
    const doubleAt = this.#slots.double(slot);
    doubles[doubleAt + double.id] = handle.id;
    doubles[doubleAt + double.nodeId] = handle.nodeId;
    doubles[doubleAt + double.unique] = handle.unique;
    words[at + field.checksum] = checksum(words, at + field.access, at + field.end);
    this.#slots.commit(slot);
    return slot;
  }

  get hasRoom(): boolean {
    return this.#slots.room > 0;
  }

  remove(slot: number): void {
    this.#slots.release(slot);
  }

  *stored(damaged: (slot: number) => void): Generator<StoredHandle> {
    const { words, doubles } = this.#slots;
    for (const slot of this.#slots.used()) {
      const at = this.#slots.word(slot);
      if (words[at + field.checksum] !== checksum(words, at + field.access, at + field.end)) {
        damaged(slot);
        this.#slots.release(slot);
        continue;
      }
      const doubleAt = this.#slots.double(slot);
      yield {
        slot,
        access: words[at + field.access] ?? 0,
        isDirect: words[at + field.isDirect] === 1,
        pid: words[at + field.pid] ?? 0,
        openedS: words[at + field.opened] ?? 0,
        id: (doubles[doubleAt + double.id] ?? 0) as HandleId,
        nodeId: (doubles[doubleAt + double.nodeId] ?? 0) as NodeId,
        unique: (doubles[doubleAt + double.unique] ?? 0) as Unique,
      };
    }
  }
}
