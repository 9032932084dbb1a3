// How far the archive process has read each write-ahead log: it publishes here, and the fs process looks here before a
// program may restart a log. A hash table by inode; a sequence word, odd while a slot is written, keeps a reader from
// taking half of one for a whole.
import { firstSlotByte, positionSection } from './layout.ts';

const word = { sequence: 0, flags: 1, salt1: 2, salt2: 3, frames: 4, deviceMajor: 5, deviceMinor: 6 } as const;
const inodeDouble = 4;
const wordsOfSlot = positionSection.slotBytes / 4;
const doublesOfSlot = positionSection.slotBytes / 8;
const notArchived = 1;
/** How often a reader looks again at a slot that is being written. */
const mostLooks = 1000;

export interface FileKey {
  readonly inode: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
}

export interface Position {
  readonly salt1: number;
  readonly salt2: number;
  /** Frames of that log that were read. */
  readonly frames: number;
  /** False: programs do as they like with the log. */
  readonly isArchived: boolean;
}

export class PositionSlots {
  readonly #words: Uint32Array;
  readonly #doubles: Float64Array;

  constructor(memory: ArrayBuffer) {
    const { slotBytes, slots } = positionSection;
    const from = firstSlotByte(positionSection);
    this.#words = new Uint32Array(memory, from, (slotBytes * slots) / 4);
    this.#doubles = new Float64Array(memory, from, (slotBytes * slots) / 8);
  }

  /** Before an archive process publishes for the first time: nothing is known of any file. */
  clear(): void {
    this.#words.fill(0);
  }

  /** False: there is no room for one more file. */
  publish(file: FileKey, position: Position): boolean {
    const slot = this.#slotOf(file);
    if (slot < 0) return false;
    const words = this.#words;
    const at = slot * wordsOfSlot;
    const sequence = (words[at + word.sequence] ?? 0) & ~1;
    Atomics.store(words, at + word.sequence, sequence + 1);
    words[at + word.flags] = position.isArchived ? 0 : notArchived;
    words[at + word.salt1] = position.salt1;
    words[at + word.salt2] = position.salt2;
    words[at + word.frames] = position.frames;
    words[at + word.deviceMajor] = file.deviceMajor;
    words[at + word.deviceMinor] = file.deviceMinor;
    this.#doubles[slot * doublesOfSlot + inodeDouble] = file.inode;
    Atomics.store(words, at + word.sequence, sequence + 2);
    return true;
  }

  /** undefined: nothing was published of this file. */
  find(file: FileKey): Position | undefined {
    const slot = this.#slotOf(file);
    if (slot < 0) return undefined;
    const words = this.#words;
    const at = slot * wordsOfSlot;
    for (let looks = 0; looks < mostLooks; looks++) {
      const sequence = Atomics.load(words, at + word.sequence);
      if (sequence === 0) return undefined;
      const position = {
        salt1: words[at + word.salt1] ?? 0,
        salt2: words[at + word.salt2] ?? 0,
        frames: words[at + word.frames] ?? 0,
        isArchived: words[at + word.flags] !== notArchived,
      };
      if (sequence % 2 === 0 && Atomics.load(words, at + word.sequence) === sequence) return position;
    }
    return undefined; // it was killed while it wrote
  }

  /** The slot of a file, or the free one where it belongs; -1: the table is full. */
  #slotOf({ inode, deviceMajor, deviceMinor }: FileKey): number {
    const { slots } = positionSection;
    const first = (inode + deviceMinor * 7919) % slots;
    for (let step = 0; step < slots; step++) {
      const slot = (first + step) % slots;
      const at = slot * wordsOfSlot;
      if ((this.#words[at + word.sequence] ?? 0) === 0) return slot;
      const isIt =
        this.#doubles[slot * doublesOfSlot + inodeDouble] === inode &&
        this.#words[at + word.deviceMajor] === deviceMajor &&
        this.#words[at + word.deviceMinor] === deviceMinor;
      if (isIt) return slot;
    }
    return -1;
  }
}
