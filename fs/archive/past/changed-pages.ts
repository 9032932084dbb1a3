// The pages that lead from one moment of a database to a later one, as a file: a part of them at a time, always in the
// same order, so that whoever follows a database may take them piece by piece.
import { createHash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import type { OpenLog } from '../log/open-log.ts';
import type { ChangedPagesAnswer } from '../messages.ts';
import { Pieces } from '../pieces.ts';
import { changesBetween, zeroPage } from './changes-between.ts';
import { anybodysFile } from './materialise.ts';
import { checkStillThere, type Found } from './past.ts';

export interface Part {
  readonly skip: number;
  readonly most: number;
}

/**
 * `from` and `to` lie in one log, and `to` is not the earlier one. Without pages to write there is no file.
 * @throws PastError, NodeJS.ErrnoException, and the file is not there
 */
export async function writeChangedPages(
  from: Found,
  { log, moment }: Found,
  { skip, most }: Part,
  path: string,
): Promise<Omit<ChangedPagesAnswer, 'state'>> {
  const { pages } = changesBetween(log, from.moment.number, moment.number, from.moment.databasePages);
  const numbers = [...pages.keys()];
  const part = numbers.slice(skip, skip + most);
  if (part.length > 0) await writePart(log, part, pages, path);
  try {
    checkStillThere(from);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  const digest = createHash('sha1').update(Uint32Array.from(numbers)).digest('base64');
  return { from: from.moment, to: moment, pages: numbers.length, digest, written: part.length };
}

async function writePart(
  log: OpenLog,
  part: readonly number[],
  places: ReadonlyMap<number, number>,
  path: string,
): Promise<void> {
  const entryBytes = 4 + (log.pageBytes ?? 0);
  const content = Buffer.alloc(part.length * entryBytes);
  const pieces = new Pieces();
  for (const [index, page] of part.entries()) {
    const place = places.get(page) ?? zeroPage;
    content.writeUInt32LE(page, index * entryBytes);
    if (place !== zeroPage) log.readLogged(place, content, index * entryBytes + 4);
    await pieces.next();
  }
  const file = await open(path, 'wx');
  try {
    await file.chmod(anybodysFile);
    await file.writeFile(content);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}
