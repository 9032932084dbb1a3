// Room on the tmpfs for the copier's notes while programs have filled it: without them nothing could be copied, and no
// database could go to the disk.
import { rmSync, statfsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const reserveBytes = 256 << 10;
const partBytes = 16 << 10;
/** What is left to programs when the reserve is made anew. */
const leastFreeBytes = 1 << 20;

/** Programs have filled the tmpfs, the reserve included. */
export class FullTmpfs extends Error {
  constructor() {
    super('the tmpfs has no space, not even for what the copier notes there');
  }
}

/** Does nothing while there is a whole one, or too little room. */
export function keepReserve(root: string): void {
  const path = join(root, 'reserve');
  if (statSync(path, { throwIfNoEntry: false })?.size === reserveBytes) return;
  const { bavail, bsize } = statfsSync(root);
  if (bavail * bsize < leastFreeBytes) return;
  try {
    writeFileSync(path, Buffer.alloc(reserveBytes));
  } catch {
    rmSync(path, { force: true }); // programs were quicker
  }
}

/**
 * What `act` returns; it is done again with ever more of the reserve's room while there is no other. @throws FullTmpfs
 */
export function withReserve<Value>(root: string, act: () => Value): Value {
  for (;;) {
    try {
      return act();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      if (!giveUpPart(join(root, 'reserve'))) throw new FullTmpfs();
    }
  }
}

/** Programs may be quicker to fill it: of the rest they get nothing. False where nothing is left. */
function giveUpPart(path: string): boolean {
  const { size } = statSync(path, { throwIfNoEntry: false }) ?? { size: 0 };
  if (size > partBytes) truncateSync(path, size - partBytes);
  else rmSync(path, { force: true });
  return size > 0;
}
