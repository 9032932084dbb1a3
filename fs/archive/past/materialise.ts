// Writes a whole database file as it was at a moment, each byte of it. Where its header names WAL mode (bytes 18 and 19
// are 2), SQLite opens it on a read-only file system only with immutable=1, or after both are set to 1. The file is not
// synced, and everybody may write it: who asks for it gives a path in a folder of its own.
import { constants, copyFile, type FileHandle, open, rm } from 'node:fs/promises';
import type { OpenLog } from '../log/open-log.ts';
import { inBase, isZero, type PageMap } from '../log/page-map.ts';
import type { MaterialiseAnswer } from '../messages.ts';
import { Pieces } from '../pieces.ts';
import { inReadingOrder, lockPageOf, readPageAt } from './pages-at.ts';
import { checkStillThere, type Found } from './past.ts';

const chunkBytes = 1 << 20;
/** The archive process is root; the server process, which reads and changes the file, may be another user. */
export const anybodysFile = 0o666;

/** @throws PastError, NodeJS.ErrnoException (EEXIST, ENOSPC ...), and the file is not there */
export async function materialise(found: Found, path: string): Promise<MaterialiseAnswer> {
  const { log, moment } = found;
  const map = await log.mapAtInSteps(moment.number);
  const bytes = moment.databasePages * moment.pageBytes;
  const isClone = await cloneBase(log, path);
  const file = await open(path, isClone ? 'r+' : 'wx+');
  try {
    await file.chmod(anybodysFile);
    if (!isClone) await copyBase(log, file, bytes);
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

/** A reflink where the file system has them (btrfs, xfs). */
async function cloneBase({ baseFd }: OpenLog, path: string): Promise<boolean> {
  try {
    const flags = constants.COPYFILE_FICLONE_FORCE | constants.COPYFILE_EXCL;
    await copyFile(`/proc/self/fd/${baseFd}`, path, flags);
    return true;
  } catch {
    return false;
  }
}

async function copyBase(log: OpenLog, file: FileHandle, bytes: number): Promise<void> {
  const read = log.baseReader();
  const chunk = Buffer.allocUnsafe(chunkBytes);
  for (let at = 0; at < bytes; ) {
    const length = await read(chunk.subarray(0, Math.min(chunkBytes, bytes - at)), at);
    if (length === 0) break;
    await file.write(chunk, 0, length, at);
    at += length;
  }
}

async function writePages(log: OpenLog, map: PageMap, pageBytes: number, file: FileHandle): Promise<void> {
  const lockPage = lockPageOf(pageBytes);
  const pages: number[] = [];
  for (let page = 1; page <= map.databasePages; page++) {
    if (page !== lockPage && map.placeOf(page) !== inBase) pages.push(page);
  }
  const pieces = new Pieces();
  const batch = Buffer.alloc(Math.max(1, Math.floor(chunkBytes / 4 / pageBytes)) * pageBytes);
  let [start, length] = [0, 0];
  const flush = async (): Promise<void> => {
    if (length > 0) await file.write(batch, 0, length, start);
    length = 0;
  };
  for (const page of inReadingOrder(map, pages)) {
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
