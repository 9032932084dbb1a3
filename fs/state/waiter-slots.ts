// The lock requests that wait for their answer, in the order in which they came. The kernel sends them again after a
// take-over, but in any order; this says whose turn it is.
import type { Unique } from '../protocol/requests.ts';
import { waiterSection } from './layout.ts';
import { NO_SLOT, Slots } from './slots.ts';

const uniqueDouble = 1;
const turnDouble = 2;

export class WaiterSlots {
  readonly #slots: Slots;
  readonly #slotOf = new Map<Unique, number>();
  #nextTurn = 1;

  constructor(memory: ArrayBuffer) {
    this.#slots = new Slots(memory, waiterSection);
    for (const slot of this.#slots.used()) {
      const at = this.#slots.double(slot);
      this.#slotOf.set((this.#slots.doubles[at + uniqueDouble] ?? 0) as Unique, slot);
      this.#nextTurn = Math.max(this.#nextTurn, (this.#slots.doubles[at + turnDouble] ?? 0) + 1);
    }
  }

  get size(): number {
    return this.#slotOf.size;
  }

  /** Takes the next turn, unless the request has one. False when there is no room for it. */
  add(unique: Unique): boolean {
    if (this.#slotOf.has(unique)) return true;
    const slot = this.#slots.allocate();
    if (slot === NO_SLOT) return false;
    const at = this.#slots.double(slot);
    this.#slots.doubles[at + uniqueDouble] = unique;
    this.#slots.doubles[at + turnDouble] = this.#nextTurn++;
    this.#slots.commit(slot);
    this.#slotOf.set(unique, slot);
    return true;
  }

  remove(unique: Unique): void {
    const slot = this.#slotOf.get(unique);
    if (slot === undefined) return;
    this.#slotOf.delete(unique);
    this.#slots.release(slot);
  }

  /** Infinity for a request that did not wait. */
  turnOf(unique: Unique): number {
    const slot = this.#slotOf.get(unique);
    return slot === undefined
      ? Number.POSITIVE_INFINITY
      : (this.#slots.doubles[this.#slots.double(slot) + turnDouble] ?? 0);
  }

  /** After a take-over: forgets those whose program no longer asks. */
  retain(asked: ReadonlySet<Unique>): void {
    for (const unique of [...this.#slotOf.keys()]) if (!asked.has(unique)) this.remove(unique);
  }
}
