// The file that leads from the newest state to another of the same incarnation.
import { open, rm } from 'node:fs/promises';
import type { PageMap } from '../log/page-map.ts';
import type { Moment, PatchAnswer } from '../messages.ts';
import { Pieces } from '../pieces.ts';
import { differencesOf } from './differences.ts';
import { anybodysFile } from './materialise.ts';
import { readPageAt } from './pages-at.ts';
import { checkStillThere, type Found } from './past.ts';

/**
 * Writes the pages that make the newest state that of the moment, each with its number before it (4 bytes,
 * little-endian), in no particular order. Pages beyond the end of the newest state are all there.
 * @throws PastError, NodeJS.ErrnoException, and the file is not there
 */
export async function writePatch(found: Found, head: Moment, path: string): Promise<PatchAnswer> {
  const { log, moment } = found;
  const [then, now] = [await log.mapAtInSteps(moment.number), await log.mapAtInSteps(head.number)];
  const { first: pages } = await differencesOf(log, then, now);
  await writePagesOf(found, then, pages, path);
  return { moment, head, pages: pages.length };
}

/** In the form of a patch. `map`: of the moment. @throws PastError, NodeJS.ErrnoException, and the file is not there */
export async function writePagesOf(found: Found, map: PageMap, pages: readonly number[], path: string): Promise<void> {
  const { log, moment } = found;
  const file = await open(path, 'wx');
  try {
    await file.chmod(anybodysFile);
    const pieces = new Pieces();
    const entryBytes = 4 + moment.pageBytes;
    const batch = Buffer.alloc(Math.max(1, Math.floor((1 << 18) / entryBytes)) * entryBytes);
    let length = 0;
    for (const page of await log.inReadingOrder(map, pages)) {
      batch.writeUInt32LE(page, length);
      readPageAt(log, map, page, batch, length + 4);
      length += entryBytes;
      if (length === batch.length) {
        await file.write(batch, 0, length);
        length = 0;
      }
      await pieces.next();
    }
    await file.write(batch, 0, length);
    checkStillThere(found);
    await file.close();
  } catch (error) {
    await file.close();
    await rm(path, { force: true });
    throw error;
  }
}
