// The granted locks as they are written to the surviving memory: one slot for each owner on each file, with the owner's
// ranges in two copies of which one counts, so that a process killed while it wrote the other has changed nothing.

import type { HeldRange } from '../locks/ranges.ts';
import type { LockStore, OwnerLocks } from '../locks/table.ts';
import { lockSection } from './layout.ts';
import { checksum, NO_SLOT, Slots } from './slots.ts';

/** Words of a slot. */
const field = { copy: 1, checksum: 2, isFlock: 3 } as const;
/** Doubles of a slot. The owner, 64 bits, is kept as two halves: a double would lose some of them. */
const double = { file: 2, ownerUpper: 3, ownerLower: 4, copies: 8 } as const;
/** Doubles of a copy, and of a range in it. */
const copy = { count: 0, handle: 1, ranges: 2, size: 56 } as const;
const range = { start: 0, end: 1, isWrite: 2, pid: 3, tid: 4, since: 5, size: 6 } as const;
/** SQLite holds five at most; an owner with more gets more slots. */
const rangesPerSlot = Math.floor((copy.size - copy.ranges) / range.size);
/**
 * Of one owner on one file. Each of its requests costs as much time as it has ranges, and all others wait meanwhile.
 */
const mostRanges = 4096;

/** A getter that costs: read once. */
const timeOriginMs = performance.timeOrigin;

export interface StoredLocks extends OwnerLocks {
  /** The node's id. */
  readonly file: number;
  readonly isFlock: boolean;
}

export class LockSlots {
  readonly #slots: Slots;

  constructor(memory: ArrayBuffer) {
    this.#slots = new Slots(memory, lockSection);
  }

  /** Where the locks of one file are stored. */
  storeOf(file: number, isFlock: boolean): LockStore {
    return {
      hasRoomFor: (held, ranges) => this.#hasRoomFor(held, ranges),
      save: (held) => this.#save(file, isFlock, held),
      remove: ({ slots }) => {
        for (const slot of slots) this.#slots.release(slot);
      },
    };
  }

  /** Every owner on every file; several slots of one owner are put together. */
  *stored(damaged: (slot: number) => void): Generator<StoredLocks> {
    const parts = new Map<string, StoredLocks>();
    for (const slot of this.#slots.used()) {
      const part = this.#read(slot);
      if (part === undefined) {
        damaged(slot);
        this.#slots.release(slot);
        continue;
      }
      const key = `${part.file} ${part.isFlock} ${part.owner}`;
      const known = parts.get(key);
      if (known === undefined) parts.set(key, part);
      else {
        known.slots.push(slot);
        known.ranges = [...known.ranges, ...part.ranges].sort((a, b) => a.start - b.start);
      }
    }
    yield* parts.values();
  }

  #hasRoomFor(held: OwnerLocks | undefined, ranges: number): boolean {
    const more = Math.ceil(ranges / rangesPerSlot) - (held?.slots.length ?? 0);
    return ranges <= mostRanges && (more <= 0 || more <= this.#slots.room);
  }

  #save(file: number, isFlock: boolean, held: OwnerLocks): void {
    const needed = Math.max(1, Math.ceil(held.ranges.length / rangesPerSlot));
    for (let part = 0; part < needed; part++) {
      const known = held.slots[part];
      const slot = known ?? this.#begin(file, isFlock, held.owner);
      if (slot === NO_SLOT) return;
      this.#write(slot, held, part * rangesPerSlot);
      if (known !== undefined) continue;
      this.#slots.commit(slot);
      held.slots.push(slot);
    }
    if (held.slots.length === needed) return;
    for (const slot of held.slots.splice(needed)) this.#slots.release(slot);
  }

  #begin(file: number, isFlock: boolean, owner: bigint): number {
    const slot = this.#slots.allocate();
    if (slot === NO_SLOT) return slot;
    const { words, doubles } = this.#slots;
    const at = this.#slots.double(slot);
    doubles[at + double.file] = file;
    doubles[at + double.ownerUpper] = Number(owner >> 32n);
    doubles[at + double.ownerLower] = Number(owner & 0xffffffffn);
    const word = this.#slots.word(slot);
    words[word + field.isFlock] = Number(isFlock);
    words[word + field.checksum] = this.#checksum(slot);
    return slot;
  }

  #write(slot: number, held: OwnerLocks, first: number): void {
    const { words, doubles } = this.#slots;
    const word = this.#slots.word(slot) + field.copy;
    const other = words[word] === 0 ? 1 : 0;
    const at = this.#slots.double(slot) + double.copies + other * copy.size;
    const count = Math.min(held.ranges.length - first, rangesPerSlot);
    doubles[at + copy.count] = count;
    doubles[at + copy.handle] = held.handle;
    for (let index = 0; index < count; index++) {
      const item = held.ranges[first + index];
      if (item === undefined) break;
      const to = at + copy.ranges + index * range.size;
      doubles[to + range.start] = item.start;
      doubles[to + range.end] = item.end;
      doubles[to + range.isWrite] = Number(item.type === 'write');
      doubles[to + range.pid] = item.pid;
      doubles[to + range.tid] = item.tid;
      doubles[to + range.since] = item.sinceMs + timeOriginMs; // the next process counts from another moment
    }
    Atomics.store(words, word, other);
  }

  #read(slot: number): StoredLocks | undefined {
    const { words, doubles } = this.#slots;
    const word = this.#slots.word(slot);
    if (words[word + field.checksum] !== this.#checksum(slot)) return undefined;
    const start = this.#slots.double(slot);
    const at = start + double.copies + (words[word + field.copy] ?? 0) * copy.size;
    const value = (index: number) => doubles[index] ?? 0;
    const ranges: HeldRange[] = [];
    for (let index = 0; index < Math.min(value(at + copy.count), rangesPerSlot); index++) {
      const from = at + copy.ranges + index * range.size;
      ranges.push({
        start: value(from + range.start),
        end: value(from + range.end),
        type: value(from + range.isWrite) === 1 ? 'write' : 'read',
        pid: value(from + range.pid),
        tid: value(from + range.tid),
        sinceMs: value(from + range.since) - timeOriginMs,
      });
    }
    return {
      file: value(start + double.file),
      isFlock: words[word + field.isFlock] === 1,
      owner: (BigInt(value(start + double.ownerUpper)) << 32n) | BigInt(value(start + double.ownerLower)),
      handle: value(at + copy.handle),
      ranges,
      slots: [slot],
    };
  }

  #checksum(slot: number): number {
    const { words } = this.#slots;
    const word = this.#slots.word(slot);
    const first = word + double.file * 2;
    return (checksum(words, first, first + 6) ^ (words[word + field.isFlock] ?? 0)) >>> 0;
  }
}
