// Whether nothing was committed between the last frame that was read and the first one of another write-ahead log. Each
// function is one proof; where none holds, the database has to be compared.
import { closeSync, readSync } from 'node:fs';
import type { WalIndex } from '../../sqlite/wal-index.ts';
import type { CommitLog, WalPosition } from '../commit.ts';
import { CommitTooLarge, commitsOf, holdsPosition } from '../wal/wal-file.ts';
import { frameByte, frameHeaderBytes, type WalHeader } from '../wal/wal-frames.ts';
import { openMainFile, parseMainHeader, readMainPage } from './main-file.ts';

const changeCounterByte = 24;
const mostLeftover = 100_000;
const mostLeftoverBytes = 64 << 20;

export interface ArchivedFile {
  readonly path: string;
  readonly inode: string;
  readonly log: CommitLog;
}

/**
 * The index counts commits over all logs that it has told of. `change`: what it counted at the last frame that was
 * read.
 */
export function isNextByCount(wal: number, header: WalHeader, index: WalIndex, change: number): boolean {
  return index.change === (change + countCommits(wal, header, index.lastFrame)) >>> 0;
}

/**
 * A log that was begun anew still holds the end of the one before it, until new frames reach there. `change` is what
 * the index counted at `position`; what it counts now says how many commits came behind it. If the old frames hold just
 * as many, these are the ones: a commit that never counted would be one too many.
 * @returns the last frame of the last one; undefined: there is none, or nobody knows
 */
export function leftoverEnd(
  wal: number,
  header: WalHeader,
  position: WalPosition,
  index: WalIndex,
  change: number,
): number | undefined {
  const old = { ...header, salt1: position.salt1, salt2: position.salt2 };
  const missing = (index.change - change - countCommits(wal, header, index.lastFrame)) >>> 0;
  if (missing === 0 || missing > mostLeftover || !holdsPosition(wal, old, position)) return undefined;
  let found = 0;
  let end = 0;
  try {
    for (const commit of commitsOf(wal, old, position, Number.MAX_SAFE_INTEGER, mostLeftoverBytes)) {
      found += 1;
      end = commit.position.frames;
    }
  } catch (error) {
    if (error instanceof CommitTooLarge) return undefined;
    throw error;
  }
  return found === missing ? end : undefined;
}

function countCommits(wal: number, { pageBytes }: WalHeader, lastFrame: number): number {
  const head = Buffer.alloc(frameHeaderBytes);
  let commits = 0;
  for (let frame = 1; frame <= lastFrame; frame++) {
    readSync(wal, head, 0, head.length, frameByte(frame, pageBytes));
    if (head.readUInt32BE(4) !== 0) commits += 1;
  }
  return commits;
}

/**
 * A program in rollback mode raises the change counter of page 1 with each commit, and with each switch of the mode. In
 * a write-ahead log whoever writes this page sets the counter to one more than what the page had when that program read
 * it from a file: to the archived counter, if it wrote that itself, or to one more. If nobody has written the page, it
 * is the archived one in the main file.
 */
export function isNextByPageOne(database: ArchivedFile, wal: number, header: WalHeader, lastFrame: number): boolean {
  const archived = database.log.page(1);
  const counter = archived === undefined ? undefined : parseMainHeader(archived)?.changeCounter;
  if (archived === undefined || counter === undefined) return false;
  const isNext = (written: number) => written === counter || written === (counter + 1) >>> 0;
  const written = firstPageOneCounter(wal, header, 1, lastFrame);
  if (written !== undefined) return isNext(written);
  if (isMainPageOne(database)) return true;
  // A later commit of this log may have written it, and a checkpoint has brought that into the main file.
  const later = firstPageOneCounter(wal, header, lastFrame + 1, Number.POSITIVE_INFINITY);
  return later !== undefined && isNext(later);
}

/** Whether page 1 in the main file is the archived one. */
export function isMainPageOne({ path, inode, log }: ArchivedFile): boolean {
  const archived = log.page(1);
  const main = archived === undefined ? undefined : openMainFile(path, inode);
  if (archived === undefined || main === undefined) return false;
  try {
    return readMainPage(main, 1, archived.length).equals(archived);
  } finally {
    closeSync(main);
  }
}

/** Between two frames, or up to the first one that is not of this log. */
function firstPageOneCounter(wal: number, header: WalHeader, from: number, to: number): number | undefined {
  const head = Buffer.alloc(frameHeaderBytes + changeCounterByte + 4);
  for (let frame = from; frame <= to; frame++) {
    const bytes = readSync(wal, head, 0, head.length, frameByte(frame, header.pageBytes));
    const isOfThis = head.readUInt32BE(8) === header.salt1 && head.readUInt32BE(12) === header.salt2;
    if (bytes < head.length || !isOfThis) return undefined;
    if (head.readUInt32BE(0) === 1) return head.readUInt32BE(frameHeaderBytes + changeCounterByte);
  }
  return undefined;
}
