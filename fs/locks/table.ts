// The locks granted on one file, by owner. It answers who conflicts, and stores; it decides nothing and never waits.
import type { LockType } from '../sqlite/lock-bytes.ts';
import { type HeldRange, mergeNeighbours, withoutRange, withRange } from './ranges.ts';
import { Tally } from './tally.ts';

/** The kernel's id of a process's file table (POSIX locks) or of an open file (flock and OFD locks). */
export type LockOwner = bigint;

export interface OwnerLocks {
  readonly owner: LockOwner;
  /** The file handle of the last request: locks that live with an open file end when the handle is released. */
  handle: number;
  ranges: readonly HeldRange[];
  /** Where the store keeps this. */
  readonly slots: number[];
}

/** Keeps the locks of one file for a successor process. */
export interface LockStore {
  /** Whether what an owner holds (undefined: nothing yet) could be saved with so many ranges. */
  hasRoomFor(held: OwnerLocks | undefined, ranges: number): boolean;
  save(held: OwnerLocks): void;
  remove(held: OwnerLocks): void;
}

export class LockTable {
  readonly owners = new Map<LockOwner, OwnerLocks>();
  readonly #store: LockStore;
  readonly #tally = new Tally();

  constructor(store: LockStore) {
    this.#store = store;
  }

  get isEmpty(): boolean {
    return this.owners.size === 0;
  }

  /** The first lock of somebody else that forbids `type` on `start`..`end`. */
  conflict(owner: LockOwner, start: number, end: number, type: LockType): HeldRange | undefined {
    // Mostly nobody is in the way, of however many.
    const own = this.owners.get(owner)?.ranges ?? [];
    if (!this.#tally.hasOther(own, start, end, type)) return undefined;
    for (const held of this.owners.values()) {
      if (held.owner === owner) continue;
      for (const range of held.ranges) {
        if (range.start <= end && range.end >= start && (type === 'write' || range.type === 'write')) return range;
      }
    }
    return undefined;
  }

  /** Whether `owner` has a write lock somewhere in `start`..`end`. */
  isWriter(owner: LockOwner, start: number, end: number): boolean {
    for (const range of this.owners.get(owner)?.ranges ?? []) {
      if (range.type === 'write' && range.start <= end && range.end >= start) return true;
    }
    return false;
  }

  /** Every owner whose locks forbid `type` on `start`..`end`. */
  conflictingOwners(owner: LockOwner, start: number, end: number, type: LockType): LockOwner[] {
    const found: LockOwner[] = [];
    for (const held of this.owners.values()) {
      if (held.owner === owner) continue;
      const forbids = held.ranges.some(
        (range) => range.start <= end && range.end >= start && (type === 'write' || range.type === 'write'),
      );
      if (forbids) found.push(held.owner);
    }
    return found;
  }

  /** Whether one more lock or unlock of `owner` can be stored: either leaves two more ranges at most. */
  hasRoomFor(owner: LockOwner): boolean {
    const held = this.owners.get(owner);
    return this.#store.hasRoomFor(held, (held?.ranges.length ?? 0) + 2);
  }

  /** Whether to free `start`..`end` of `owner` would leave a range on either side of it. */
  isInside(owner: LockOwner, start: number, end: number): boolean {
    return this.owners.get(owner)?.ranges.some((range) => range.start < start && range.end > end) === true;
  }

  set(owner: LockOwner, handle: number, range: HeldRange, mergeAdjacent: boolean): void {
    const held = this.owners.get(owner) ?? { owner, handle, ranges: [], slots: [] };
    this.owners.set(owner, held);
    held.handle = handle;
    const ranges = withRange(held.ranges, range);
    this.#replace(held, mergeAdjacent ? mergeNeighbours(ranges) : ranges);
    this.#store.save(held);
  }

  /** For what is stored already. */
  insert(held: OwnerLocks): void {
    this.owners.set(held.owner, held);
    this.#tally.replace([], held.ranges);
  }

  /** Frees `start`..`end` of `owner`; false when it held nothing there. */
  clear(owner: LockOwner, start: number, end: number): boolean {
    const held = this.owners.get(owner);
    if (!held?.ranges.some((range) => range.start <= end && range.end >= start)) return false;
    this.#replace(held, withoutRange(held.ranges, start, end));
    if (held.ranges.length === 0) {
      this.owners.delete(owner);
      this.#store.remove(held);
    } else this.#store.save(held);
    return true;
  }

  /** The parts of `start`..`end` that nobody holds: what the mirror may let go of. */
  freeParts(start: number, end: number): { readonly start: number; readonly end: number }[] {
    const taken = this.#tally.within(start, end);
    if (taken.length === 0) return [{ start, end }];
    taken.sort((a, b) => a.start - b.start);
    const free: { start: number; end: number }[] = [];
    let next = start;
    for (const range of taken) {
      if (range.start > next) free.push({ start: next, end: range.start - 1 });
      next = Math.max(next, range.end + 1);
    }
    if (next <= end) free.push({ start: next, end });
    return free;
  }

  #replace(held: OwnerLocks, ranges: readonly HeldRange[]): void {
    this.#tally.replace(held.ranges, ranges);
    held.ranges = ranges;
  }
}
