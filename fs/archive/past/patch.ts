// Which pages differ between two moments of one incarnation, and the file that leads from the newest state to another.
import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { lockPageOf } from '../lock-page.ts';
import type { OpenLog } from '../log/open-log.ts';
import type { PageMap } from '../log/page-map.ts';
import type { Moment, PatchAnswer } from '../messages.ts';
import { Pieces } from '../pieces.ts';
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
  const pages = await differingPages(log, then, now);
  const file = await open(path, 'wx');
  try {
    await file.chmod(anybodysFile);
    const pieces = new Pieces();
    const entryBytes = 4 + moment.pageBytes;
    const batch = Buffer.alloc(Math.max(1, Math.floor((1 << 18) / entryBytes)) * entryBytes);
    let length = 0;
    for (const page of await log.inReadingOrder(then, pages)) {
      batch.writeUInt32LE(page, length);
      readPageAt(log, then, page, batch, length + 4);
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
  return { moment, head, pages: pages.length };
}

/** Looked at in one go. */
const stepPages = 4096;

/** Pages of the first state that the second does not have, or has with another content; ascending. */
export async function differingPages(log: OpenLog, first: PageMap, second: PageMap): Promise<number[]> {
  const lockPage = lockPageOf(log.pageBytes ?? 0);
  const differing: number[] = [];
  const candidates: number[] = [];
  const pieces = new Pieces();
  for (let page = 1; page <= first.databasePages; page++) {
    if (page % stepPages === 0) await pieces.next();
    if (page === lockPage) continue;
    if (page > second.databasePages) differing.push(page);
    else if (first.placeOf(page) !== second.placeOf(page)) candidates.push(page);
  }
  const [sums, others] = [await sumsOf(log, first, candidates), await sumsOf(log, second, candidates)];
  for (const page of candidates) if (sums.get(page) !== others.get(page)) differing.push(page);
  return differing.sort((a, b) => a - b);
}

async function sumsOf(log: OpenLog, map: PageMap, pages: readonly number[]): Promise<ReadonlyMap<number, string>> {
  const pieces = new Pieces();
  const content = Buffer.alloc(log.pageBytes ?? 0);
  const sums = new Map<number, string>();
  for (const page of await log.inReadingOrder(map, pages)) {
    readPageAt(log, map, page, content);
    sums.set(page, createHash('sha1').update(content).digest('base64'));
    await pieces.next();
  }
  return sums;
}
