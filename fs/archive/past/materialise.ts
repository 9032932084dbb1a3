// Writes a whole database file as it was at a moment, each byte of it. Where its header names WAL mode (bytes 18 and 19
// are 2), SQLite opens it on a read-only file system only with immutable=1, or after both are set to 1. The file is not
// synced, and everybody may write it: who asks for it gives a path in a folder of its own.
import { constants, copyFile, type FileHandle, open, rm } from 'node:fs/promises';
import { lockPageOf } from '../lock-page.ts';
import type { OpenLog } from '../log/open-log.ts';
import { inBase, isZero, type PageMap } from '../log/page-map.ts';
import type { MaterialiseAnswer } from '../messages.ts';
import { Pieces } from '../pieces.ts';
import { readPageAt } from './pages-at.ts';
import { checkStillThere, type Found } from './past.ts';

const batchBytes = 1 << 18;
/** The archive process is root; the server process, which reads and changes the file, may be another user. */
export const anybodysFile = 0o666;

/** @throws PastError, NodeJS.ErrnoException (EEXIST, ENOSPC ...), and the file is not there */
export async function materialise(found: Found, path: string): Promise<MaterialiseAnswer> {
  const { log, moment } = found;
  const map = await log.mapAtInSteps(moment.number);
  const bytes = moment.databasePages * moment.pageBytes;
  // Never by name again: whoever has the folder may put something else there meanwhile.
  const file = await open(path, 'wx+');
  try {
    // A reflink where the file system has them (btrfs, xfs), else the kernel copies, on another thread.
    await copyFile(`/proc/self/fd/${log.baseFd}`, `/proc/self/fd/${file.fd}`, constants.COPYFILE_FICLONE);
    await file.chmod(anybodysFile);
    await file.truncate(bytes);
    await writePages(log, map, moment.pageBytes, file);
    checkStillThere(found);
    await file.close();
  } catch (error) {
    await file.close();
    await rm(path, { force: true });
    throw error;
  }
  return { moment, bytes };
}

/** Ascending. */
export function pagesOverBase(map: PageMap, pageBytes: number): number[] {
  const lockPage = lockPageOf(pageBytes);
  const pages: number[] = [];
  for (let page = 1; page <= map.databasePages; page++) {
    if (page !== lockPage && map.placeOf(page) !== inBase) pages.push(page);
  }
  return pages;
}

async function writePages(log: OpenLog, map: PageMap, pageBytes: number, file: FileHandle): Promise<void> {
  const pages = pagesOverBase(map, pageBytes);
  const pieces = new Pieces();
  const batch = Buffer.alloc(Math.max(1, Math.floor(batchBytes / pageBytes)) * pageBytes);
  let [start, length] = [0, 0];
  const flush = async (): Promise<void> => {
    if (length > 0) await file.write(batch, 0, length, start);
    length = 0;
  };
  for (const page of await log.inReadingOrder(map, pages)) {
    const at = (page - 1) * pageBytes;
    if (length === batch.length || at !== start + length) await flush();
    if (length === 0) start = at;
    if (map.placeOf(page) === isZero) batch.fill(0, length, length + pageBytes);
    else readPageAt(log, map, page, batch, length);
    length += pageBytes;
    await pieces.next();
  }
  await flush();
}
