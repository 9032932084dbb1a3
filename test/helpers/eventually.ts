// Waits for a condition instead of sleeping: polls until the check stops throwing, or fails with its last error.
import { setTimeout as sleep } from 'node:timers/promises';

export interface EventuallyOptions {
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
}

/** Resolves with the first value that `check` returns without throwing. Put assertions (`expect`) in `check`. */
export async function eventually<T>(check: () => T | Promise<T>, options: EventuallyOptions = {}): Promise<T> {
  const { timeoutMs = 15_000, intervalMs = 20 } = options;
  const endsAtMs = performance.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() >= endsAtMs) throw error;
    }
    await sleep(intervalMs);
  }
}
