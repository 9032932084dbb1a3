// A state as two files, for whoever makes a database of it elsewhere: the base of its log, which is not copied but
// linked, and the pages in which the state differs. So a large state is written once, where it is to lie.
import { constants, fchmodSync, fstatSync, linkSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import type { OpenLog } from '../log/open-log.ts';
import type { BaseStamp, PartsAnswer } from '../messages.ts';
import { materialise, pagesOverBase } from './materialise.ts';
import type { Found } from './past.ts';
import { writePagesOf } from './patch.ts';

/** Others may read a base through the link; its own folder is closed to them. */
const readableMode = 0o644;
/** With more of the state in the patch than this, it is cheaper to write it as a whole. */
const mostInPatch = 0.5;

/**
 * Retention may write into the base while it is read by way of the link: its stamp is another one then.
 * @throws PastError, NodeJS.ErrnoException, and neither file is there
 */
export async function writeParts(found: Found, base: string, path: string): Promise<PartsAnswer> {
  const { log, moment } = found;
  const stamp = linkBase(log, base);
  if (stamp === undefined) return await whole(found, base);
  try {
    const map = await log.mapAtInSteps(moment.number);
    const pages = pagesOverBase(map, moment.pageBytes);
    if (pages.length > map.databasePages * mostInPatch) {
      await rm(base);
      return await whole(found, base);
    }
    if (pages.length > 0) await writePagesOf(found, map, pages, path);
    return { moment, pages: pages.length, stamp };
  } catch (error) {
    await rm(base, { force: true });
    throw error;
  }
}

/** undefined: no link can be made, or the base is being written. */
function linkBase({ base, baseFd }: OpenLog, path: string): BaseStamp | undefined {
  if (base === undefined || baseFd === undefined || base.isFolding) return undefined;
  try {
    fchmodSync(baseFd, readableMode);
    linkSync(base.path, path);
  } catch {
    return undefined; // another file system, or one without links
  }
  return stampOf(baseFd);
}

async function whole(found: Found, path: string): Promise<PartsAnswer> {
  const { moment } = await materialise(found, path);
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    return { moment, pages: 0, stamp: stampOf(file.fd) };
  } finally {
    await file.close();
  }
}

function stampOf(fd: number): BaseStamp {
  const { size, mtimeNs } = fstatSync(fd, { bigint: true });
  return { bytes: Number(size), modifiedNs: String(mtimeNs) };
}
