// Archives what was captured of one database in rollback mode: each transaction that changed something is one commit.
// One that was rolled back has written what was there before. It also finds whether anything was missed: while nobody
// had the database open on the mount, or between this mode and WAL.
import { closeSync } from 'node:fs';
import type { CommitLog, WalPosition, Writer } from '../commit.ts';
import { isQuietSince, lookAtMainFile, openMainFile, readMainHeader, readMainPage } from '../tail/main-file.ts';
import { drained, gap, more, type ReadCommit, type ReadResult, recordGraceMs, waiting } from '../tail/read-result.ts';
import type { Reading } from '../tail/reading.ts';
import type { CapturedFile, CapturedItem, Window } from './captured-file.ts';
import { isWhole } from './whole.ts';
import { databasePagesOf, pageBytesIn, pagesOf } from './written-pages.ts';

const walVersion = 2;
const versionByte = 18;
const changeCounterByte = 24;
/** So long the end of a write-ahead log may take to be read. */
const walGraceMs = 1500;
/** What one call reads before another database has its turn. */
const sliceMs = 10;
const whileClosed = 'the database was changed while nobody had it open on the mount';
const atSwitch = 'the end of a write-ahead log was not seen before the journal mode changed';
const notSeen = 'it was written while nothing was captured';

export interface CapturedDatabase {
  readonly path: string;
  readonly inode: string;
  readonly log: CommitLog;
  readonly reading: Reading;
  /** Of the ring: a position with these salts is one in it. */
  readonly salts: { readonly salt1: number; readonly salt2: number };
  isRecording(): boolean;
  /** null: nobody knows. undefined: not named yet. */
  writerOf(number: number): Writer | null | undefined;
  /** Takes what was captured meanwhile out of the ring. */
  readRecords(): void;
  /** Takes a commit into the log. What it throws ends the reading, and the commit comes again. */
  append(commit: ReadCommit): void;
}

export class CapturedReading {
  readonly file: CapturedFile;
  readonly #database: CapturedDatabase;
  /** All that was written up to now is in the log, or in the file's items. */
  #isContinuous: boolean;
  #switchSinceMs: number | undefined;
  #known: { readonly log: CommitLog; readonly isInWal: boolean } | undefined;

  /** `isContinuous`: a process before this one has said so, and nothing was lost since. */
  constructor(database: CapturedDatabase, file: CapturedFile, isContinuous: boolean) {
    this.#database = database;
    this.file = file;
    this.#isContinuous = isContinuous;
  }

  /** It is to be read from here; otherwise from its write-ahead log. */
  get isFollowing(): boolean {
    if (this.#hasNews) return true;
    const { log, path } = this.#database;
    const wasInWal = log.last === undefined ? undefined : this.#isInWal;
    const isInWal = readMainHeader(path)?.journalMode === 'wal';
    if (wasInWal === isInWal || wasInWal === undefined) return !isInWal;
    // What has changed the mode may have been captured since: it comes first.
    this.#database.readRecords();
    return this.#hasNews || (!isInWal && this.file.isClaimed);
  }

  /** False: something may be missing behind what is archived. */
  get isContinuous(): boolean {
    return this.#isContinuous;
  }

  get #hasNews(): boolean {
    return this.file.first !== undefined || this.file.hasPending;
  }

  /** Behind a state that was found by other means. */
  goOn(): void {
    this.#known = undefined;
    this.#isContinuous = true;
  }

  positionAt(position: number): WalPosition {
    const high = Math.floor(position / 2 ** 32);
    return { ...this.#database.salts, frames: 0, checksum1: position % 2 ** 32, checksum2: high };
  }

  read(): ReadResult {
    const beganMs = performance.now();
    for (let result = this.#readOne(); ; result = this.#readOne()) {
      // What was taken last may have changed the journal mode: whoever asks again reads the log that follows.
      if (result.kind !== 'more' || !this.#hasNews || performance.now() - beganMs > sliceMs) return result;
    }
  }

  /** While its commits are in a write-ahead log. If the mode changes meanwhile, what tells of that is read next. */
  readWal(): ReadResult {
    const { reading, readRecords } = this.#database;
    const { evidence } = reading;
    const wasAnchored = evidence.isAnchored;
    const result = reading.read();
    if ((result.kind !== 'off' && result.kind !== 'gap') || !this.file.isClaimed) return result;
    readRecords();
    if (!this.#hasNews) return result;
    evidence.isAnchored = wasAnchored;
    return more;
  }

  #readOne(): ReadResult {
    const item = this.file.first;
    if (item === undefined) return this.#idle();
    if (this.#isArchived(item)) {
      this.file.shift();
      return more;
    }
    const isAfterWal = this.#isInWal && (item.kind === 'window' || item.kind === 'claim');
    return (isAfterWal ? this.#readWalBefore(item) : undefined) ?? this.#take(item);
  }

  /** By a process before this one, which was killed before it could say so in the ring. */
  #isArchived({ end }: CapturedItem): boolean {
    const position = this.#database.log.last?.position;
    const { salt1, salt2 } = this.#database.salts;
    if (position === undefined || position.salt1 !== salt1 || position.salt2 !== salt2) return false;
    return end <= position.checksum2 * 2 ** 32 + position.checksum1;
  }

  /** The archived state is one of WAL mode. Commits that are read from a write-ahead log change nothing about that. */
  get #isInWal(): boolean {
    const { log } = this.#database;
    if (log.last === undefined) return false;
    if (this.#known?.log !== log) this.#known = { log, isInWal: log.page(1)?.[versionByte] === walVersion };
    return this.#known.isInWal;
  }

  #take(item: CapturedItem): ReadResult {
    if (item.kind === 'window') return this.#takeWindow(item);
    this.file.shift();
    const { reading, log } = this.#database;
    if (item.kind === 'gap') return this.#gap(item.reason);
    if (item.kind === 'left') {
      if (this.#isContinuous) reading.quiet = item.stamp;
      return more;
    }
    if (log.last !== undefined && !isQuietSince(item.stamp, reading.quiet)) return this.#gap(whileClosed);
    this.#isContinuous = true;
    return more;
  }

  #takeWindow(window: Window): ReadResult {
    const { log, reading } = this.#database;
    if (log.last !== undefined && !this.#isContinuous) {
      this.file.shift();
      return this.#gap(notSeen);
    }
    if (this.#isBeingNamed(window)) return waiting;
    const written = pageBytesIn(window.pieces);
    const pageBytes = log.pageBytes ?? written ?? readMainHeader(this.#database.path)?.pageBytes;
    if (pageBytes === undefined) {
      this.file.shift(); // no database
      return more;
    }
    if (written !== undefined && written !== pageBytes) return { kind: 'other-page-size' };
    const pages = pagesOf(window.pieces, pageBytes, (pageNumber) => this.#pageBefore(pageNumber, pageBytes));
    const pageOne = pages.get(1) ?? this.#pageBefore(1, pageBytes);
    if (pageOne !== undefined) this.#commit(window, pages, pageOne, pageBytes);
    this.file.shift();
    this.#isContinuous = true;
    this.#known = undefined;
    if (pageOne?.[versionByte] !== walVersion) return more;
    // Its first write-ahead log follows.
    reading.goOnFrom(this.positionAt(window.end), window.stamp);
    reading.evidence.isAnchored = this.#database.isRecording();
    return more;
  }

  #commit(window: Window, pages: Map<number, Buffer>, pageOne: Buffer, pageBytes: number): void {
    const { log, reading, writerOf, append } = this.#database;
    const databasePages = databasePagesOf(pageOne, Number(window.stamp.size), pageBytes);
    if (log.last !== undefined && log.hasBase && this.#isAsBefore(pages, databasePages)) return;
    const position = this.positionAt(window.end);
    const { timeMs } = window;
    append({ pages, pageBytes, databasePages, position, timeMs, record: { writer: () => writerOf(window.writer) } });
    reading.goOnFrom(position, undefined);
  }

  /** It was rolled back: each page is what it was. */
  #isAsBefore(pages: ReadonlyMap<number, Buffer>, databasePages: number): boolean {
    const { log } = this.#database;
    if (databasePages !== log.last?.databasePages) return false;
    const pageOne = pages.get(1);
    const archived = pageOne === undefined ? undefined : log.page(1);
    const isCounted = archived?.compare(
      pageOne ?? archived,
      changeCounterByte,
      changeCounterByte + 4,
      changeCounterByte,
      changeCounterByte + 4,
    );
    if (isCounted !== undefined && isCounted !== 0) return false;
    for (const [pageNumber, content] of pages) {
      if (pageNumber <= databasePages && log.page(pageNumber)?.equals(content) !== true) return false;
    }
    return true;
  }

  #isBeingNamed({ writer, timeMs }: Window): boolean {
    return this.#database.writerOf(writer) === undefined && Math.abs(Date.now() - timeMs) < recordGraceMs;
  }

  #pageBefore(pageNumber: number, pageBytes: number): Buffer | undefined {
    const { log, path, inode } = this.#database;
    const archived = log.last === undefined ? undefined : log.page(pageNumber);
    if (archived !== undefined) return archived;
    const main = openMainFile(path, inode);
    if (main === undefined) return undefined;
    try {
      return readMainPage(main, pageNumber, pageBytes);
    } finally {
      closeSync(main);
    }
  }

  #idle(): ReadResult {
    const { log, path, reading, inode } = this.#database;
    if (this.file.hasPending) return drained;
    if (log.last === undefined) return readMainHeader(path) === undefined ? drained : this.#begin();
    if (this.file.isClaimed) return this.#isContinuous ? drained : this.#gap(notSeen);
    const main = lookAtMainFile(path);
    if (main === undefined || main.inode !== inode || isQuietSince(main, reading.quiet)) return drained;
    // Unless somebody has just opened it: that was told before anything was written.
    this.#database.readRecords();
    return this.file.first === undefined && !this.file.hasPending ? this.#gap(whileClosed) : more;
  }

  /** One that nobody has opened is what it is until somebody does. */
  #begin(): ReadResult {
    if (!this.file.isClaimed) {
      const { path, reading } = this.#database;
      const main = lookAtMainFile(path);
      if (main === undefined || !isWhole(path, main)) return drained;
      this.#database.readRecords();
      if (this.#hasNews || this.file.isClaimed) return more;
      reading.quiet = main;
    }
    this.#isContinuous = true;
    return { kind: 'empty' };
  }

  /**
   * Before an item that follows on a state of WAL mode: what that mode's logs held up to then. A log that was begun
   * later comes after it. undefined: all of it was read.
   */
  #readWalBefore(item: CapturedItem): ReadResult | undefined {
    const { reading } = this.#database;
    const { evidence } = reading;
    const isQuiet = item.kind === 'claim' && isQuietSince(item.stamp, reading.quiet);
    evidence.newest = item.afterCommit;
    try {
      const isUnread = !isQuiet && evidence.isAnchored && evidence.next(reading.position) !== undefined;
      if (isUnread) {
        const result = reading.read();
        this.#switchSinceMs ??= performance.now();
        if (result.kind === 'more') return more;
        if (result.kind === 'waiting' && performance.now() - this.#switchSinceMs < walGraceMs) return waiting;
      }
      this.#switchSinceMs = undefined;
      const isProven = isQuiet || (evidence.isAnchored && evidence.next(reading.position) === undefined);
      if (!isProven) {
        this.file.shift();
        return this.#gap(atSwitch);
      }
    } finally {
      evidence.newest = undefined;
    }
    evidence.leave(reading.position);
    this.#isContinuous = true;
    return undefined;
  }

  #gap(reason: string): ReadResult {
    this.#isContinuous = false;
    return gap(reason);
  }
}
