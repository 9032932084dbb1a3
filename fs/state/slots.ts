// One section of the surviving memory: equal slots with a free list. A slot counts from the moment its first word is
// set, which is the last thing that is written; a process killed while it filled one has left nothing.
import { firstSlotByte, type Section } from './layout.ts';

/** Nothing was stored: the section is full. */
export const NO_SLOT = -1;

export class Slots {
  /** The slots as 32-bit words, and as doubles; `word(slot)` and `double(slot)` are where a slot begins. */
  readonly words: Uint32Array;
  readonly doubles: Float64Array;
  readonly bytes: Uint8Array;
  readonly #slotBytes: number;
  readonly #slots: number;
  readonly #highWater: Uint32Array;
  readonly #free: number[] = [];

  constructor(memory: ArrayBuffer, section: Section) {
    const { slotBytes, slots, startByte } = section;
    this.#slotBytes = slotBytes;
    this.#slots = slots;
    this.#highWater = new Uint32Array(memory, startByte, 1);
    const firstByte = firstSlotByte(section);
    this.words = new Uint32Array(memory, firstByte, (slotBytes * slots) / 4);
    this.doubles = new Float64Array(memory, firstByte, (slotBytes * slots) / 8);
    this.bytes = new Uint8Array(memory, firstByte, slotBytes * slots);
    for (let slot = this.#top - 1; slot >= 0; slot--) if (!this.isUsed(slot)) this.#free.push(slot);
  }

  /** How many more can be allocated. */
  get room(): number {
    return this.#free.length + this.#slots - this.#top;
  }

  word(slot: number): number {
    return (slot * this.#slotBytes) / 4;
  }

  double(slot: number): number {
    return (slot * this.#slotBytes) / 8;
  }

  byte(slot: number): number {
    return slot * this.#slotBytes;
  }

  isUsed(slot: number): boolean {
    return this.words[this.word(slot)] !== 0;
  }

  /** A slot whose content is whatever was there before, or NO_SLOT. It counts only after `commit`. */
  allocate(): number {
    const recycled = this.#free.pop();
    if (recycled !== undefined) return recycled;
    const top = this.#top;
    if (top === this.#slots) return NO_SLOT;
    this.#highWater[0] = top + 1;
    return top;
  }

  commit(slot: number): void {
    Atomics.store(this.words, this.word(slot), 1); // keeps its place behind the stores of the content
  }

  release(slot: number): void {
    if (slot === NO_SLOT) return;
    Atomics.store(this.words, this.word(slot), 0);
    this.#free.push(slot);
  }

  *used(): Generator<number> {
    const top = this.#top;
    for (let slot = 0; slot < top; slot++) if (this.isUsed(slot)) yield slot;
  }

  get #top(): number {
    return this.#highWater[0] ?? 0;
  }
}

/** Detects a slot that something else has written over. `words` from `from` up to and without `to`. */
export function checksum(words: Uint32Array, from: number, to: number): number {
  let sum = 0x811c9dc5;
  for (let at = from; at < to; at++) sum = Math.imul(sum ^ (words[at] ?? 0), 0x01000193);
  return sum >>> 0;
}
