// Whether nothing was committed between the last frame that was read and the first one of another write-ahead log. Each
// function is one proof; where none holds, the database has to be compared.
import { closeSync, readSync } from 'node:fs';
import type { WalIndex } from '../../sqlite/wal-index.ts';
import type { CommitLog } from '../commit.ts';
import { frameByte, frameHeaderBytes, type WalHeader } from '../wal/wal-frames.ts';
import { openMainFile, parseMainHeader, readMainPage } from './main-file.ts';

const changeCounterByte = 24;

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
  const written = firstPageOneCounter(wal, header, lastFrame);
  if (written !== undefined) return written === counter || written === (counter + 1) >>> 0;
  return isMainPageOne(database);
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

function firstPageOneCounter(wal: number, { pageBytes }: WalHeader, lastFrame: number): number | undefined {
  const head = Buffer.alloc(frameHeaderBytes + changeCounterByte + 4);
  for (let frame = 1; frame <= lastFrame; frame++) {
    readSync(wal, head, 0, head.length, frameByte(frame, pageBytes));
    if (head.readUInt32BE(0) === 1) return head.readUInt32BE(frameHeaderBytes + changeCounterByte);
  }
  return undefined;
}
