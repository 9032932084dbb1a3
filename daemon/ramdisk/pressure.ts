// Makes room on the tmpfs: when it is nearly full, databases that nobody has open go to the disk, those first that were
// not written for the longest time. What was chosen for them stays: the next start loads them again.
import type { TierStatus } from '../../fs/index.ts';
import type { Log } from '../log.ts';

export interface PressureParts {
  readonly status: () => Promise<TierStatus | undefined>;
  /** Rejects where it cannot be moved now. */
  readonly moveToDisk: (path: string) => Promise<unknown>;
  /** Of all files together; 0: what the tmpfs has room for. */
  readonly maxBytes: number;
  readonly log: Log;
}

const lookMs = 2_000;
const fullShare = 0.9;

/** Looks now and then until it is ended. */
export function relieve(parts: PressureParts): { end(): void } {
  let isLooking = false;
  const timer = setInterval(async () => {
    if (isLooking) return;
    isLooking = true;
    await relieveOnce(parts).catch(() => {}); // the next look tells
    isLooking = false;
  }, lookMs);
  timer.unref();
  return { end: () => clearInterval(timer) };
}

export async function relieveOnce({ status, moveToDisk, maxBytes, log }: PressureParts): Promise<void> {
  const found = await status();
  if (found === undefined || !isFull(found, maxBytes)) return;
  for (const { path, sizeBytes } of found.databases.toSorted((one, other) => one.modifiedMs - other.modifiedMs)) {
    const isMoved = await moveToDisk(path).then(
      () => true,
      () => false, // somebody has it open
    );
    if (!isMoved) continue;
    log.warn('ramdisk-full', { database: path, sizeBytes, effect: 'it works on the disk from now on' });
    const now = await status();
    if (now === undefined || !isFull(now, maxBytes)) return;
  }
  log.warn('ramdisk-full', { usedBytes: found.usedBytes, effect: 'programs have all databases open; writes may fail' });
}

function isFull({ usedBytes, sizeBytes }: TierStatus, maxBytes: number): boolean {
  return usedBytes > Math.min(fullShare * sizeBytes, maxBytes > 0 ? maxBytes : Number.POSITIVE_INFINITY);
}
