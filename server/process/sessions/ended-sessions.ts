// Sessions that have ended, and why: whoever comes back to one is told, for a while.
import { limits } from '../../messages/limits.ts';
import type { Ended } from './session.ts';

export class EndedSessions {
  /** The oldest first. */
  readonly #ended = new Map<number, Ended & { readonly untilMs: number }>();

  remember(id: number, ended: Ended): void {
    this.#ended.set(id, { ...ended, untilMs: performance.now() + limits.sessionRememberedMs });
  }

  of(id: number): Ended | undefined {
    return this.#ended.get(id);
  }

  forgetOld(): void {
    const nowMs = performance.now();
    for (const [id, { untilMs }] of this.#ended) {
      if (untilMs > nowMs) break;
      this.#ended.delete(id);
    }
  }
}
