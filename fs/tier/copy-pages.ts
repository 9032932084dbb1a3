// Brings a batch to one moment of the database while programs go on: pages of logs that have ended come from the main
// file, which has all of them by then, and over them come the pages of the log that is open, up to its last commit.
// A checkpoint may write pages of the open log into the main file meanwhile: they are among those that come over it. A
// log that ends meanwhile leaves a note, and its pages are read once more.
import { closeSync, readSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { openToRead, readMainHeader } from '../archive/tail/main-file.ts';
import { isSameLog } from '../sqlite/wal-index.ts';
import type { DurableBatch } from './batch.ts';
import { type DurableCopy, nothingCopied } from './durable-copy.ts';
import { leftNames, notesOf } from './left-logs.ts';
import type { Place, Position } from './place.ts';
import { RamLog } from './ram-log.ts';

/** Others have their turn after so much. */
const bytesPerTurn = 1 << 20;
/** So many times a log may end while its pages are read. The mount then keeps the next one from that. */
const mostRounds = 16;

export interface Begun {
  /** Of all that has ended: what these have written is in the batch or among `pages`. */
  readonly names: readonly string[];
  readonly pages: ReadonlySet<number>;
  /** The frames of this log behind this one are new. */
  readonly position: Position;
  /** Of the database after the last log that has ended; 0: it is not known. */
  readonly databasePages: number;
}

interface Moment {
  readonly position: Position;
  readonly databasePages: number;
  /** Pages that were taken from the open log. */
  readonly logged: ReadonlySet<number>;
  /** Whether the batch has the database as it was in that moment. */
  readonly isStill: () => boolean;
}

/** Ends the batch. `later`: nothing was copied. */
export async function copyPages(copy: DurableCopy, batch: DurableBatch, begun: Begun): Promise<'copied' | 'later'> {
  const { place } = copy;
  const main = openToRead(place.ram);
  if (main === undefined) return 'later';
  let { names, pages, databasePages } = begun;
  try {
    for (let round = 0; round < mostRounds; round++) {
      await addFromMain(batch, main, pages);
      const live = new RamLog(`${place.ram}-wal`, `${place.ram}-shm`);
      try {
        const moment = await addFromLog(batch, live, begun.position, place, databasePages);
        const now = leftNames(place);
        if (moment?.isStill() === true && now.length === names.length && copy.isCurrent) {
          await copy.commit(batch, moment.databasePages, moment.position);
          copy.dropLeft(names);
          return 'copied';
        }
        const notes = notesOf(place, now.slice(names.length), begun.position, names.at(-1));
        if (notes === undefined || (moment === undefined && notes.length === 0)) break;
        pages = new Set([...(moment?.logged ?? []), ...notes.flatMap((note) => [...note.pages])]);
        databasePages = notes.at(-1)?.databasePages ?? databasePages;
        names = now;
      } finally {
        live.close();
      }
    }
    batch.abandon();
    return 'later';
  } finally {
    closeSync(main);
  }
}

async function addFromMain(batch: DurableBatch, main: number, pages: ReadonlySet<number>): Promise<void> {
  const page = Buffer.alloc(batch.pageBytes);
  let bytes = 0;
  for (const pageNumber of pages) {
    // What is not there belongs to the open log, or to a database that has become smaller.
    if (readSync(main, page, 0, page.length, (pageNumber - 1) * page.length) < page.length) continue;
    batch.add(pageNumber, page);
    bytes += page.length;
    if (bytes % bytesPerTurn === 0) await nextTurn();
  }
}

/** undefined where nobody can say now what is committed. */
async function addFromLog(
  batch: DurableBatch,
  log: RamLog,
  copied: Position,
  place: Place,
  databasePages: number,
): Promise<Moment | undefined> {
  const index = log.committed();
  if (index === 'unknown') return undefined;
  if (index === 'empty') return momentOfMain(place, databasePages);
  const from = isSameLog(copied, index) ? Math.min(copied.frames, index.lastFrame) : 0;
  const frames = log.framesOf(from, index.lastFrame) ?? new Map<number, number>();
  const page = Buffer.alloc(batch.pageBytes);
  let bytes = 0;
  for (const [pageNumber, frame] of frames) {
    if (pageNumber > index.databasePages) continue;
    log.readPage(frame, page.length, page);
    batch.add(pageNumber, page);
    bytes += page.length;
    if (bytes % bytesPerTurn === 0) await nextTurn();
  }
  const isStill = () => {
    const now = log.index();
    return now !== undefined && isSameLog(now, index) && now.lastFrame >= index.lastFrame;
  };
  const position = { salt1: index.salt1, salt2: index.salt2, frames: index.lastFrame };
  return { position, databasePages: index.databasePages, logged: new Set(frames.keys()), isStill };
}

/**
 * No log has frames: the main file alone is the database. Whoever writes it without a log has changed the journal mode
 * in it before, and the mount has dropped all positions after that.
 */
function momentOfMain(place: Place, databasePages: number): Moment | undefined {
  if (databasePages === 0) return undefined;
  const isStill = () => readMainHeader(place.ram)?.journalMode === 'wal';
  return { position: nothingCopied, databasePages, logged: new Set(), isStill };
}
