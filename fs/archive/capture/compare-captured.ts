// After a gap: reads a whole database in rollback mode as it is now, beside programs that write it, and finds what
// differs from the log. Pages that they write meanwhile are captured; those come last.
import { closeSync } from 'node:fs';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { CommitLog } from '../commit.ts';
import type { Comparison } from '../tail/compare.ts';
import {
  isQuietSince,
  lookAtMainFile,
  type MainFile,
  openMainFile,
  parseMainHeader,
  readMainPage,
} from '../tail/main-file.ts';
import { lockPage } from '../tail/pages.ts';
import type { CaptureStream } from './capture-stream.ts';
import type { CapturedReading } from './captured-reading.ts';
import { isWhole } from './whole.ts';
import { databasePagesOf, pagesOf } from './written-pages.ts';

/** Read in one go before others have their turn. */
const stepBytes = 2 << 20;
const pendingTries = 100;
const pendingPauseMs = 5;
const busy = { kind: 'busy' } as const;

export interface ComparedDatabase {
  readonly path: string;
  readonly inode: string;
  readonly log: Pick<CommitLog, 'page' | 'pageBytes'>;
  readonly mostBytes: number;
  readonly signal: AbortSignal;
  readonly captured: CapturedReading;
  readonly stream: CaptureStream;
}

export async function compareCaptured(database: ComparedDatabase): Promise<Comparison> {
  const { captured, stream, path, inode, log } = database;
  stream.read();
  captured.file.takeAll(); // it is in the file
  const before = lookAtMainFile(path);
  const main = openMainFile(path, inode);
  if (main === undefined || before === undefined) return busy;
  try {
    const header = parseMainHeader(readMainPage(main, 1, 100));
    if (header?.journalMode !== 'rollback') return busy;
    if (header.pageBytes !== log.pageBytes) return { kind: 'too-different' };
    return await compareAll(database, before, main, header.pageBytes);
  } finally {
    closeSync(main);
  }
}

async function compareAll(
  database: ComparedDatabase,
  before: MainFile,
  main: number,
  pageBytes: number,
): Promise<Comparison> {
  const { captured, stream, path } = database;
  const { file } = captured;
  if (!file.isClaimed && !isWhole(path, before)) return busy;
  const different = new Different(database, pageBytes);
  const mostPages = Math.floor(Number(before.size) / pageBytes);
  const pagesInStep = Math.max(1, Math.floor(stepBytes / pageBytes));
  for (let pageNumber = 1; pageNumber <= mostPages; pageNumber++) {
    if (pageNumber % pagesInStep === 0) await nextTurn();
    database.signal.throwIfAborted();
    different.note(pageNumber, readMainPage(main, pageNumber, pageBytes));
    if (different.isTooMuch) return { kind: 'too-different' };
  }
  stream.read();
  for (let tries = 0; file.hasPending && tries < pendingTries; tries++) {
    await delay(pendingPauseMs);
    database.signal.throwIfAborted();
    stream.read();
  }
  const pieces = file.hasPending ? undefined : file.takeAll();
  if (pieces === undefined) return busy;
  const written = pagesOf(pieces, pageBytes, (pageNumber) => readMainPage(main, pageNumber, pageBytes));
  for (const [pageNumber, content] of written) different.note(pageNumber, content);
  if (different.isTooMuch) return { kind: 'too-different' };
  const pageOne = written.get(1) ?? different.pageOne;
  const last = pageOne === undefined ? undefined : parseMainHeader(pageOne);
  const after = lookAtMainFile(path);
  if (pageOne === undefined || after === undefined) return busy;
  if (last?.journalMode !== 'rollback' || last.pageBytes !== pageBytes) return busy;
  if (!file.isClaimed && !(isQuietSince(after, before) && isWhole(path, after))) return busy;
  const databasePages = databasePagesOf(pageOne, Number(after.size), pageBytes);
  different.cut(databasePages);
  const position = captured.positionAt(stream.position);
  const quiet = file.isClaimed ? undefined : after;
  return { kind: 'compared', difference: { pageBytes, databasePages, pages: different.pages, position, quiet } };
}

class Different {
  readonly pages = new Map<number, Buffer>();
  pageOne: Buffer | undefined;
  readonly #database: ComparedDatabase;
  readonly #pageBytes: number;
  readonly #zeros: Buffer;

  constructor(database: ComparedDatabase, pageBytes: number) {
    this.#database = database;
    this.#pageBytes = pageBytes;
    this.#zeros = Buffer.alloc(pageBytes);
  }

  get isTooMuch(): boolean {
    return this.pages.size * this.#pageBytes > this.#database.mostBytes;
  }

  note(pageNumber: number, content: Buffer): void {
    if (pageNumber === lockPage(this.#pageBytes)) return;
    if (pageNumber === 1) this.pageOne = content;
    const archived = this.#database.log.page(pageNumber) ?? this.#zeros;
    if (archived.equals(content)) this.pages.delete(pageNumber);
    else this.pages.set(pageNumber, content);
  }

  cut(databasePages: number): void {
    for (const pageNumber of this.pages.keys()) if (pageNumber > databasePages) this.pages.delete(pageNumber);
  }
}
