// What moves databases by itself while the daemon runs: moves that wait for the last close, and too little room.
import type { EndSteps } from '../supervisor/end-steps.ts';
import type { Running } from '../supervisor/running.ts';
import { PendingMoves } from './pending.ts';
import { relieve } from './pressure.ts';
import type { Ramdisk } from './ramdisk.ts';
import { askFsToMove, tellFs } from './requests.ts';
import type { TierName } from './tier-names.ts';

const retryMs = 1_000;

/** Ends with the daemon, before the tier process does. */
export function startRelief(ramdisk: Ramdisk, running: Running, maxBytes: number, endSteps: EndSteps): PendingMoves {
  const { log } = running;
  const move = (path: string, tier: TierName) => ramdisk.move(path, tier, (asked) => askFsToMove(running, asked));
  const pending = new PendingMoves({ move, log });
  const changed = (isFull: boolean) => {
    ramdisk.isFull = isFull;
    tellFs(ramdisk, running.mounted);
  };
  const moveToDisk = (path: string) => move(path, 'disk');
  const { directory } = ramdisk;
  const pressure = relieve(
    { status: () => ramdisk.status(), moveToDisk, pending, maxBytes, log },
    { directory, changed },
  );
  let timer: NodeJS.Timeout | undefined;
  const addDue = async () => {
    try {
      for (const [path, tier] of await ramdisk.misplaced()) pending.add(path, { tier, cause: 'chosen', pids: [] });
    } catch {
      timer = setTimeout(addDue, retryMs).unref(); // a tier process that does not answer is started anew
    }
  };
  void addDue();
  pending.run();
  endSteps.add(async () => {
    clearTimeout(timer);
    pressure.end();
    pending.end();
  });
  return pending;
}
