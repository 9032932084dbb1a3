// Compares a database in RAM with its durable copy and copies all pages that differ, as one batch: where no log proves
// what has changed.
import { closeSync, fstatSync, readSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { openToRead, readMainHeader } from '../archive/tail/main-file.ts';
import type { DurableBatch } from './batch.ts';
import { copyPages } from './copy-pages.ts';
import { type DurableCopy, nothingCopied } from './durable-copy.ts';
import { leftNames } from './left-logs.ts';
import { type Place, stampsOf } from './place.ts';
import type { Progress } from './progress.ts';
import { isJournalHot, isSettled } from './ram-file.ts';
import type { RamLog } from './ram-log.ts';
import { takeShared } from './shared-lock.ts';

export const noDatabase = 'it is no SQLite database: it is copied at a stop and by tier flush alone';
const chunkBytes = 1 << 20;
/** The page of SQLite's locks: no program writes it. */
const lockByte = 0x40000000;
/** So much is compared while a program waits. */
const lockedBytes = 4 << 20;

type Outcome = 'copied' | 'later';

/**
 * `log` is the one that is open, `names` those of all that have ended. `later` where somebody writes in a way that
 * shows no pages, or the file is no database. `progress` gets the journal mode, or the trouble.
 */
export async function compareOnce(
  copy: DurableCopy,
  progress: Progress,
  log: RamLog,
  names: readonly string[],
): Promise<Outcome> {
  const begun = log.committed();
  if (begun === 'unknown') return 'later';
  if (begun === 'empty') return await compareFile(copy, progress, names);
  const position = { salt1: begun.salt1, salt2: begun.salt2, frames: 0 };
  const main = openToRead(copy.place.ram);
  if (main === undefined) return 'later';
  const batch = copy.batchOf(begun.pageBytes);
  try {
    await addDifferent(batch, main, begun.pageBytes, true);
    progress.journal = 'wal';
    return await copyPages(copy, batch, { names, pages: new Set(), position, databasePages: begun.databasePages });
  } finally {
    batch.close();
    closeSync(main);
  }
}

/** The main file alone has everything, unless a program writes it meanwhile. */
async function compareFile(copy: DurableCopy, progress: Progress, names: readonly string[]): Promise<Outcome> {
  const { ram } = copy.place;
  const main = openToRead(ram);
  if (main === undefined) return 'later';
  const isSmall = fstatSync(main).size <= lockedBytes;
  const lock = isSmall ? takeShared(ram) : undefined;
  let batch: DurableBatch | undefined;
  try {
    const isHot = isJournalHot(`${ram}-journal`);
    const isHeld = lock !== undefined && (lock.isReserved || !isHot);
    const before = stampsOf(ram);
    const settled = isSettled(ram); // otherwise a later write may leave the same stamps
    if (!isHeld && (isHot || !settled)) return 'later';
    if (fstatSync(main).size === 0) return await copyEmpty(copy, before, names);
    const header = readMainHeader(ram);
    if (header === undefined) {
      progress.trouble = noDatabase;
      return 'later';
    }
    progress.journal = header.journalMode === 'wal' ? 'wal' : 'rollback';
    if (progress.journal === 'wal' && !settled) return 'later'; // a checkpoint heeds no SHARED
    batch = copy.batchOf(header.pageBytes);
    await addDifferent(batch, main, header.pageBytes, !isHeld);
    const databasePages = Math.floor(fstatSync(main).size / header.pageBytes);
    const after = stampsOf(ram);
    const isSame = after[0] === before[0] && after[1] === before[1] && areLeft(copy.place, names);
    const isQuiet = isSame && (isHeld || !isJournalHot(`${ram}-journal`));
    lock?.end();
    if (!isQuiet) return abandoned(batch);
    await copy.commit(batch, databasePages, nothingCopied);
    copy.dropLeft(names);
    if (settled) copy.noteClean(before);
    return 'copied';
  } finally {
    lock?.end();
    batch?.close();
    closeSync(main);
  }
}

/** A file of no bytes: a database to come. */
async function copyEmpty(copy: DurableCopy, stamps: readonly string[], names: readonly string[]): Promise<Outcome> {
  const batch = copy.batchOf(4096);
  try {
    if (batch.sizeBytes > 0) await copy.commit(batch, 0, nothingCopied);
    copy.dropLeft(names);
    copy.noteClean(stamps);
    return 'copied';
  } finally {
    batch.close();
  }
}

/** `mayPause`: others have their turn in between. */
async function addDifferent(batch: DurableBatch, main: number, pageBytes: number, mayPause: boolean): Promise<void> {
  const [ours, copied] = [Buffer.alloc(chunkBytes), Buffer.alloc(chunkBytes)];
  const sizeBytes = fstatSync(main).size;
  for (let at = 0; at < sizeBytes; at += chunkBytes) {
    const bytes = readSync(main, ours, 0, chunkBytes, at);
    const known = batch.read(copied, at);
    const isSame = (from: number) =>
      from + pageBytes <= known && ours.compare(copied, from, from + pageBytes, from, from + pageBytes) === 0;
    for (let byte = 0; byte + pageBytes <= bytes; byte += pageBytes) {
      if (at + byte === lockByte || isSame(byte)) continue;
      batch.add((at + byte) / pageBytes + 1, ours.subarray(byte, byte + pageBytes));
    }
    if (mayPause) await nextTurn();
  }
}

function abandoned(batch: DurableBatch): 'later' {
  batch.abandon();
  return 'later';
}

/** No other log has ended meanwhile. */
function areLeft(place: Place, names: readonly string[]): boolean {
  return leftNames(place).join() === names.join();
}
