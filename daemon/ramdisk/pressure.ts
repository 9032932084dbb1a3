// Makes room on the tmpfs when it is nearly full or memory is short. Those databases go to the disk first that were not
// written for the longest time; one that programs have open goes when they have closed it. What was chosen for them
// stays: the next start loads them again. New databases begin on the disk meanwhile.
import { statfsSync } from 'node:fs';
import type { TierStatus } from '../../fs/index.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { MemoryWatch } from './memory.ts';
import { BusyDatabase, type PendingMoves } from './pending.ts';

export interface PressureParts {
  readonly status: () => Promise<TierStatus | undefined>;
  /** Rejects where it cannot be moved now. */
  readonly moveToDisk: (path: string) => Promise<unknown>;
  readonly pending: Pick<PendingMoves, 'add' | 'forgetFull'>;
  /** Of all databases together; 0: what the tmpfs has room for. */
  readonly maxBytes: number;
  readonly log: Pick<Log, 'warn' | 'error'>;
}

export interface PressureWatch {
  readonly directory: string;
  /** Whether there is room for new databases, whenever that changes. */
  readonly changed: (isFull: boolean) => void;
}

const lookMs = 250;
/** Memory, and what is told while nothing changes. */
const slowLookMs = 2_000;
const fullShare = 0.9;

/** Looks now and then until it is ended. */
export function relieve(parts: PressureParts, { directory, changed }: PressureWatch): { end(): void } {
  const memory = new MemoryWatch();
  let [isLooking, wasFull, slowLookAtMs] = [false, false, 0];
  const look = async () => {
    const isSlowLook = performance.now() >= slowLookAtMs;
    if (isSlowLook) slowLookAtMs = performance.now() + slowLookMs;
    const isNearlyFull = isTmpfsFull(directory);
    if (!isSlowLook && !(isNearlyFull && !wasFull)) return;
    const isFull = await relieveOnce(parts, { isMemoryShort: memory.isShort(), isTold: wasFull });
    if (isFull !== wasFull) changed(isFull);
    wasFull = isFull;
  };
  const timer = setInterval(async () => {
    if (isLooking) return;
    isLooking = true;
    await look().catch(() => {}); // the next look tells
    isLooking = false;
  }, lookMs);
  timer.unref();
  return { end: () => clearInterval(timer) };
}

export interface Look {
  /** One database goes, however much room there is. */
  readonly isMemoryShort?: boolean;
  /** The operator knows that nothing more can be done. */
  readonly isTold?: boolean;
}

/** Returns whether there is too little room now. */
export async function relieveOnce(
  { status, moveToDisk, pending, maxBytes, log }: PressureParts,
  { isMemoryShort = false, isTold = false }: Look = {},
): Promise<boolean> {
  let found = await status();
  if (found === undefined) return isTold; // as before: nothing else is known
  const cause = overOf(found, maxBytes) > 0 ? 'the tmpfs is nearly full' : 'memory is short';
  let leftBytes = overOf(found, maxBytes);
  if (leftBytes <= 0 && !isMemoryShort) {
    pending.forgetFull();
    return false;
  }
  const reasons: string[] = [];
  for (const { path, sizeBytes } of found.databases.toSorted((one, other) => one.modifiedMs - other.modifiedMs)) {
    const refusal = await moveToDisk(path).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (refusal !== undefined) {
      reasons.push(messageOf(refusal));
      if (!(refusal instanceof BusyDatabase)) continue;
      pending.add(path, { tier: 'disk', cause: 'full', pids: refusal.pids });
      leftBytes -= sizeBytes; // it goes as soon as it can: no more than needed has to
    } else {
      log.warn('ramdisk-full', { database: path, sizeBytes, cause, effect: 'it works on the disk from now on' });
      found = (await status()) ?? found;
      if (overOf(found, maxBytes) <= 0) return false;
      leftBytes -= sizeBytes;
    }
    if (leftBytes <= 0) break;
  }
  if (overOf(found, maxBytes) <= 0) return false;
  const effect = 'writes may fail with ENOSPC (SQLITE_FULL); those databases go to the disk when they can';
  if (!isTold) log.error('ramdisk-full', { usedBytes: found.usedBytes, reasons: reasons.join('; '), effect });
  return true;
}

/** By how much there is too little room; 0 or less: there is enough. */
function overOf({ usedBytes, sizeBytes, ownBytes }: TierStatus, maxBytes: number): number {
  const over = usedBytes - fullShare * sizeBytes;
  return maxBytes > 0 ? Math.max(over, ownBytes - maxBytes) : over;
}

function isTmpfsFull(directory: string): boolean {
  const { blocks, bavail } = statfsSync(directory);
  return blocks - bavail > fullShare * blocks;
}
