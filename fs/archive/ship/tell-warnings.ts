// What an operator should know of the place that is shipped to, told once: as soon as the place answers.
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../log.ts';
import type { ShipStore } from './store.ts';

const againMs = 60_000;

/** Resolves when it is told. That the store is away says the shipper. */
export async function tellWarnings(store: ShipStore, log: Log, pauseMs = againMs): Promise<void> {
  for (;;) {
    const messages = await store.warnings().catch(() => undefined);
    for (const message of messages ?? []) log('warn', 'ship-warning', { url: store.url, message });
    if (messages !== undefined) return;
    await delay(pauseMs);
  }
}
