// The base of a log: a copy of the whole database, to which the commits up to its number belong. Its name says which
// number that is. When old commits are dropped, their pages are written into it:
//   1. the checksums of the new base are written,
//   2. the base gets its new name: from then on the dropped moments cannot be had,
//   3. the pages are written into it,
//   4. the segments are removed, the oldest first, and one that goes on behind the number loses its beginning.
// A crash between 2 and 4 leaves commits below the base's number: then 3 and 4 are done again.
import { close, fsync, ftruncate, open, read, write } from 'node:fs';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import { Pieces } from '../pieces.ts';
import { readIfThere, removeIfThere, renameDurably, replaceFile, syncFolderLater } from './disk.ts';
import { type BaseFile, basePath, foldingBasePath, type LogFiles, listLog, sumsPath } from './log-files.ts';
import { OpenLog } from './open-log.ts';
import { inBase, isZero, type PageMap } from './page-map.ts';
import { removeRaw } from './raw-recovery.ts';
import { bytesOfNumbers, numbersOfBytes } from './segment.ts';
import { expectIntact } from './segment-check.ts';
import { cut } from './thin.ts';

const openFile = promisify(open);
const closeFile = promisify(close);
const syncFile = promisify(fsync);
const cutFile = promisify(ftruncate);
const readFile = promisify(read);
const writeFile = promisify(write);
const chunkBytes = 1 << 20;

/** Brings a new base to the disk, and writes down its checksums. Nothing to do where that was done. */
export async function settleBase(folder: string): Promise<void> {
  const { base } = listLog(folder);
  if (base?.bootId === undefined) return;
  const pageBytes = pageBytesOf(folder);
  if (pageBytes === undefined) return;
  const fd = await openFile(base.path, 'r+');
  try {
    await syncFile(fd);
    const sums = await sumsOfPages(fd, pageBytes);
    replaceFile(sumsPath(folder, base.validFrom), bytesOfNumbers(Uint32Array.from(sums)));
  } finally {
    await closeFile(fd);
  }
  renameDurably(base.path, basePath(folder, base.validFrom));
}

function pageBytesOf(folder: string): number | undefined {
  const log = OpenLog.open(folder);
  log.close();
  return log.pageBytes;
}

/** A page that the end of the file cuts off counts as filled up with zeros. */
async function sumsOfPages(fd: number, pageBytes: number): Promise<number[]> {
  const sums: number[] = [];
  const chunk = Buffer.alloc(Math.max(chunkBytes, pageBytes));
  const pieces = new Pieces();
  for (let at = 0; ; at += chunk.length) {
    const length = await readWhole(fd, chunk, at);
    for (let page = 0; page < length; page += pageBytes) sums.push(crc32(chunk.subarray(page, page + pageBytes)));
    if (length < chunk.length) return sums;
    await pieces.next();
  }
}

/** The rest of the buffer is zero where the file ends. */
async function readWhole(fd: number, target: Buffer, position: number): Promise<number> {
  let done = 0;
  while (done < target.length) {
    const { bytesRead } = await readFile(fd, target, done, target.length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  target.fill(0, done);
  return done;
}

/** Pages of the base that are not what its checksums say; undefined: there are no checksums. */
export async function damagedBasePages(log: OpenLog): Promise<number[] | undefined> {
  const { base, pageBytes, baseFd } = log;
  const bytes = base === undefined ? undefined : readIfThere(sumsPath(log.folder, base.validFrom));
  if (bytes === undefined || bytes.length % 4 !== 0 || pageBytes === undefined || baseFd === undefined)
    return undefined;
  const [wanted, found] = [numbersOfBytes(bytes), await sumsOfPages(baseFd, pageBytes)];
  const pages: number[] = [];
  for (let index = 0; index < Math.max(wanted.length, found.length); index++) {
    if (wanted[index] !== found[index]) pages.push(index + 1);
  }
  return pages;
}

/**
 * Drops the commits up to this number, which is in a compressed segment or the last of a raw one, and not the last of
 * the log. Its state is then the base.
 * @returns false: there is no base, or it is not on the disk yet
 * @throws LogDamage: they are not what was written; nothing is dropped
 */
export async function foldUpTo(folder: string, number: number): Promise<boolean> {
  const { base, sums } = listLog(folder);
  if (base === undefined || base.bootId !== undefined || base.validFrom > number) return false;
  const log = OpenLog.open(folder);
  try {
    const before = readIfThere(sums.get(base.validFrom) ?? '');
    if (before === undefined) return false;
    await expectIntact(
      log,
      log.segments.filter(({ first }) => first <= number),
    );
    const map = await log.mapAtInSteps(number);
    const after = await foldedSums(log, map, numbersOfBytes(before));
    replaceFile(sumsPath(folder, number), bytesOfNumbers(after));
    renameDurably(base.path, foldingBasePath(folder, number));
  } finally {
    log.close();
  }
  await finishFold(folder);
  return true;
}

async function foldedSums(log: OpenLog, map: PageMap, before: Uint32Array): Promise<Uint32Array> {
  const zero = crc32(Buffer.alloc(log.pageBytes ?? 0));
  const after = new Uint32Array(map.databasePages).fill(zero);
  after.set(before.subarray(0, map.databasePages));
  await eachLogged(log, map, async (page, content) => {
    after[page - 1] = crc32(content);
  });
  return after;
}

/** Every page that is not as in the base, with its content. */
async function eachLogged(
  log: OpenLog,
  map: PageMap,
  take: (page: number, content: Buffer) => Promise<void>,
): Promise<void> {
  const pieces = new Pieces();
  const pages: number[] = [];
  for (let page = 1; page <= map.databasePages; page++) if (map.placeOf(page) !== inBase) pages.push(page);
  const content = Buffer.alloc(log.pageBytes ?? 0);
  for (const page of await log.inReadingOrder(map, pages)) {
    if (map.placeOf(page) === isZero) content.fill(0);
    else log.readLogged(map.placeOf(page), content, 0);
    await take(page, content);
    await pieces.next();
  }
}

/** Commits up to the base's number go into it, and are removed, if that was begun. */
export async function finishFold(folder: string): Promise<void> {
  const files = listLog(folder);
  const { base } = files;
  if (base === undefined || base.bootId !== undefined) return;
  if (base.isFolding) await fold(folder, files, base);
  for (const [number, path] of files.sums) if (number !== base.validFrom) removeIfThere(path);
}

async function fold(folder: string, files: LogFiles, base: BaseFile): Promise<void> {
  const begun = files.closed.filter(({ first }) => first <= base.validFrom);
  const raw = files.raw.filter((_, index) => (files.raw[index + 1] ?? Number.POSITIVE_INFINITY) <= base.validFrom + 1);
  if (begun.length + raw.length > 0 && isNewestKept(files, base.validFrom)) {
    await writeIntoBase(folder, base.validFrom);
    for (const { path, last } of begun) {
      if (last <= base.validFrom) removeIfThere(path);
      else await cutSegment(folder, path, base.validFrom);
      await syncFolderLater(folder);
    }
    for (const first of raw) removeRaw(folder, first);
    if (raw.length > 0) await syncFolderLater(folder);
  }
  renameDurably(base.path, basePath(folder, base.validFrom));
}

async function cutSegment(folder: string, path: string, number: number): Promise<void> {
  const log = OpenLog.open(folder);
  try {
    await cut(
      log,
      log.segments.findIndex((segment) => segment.path === path),
      number,
    );
  } finally {
    log.close();
  }
}

/** The last commit stays: it says where the log goes on. */
function isNewestKept({ closed, raw }: LogFiles, number: number): boolean {
  return raw.length > 0 || (closed.at(-1)?.last ?? 0) > number;
}

async function writeIntoBase(folder: string, number: number): Promise<void> {
  const log = OpenLog.open(folder);
  try {
    const map = await log.mapAtInSteps(number);
    const pageBytes = log.pageBytes ?? 0;
    const fd = await openFile(log.base?.path ?? '', 'r+');
    try {
      await eachLogged(log, map, async (page, content) => {
        await writeFile(fd, content, 0, pageBytes, (page - 1) * pageBytes);
      });
      await cutFile(fd, map.databasePages * pageBytes);
      await syncFile(fd);
    } finally {
      await closeFile(fd);
    }
  } finally {
    log.close();
  }
}
