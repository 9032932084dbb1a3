// After a take-over the kernel asks again, in any order, for everything that was not answered. Lock requests among it
// are collected until all are there, so that those who waited keep their turns.
import type { Request } from '../protocol/requests.ts';
import type { WaiterSlots } from '../state/waiter-slots.ts';

export class Repeats {
  readonly #waiters: WaiterSlots;
  readonly #locks: Request[] = [];
  readonly #interrupts: Request[] = [];

  constructor(waiters: WaiterSlots) {
    this.#waiters = waiters;
  }

  /** True if the request is kept for inOrder(). */
  hold(request: Request): boolean {
    if (request.op === 'INTERRUPT') this.#interrupts.push(request);
    else if (request.isResent && (request.op === 'SETLK' || request.op === 'SETLKW')) this.#locks.push(request);
    else return false;
    return true;
  }

  /** Those who waited first, in their order; then the others; then whoever no longer wants to wait. */
  inOrder(): readonly Request[] {
    this.#waiters.retain(new Set(this.#locks.map(({ unique }) => unique)));
    const turnOf = ({ unique }: Request) => this.#waiters.turnOf(unique);
    // Stable, and Infinity - Infinity is no number: those without a turn are kept apart.
    const waited = this.#locks.filter((request) => turnOf(request) < Number.POSITIVE_INFINITY);
    const others = this.#locks.filter((request) => turnOf(request) === Number.POSITIVE_INFINITY);
    return [...waited.sort((a, b) => turnOf(a) - turnOf(b)), ...others, ...this.#interrupts];
  }
}

/** Requests that nobody answers are never asked again, and may come between those that are. */
export function isForgetting({ op }: Request): boolean {
  return op === 'FORGET' || op === 'BATCH_FORGET';
}
