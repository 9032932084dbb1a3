// Reads the write-ahead logs of one database in order, from a position on. What may be read is what the index, or a
// record of the mount, says is committed. Where it cannot prove that nothing lies between two logs it says so instead.
import { closeSync, fstatSync } from 'node:fs';
import type { WalIndex } from '../../sqlite/wal-index.ts';
import type { CommitLog, WalPosition } from '../commit.ts';
import { CommitTooLarge, commitsOf, holdsPosition, readWalHeader, startOf, type WalCommit } from '../wal/wal-file.ts';
import { frameHeaderBytes, type WalHeader } from '../wal/wal-frames.ts';
import { isMainPageOne, isNextByCount, isNextByPageOne, leftoverEnd } from './continuity.ts';
import { type CommitRecord, Evidence, type Generation } from './evidence.ts';
import { type KeptLog, LiveLog, openKeptLog } from './live-log.ts';
import {
  isQuietSince,
  isSettled,
  lookAtMainFile,
  type MainFile,
  type QuietStamp,
  readMainHeader,
} from './main-file.ts';
import { isSameLog, noPosition, type Salts } from './position.ts';

/** What one call reads before another database has its turn. */
const batchBytes = 4 << 20;
const batchCommits = 200;
/** The record of a commit, and the name in it, follow the commit itself at once; later than this, they do not come. */
const recordGraceMs = 700;
const mostCommitBytes = 256 << 20;
const brokenReads = 3;

/**
 * `more`: another call has something to do at once. `drained`: all that was committed when the call began was read.
 * `empty`: there is no commit to begin with, all is in the main file. `gap`: something may be missing. `off`: it is in
 * another journal mode. `unreadable`: its program keeps the index for itself. `too-large`: one transaction is more than
 * can be read. `other-page-size`: the log goes on with pages of another size.
 */
export type ReadResult =
  | { readonly kind: 'more' | 'waiting' | 'drained' | 'empty' | 'off' | 'unreadable' | 'too-large' | 'other-page-size' }
  | { readonly kind: 'gap'; readonly reason: string };

export interface ReadCommit extends WalCommit {
  readonly pageBytes: number;
  readonly record: CommitRecord | undefined;
  /** When it was committed, as far as is known. */
  readonly timeMs: number;
}

export interface ReadDatabase {
  readonly path: string;
  readonly inode: string;
  readonly log: CommitLog;
  /** The mount records each commit: one without a record gets it in a moment. */
  isRecording(): boolean;
  /** Takes a commit into the log. What it throws ends the reading, and the commit comes again. */
  append(commit: ReadCommit): void;
}

const more = { kind: 'more' } as const;
const waiting = { kind: 'waiting' } as const;
const drained = { kind: 'drained' } as const;
const wasBegunAnew = 'a write-ahead log was begun anew before it was read';
const wasWritten = 'the database was written in a way that could not be followed';

export class Reading {
  readonly evidence = new Evidence();
  readonly live: LiveLog;
  position: WalPosition;
  /** The main file when everything was read and no log held anything more. */
  quiet: QuietStamp | undefined;
  #lagBytes = 0;
  #lagSinceMs = 0;
  readonly #database: ReadDatabase;
  /** The log that is open is known to hold the frame of the position. */
  #isVerified = false;
  /** What the index counted at the position. */
  #change: { readonly count: number; readonly shmInode: number } | undefined;
  /** The process that recorded the last commit that was read. */
  #fsPid: number | undefined;
  #unrecordedSinceMs: number | undefined;
  /** A log that was seen without an index: nobody knows yet whose it is. */
  #unshared: (Salts & { readonly sinceMs: number }) | undefined;
  #unsharedSinceMs: number | undefined;
  #brokenReads = 0;
  /** A log with a transaction that is too large: nothing can be read until it is begun anew. */
  #skipped: WalPosition | undefined;

  constructor(database: ReadDatabase) {
    this.#database = database;
    this.live = new LiveLog(() => database.path);
    this.position = database.log.last?.position ?? noPosition;
  }

  /** What of the log that is open is not read yet. */
  get lagBytes(): number {
    return this.#lagBytes;
  }

  get lagMs(): number {
    return this.#lagBytes === 0 ? 0 : performance.now() - this.#lagSinceMs;
  }

  #lags(bytes: number): void {
    if (this.#lagBytes === 0) this.#lagSinceMs = performance.now();
    this.#lagBytes = bytes;
  }

  /** Goes on behind a state that was read by other means. */
  goOnFrom(position: WalPosition, quiet: QuietStamp | undefined): void {
    this.live.close();
    this.position = position;
    this.quiet = quiet;
    this.#isVerified = false;
    this.#change = undefined;
  }

  /** Behind nothing: the first commit that is there is the first one of a new history. */
  beginAnew(): void {
    this.goOnFrom(noPosition, undefined);
    this.evidence.isAnchored = false;
  }

  /** Closes the descriptors of the database; they are opened again when they are needed. */
  rest(): void {
    this.live.close();
    this.#change = undefined;
    this.#isVerified = false;
  }

  /** All that was read so far stays read; the log that is there now is not to be read. */
  skipLog(): void {
    const header = this.live.header();
    this.#skipped = header === undefined ? undefined : startOf(header);
  }

  read(): ReadResult {
    if (this.#isUnsharedLeft()) return waiting;
    return this.#readRecorded() ?? this.#readLive();
  }

  /**
   * The last close deletes the index before the log, so a log without an index need not be one that its program keeps
   * to itself. But then it was read, or a record of it comes.
   */
  #isUnsharedLeft(): boolean {
    const unshared = this.#unshared;
    if (unshared === undefined) return false;
    const isKnown = isSameLog(unshared, this.position) || this.evidence.knows(unshared);
    if (!isKnown && performance.now() - unshared.sinceMs < recordGraceMs) return true;
    this.#unshared = undefined;
    if (!isKnown) this.#forgetProofs();
    return false;
  }

  /** A log that the mount has recorded and that is not read yet. undefined: there is none. */
  #readRecorded(): ReadResult | undefined {
    const generation = this.evidence.next(this.position);
    if (generation === undefined || this.#isSkipped(generation)) return undefined;
    if (!isSameLog(generation, this.position)) {
      const rest = this.#readUnrecordedRest();
      if (rest !== undefined) return rest;
    }
    if (this.#isLive(generation)) {
      const header = this.live.header();
      if (header === undefined) return waiting;
      return this.#readGeneration(generation, this.live.walFd, header, generation.lastFrame, this.live.index());
    }
    if (this.#database.log.last === undefined) {
      this.evidence.dropOldest(); // there is nothing on which it has to follow
      return more;
    }
    const kept = openKeptLog(generation);
    if (kept === undefined) return { kind: 'gap', reason: wasBegunAnew };
    try {
      return this.#readKept(generation, kept);
    } finally {
      closeSync(kept.wal);
    }
  }

  /** Before another log is begun: what the one that is open holds and has no record. undefined: nothing. */
  #readUnrecordedRest(): ReadResult | undefined {
    const index = this.live.index();
    const header = this.live.header();
    if (index === undefined || !isSameLog(index, this.position)) return undefined;
    if (index.lastFrame > this.position.frames && header !== undefined && isSameLog(header, index)) {
      return this.#advance(this.live.walFd, header, index.lastFrame);
    }
    if (index.lastFrame === this.position.frames) this.#countedBy(index);
    return undefined;
  }

  /** Opens it by name, if it is the one that has the name. */
  #isLive(generation: Generation): boolean {
    const header = this.live.header();
    if (header !== undefined && isSameLog(header, generation)) return true;
    if (this.live.isOpen && !this.live.isLeft) return false;
    this.#leave();
    if (this.live.open() !== 'open') return false;
    const opened = this.live.header();
    return opened !== undefined && isSameLog(opened, generation);
  }

  #readKept(generation: Generation, { wal, lastFrame = 0 }: KeptLog): ReadResult {
    const header = readWalHeader(wal);
    if (header === undefined) return waiting;
    return this.#readGeneration(generation, wal, header, Math.max(generation.lastFrame, lastFrame), undefined);
  }

  #readGeneration(
    generation: Generation,
    wal: number,
    header: WalHeader,
    end: number,
    index: WalIndex | undefined,
  ): ReadResult {
    if (!isSameLog(generation, this.position)) {
      const ofThis = index !== undefined && isSameLog(index, header) ? index : undefined;
      const isCounted = ofThis !== undefined && this.#isNextByCount(wal, header, ofThis);
      const isProven = isCounted || this.#isNext() || this.#isNextByRecords(generation, wal, header, end);
      if (!isProven) return { kind: 'gap', reason: wasWritten };
      this.#begin(header, isCounted);
    }
    this.#fsPid = generation.newest.fsPid;
    return this.#advance(wal, header, end);
  }

  #readLive(): ReadResult {
    // Looked at first: what is found afterwards is not older.
    const main = lookAtMainFile(this.#database.path);
    const state = this.live.open();
    if (typeof state === 'object') return this.#withoutIndex(state);
    this.#unsharedSinceMs = undefined;
    if (state === 'none') return this.#withoutLog(main, undefined);
    const index = this.live.index();
    if (index === undefined || this.#isSkipped(index)) {
      if (this.live.isLeft) this.live.close();
      return waiting;
    }
    const header = this.live.header();
    const leftover = header === undefined ? undefined : this.#readLeftover(header, index);
    if (leftover !== undefined) return leftover;
    if (index.lastFrame === 0) return this.#withoutLog(main, index);
    if (header === undefined || !isSameLog(header, index)) {
      // Between the header of a new log and its index, or both have been deleted.
      if (this.live.isLeft) this.live.close();
      return waiting;
    }
    return this.#readIndexed(header, index);
  }

  /** The log was begun anew, and the unread end of the old one is still there. undefined: nothing of the kind. */
  #readLeftover(header: WalHeader, index: WalIndex): ReadResult | undefined {
    if (isSameLog(index, this.position) || this.#change?.shmInode !== this.live.shmInode) return undefined;
    if (index.lastFrame > 0 && !isSameLog(header, index)) return undefined;
    if (this.#mayBeRecorded()) return undefined;
    const end = leftoverEnd(this.live.walFd, header, this.position, index, this.#change.count);
    if (end === undefined) return undefined;
    const { salt1, salt2 } = this.position;
    return this.#advance(this.live.walFd, { ...header, salt1, salt2 }, end);
  }

  #withoutIndex({ salt1, salt2 }: WalHeader): ReadResult {
    const nowMs = performance.now();
    this.#unsharedSinceMs ??= nowMs;
    if (nowMs - this.#unsharedSinceMs >= recordGraceMs) {
      this.#forgetProofs();
      return { kind: 'unreadable' };
    }
    this.#unshared ??= { salt1, salt2, sinceMs: nowMs };
    return waiting;
  }

  #readIndexed(header: WalHeader, index: WalIndex): ReadResult {
    const isSame = isSameLog(index, this.position);
    const unread = index.lastFrame - (isSame ? this.position.frames : 0);
    this.#lags(Math.max(0, unread) * (header.pageBytes + frameHeaderBytes));
    if (isSame && unread < 0)
      return { kind: 'gap', reason: 'commits that were read have been lost, as by a power cut' };
    if (isSame && unread === 0) return this.#reachedEnd(index);
    if (this.#mayBeRecorded()) return waiting;
    if (!isSame) {
      const isCounted = this.#isNextByCount(this.live.walFd, header, index);
      if (!isCounted && !this.#isNext()) return { kind: 'gap', reason: wasWritten };
      this.#begin(header, isCounted);
    }
    return this.#advance(this.live.walFd, header, index.lastFrame);
  }

  #reachedEnd(index: WalIndex): ReadResult {
    this.#unrecordedSinceMs = undefined;
    if (index.checksum1 !== this.position.checksum1 || index.checksum2 !== this.position.checksum2) {
      return { kind: 'gap', reason: 'commits that were read have been replaced, as by a power cut' };
    }
    this.#countedBy(index);
    this.evidence.isAnchored = this.#database.isRecording();
    if (!this.live.isLeft) return drained;
    this.#leave();
    return more;
  }

  /** Everything is in the main file: there is no log, or one that holds nothing yet. */
  #withoutLog(main: MainFile | undefined, index: WalIndex | undefined): ReadResult {
    this.#lags(0);
    if (index !== undefined && this.live.isLeft) {
      this.#leave();
      return more;
    }
    const { path, inode, log } = this.#database;
    if (main === undefined || main.inode !== inode) return waiting;
    if (main.size === 0n) return drained;
    if (index === undefined && readMainHeader(path)?.journalMode !== 'wal') {
      this.#forgetProofs();
      return { kind: 'off' };
    }
    if (log.last === undefined) return this.#beginBehind(main, index);
    if (!this.#isUnchanged(main, index)) {
      return this.#mayBeRecorded() ? waiting : { kind: 'gap', reason: wasWritten };
    }
    this.#unrecordedSinceMs = undefined;
    if (isSettled(main, Date.now())) this.quiet = main;
    if (index !== undefined) this.#countedBy(index);
    this.evidence.isAnchored = this.#database.isRecording();
    return drained;
  }

  /** All that was recorded so far is in the main file. */
  #beginBehind(main: MainFile, index: WalIndex | undefined): ReadResult {
    if (!isSettled(main, Date.now())) return waiting;
    this.evidence.clear();
    this.quiet = main;
    if (index !== undefined) this.#countedBy(index);
    return { kind: 'empty' };
  }

  /** Nothing was committed since the last commit that was read, and no log holds anything more. */
  #isUnchanged(main: MainFile, index: WalIndex | undefined): boolean {
    if (index !== undefined && this.#isCounted(index)) return true;
    if (isQuietSince(main, this.quiet)) return true;
    return this.evidence.isAnchored && isMainPageOne(this.#database);
  }

  #isCounted(index: WalIndex): boolean {
    return this.#change?.shmInode === this.live.shmInode && this.#change.count === index.change;
  }

  #isNextByCount(wal: number, header: WalHeader, index: WalIndex): boolean {
    if (this.#change === undefined || this.#change.shmInode !== this.live.shmInode) return false;
    return isNextByCount(wal, header, index, this.#change.count);
  }

  /** Whether any log that is about to be read follows on all that was read. */
  #isNext(): boolean {
    const { log, path } = this.#database;
    if (log.last === undefined) return true;
    const main = lookAtMainFile(path);
    return main !== undefined && isQuietSince(main, this.quiet);
  }

  /** Each commit since the last one that was read has a record, and this log's comes next. */
  #isNextByRecords(generation: Generation, wal: number, header: WalHeader, end: number): boolean {
    if (!this.evidence.isAnchored) return false;
    if (this.#fsPid !== undefined && this.#fsPid !== generation.newest.fsPid) return false;
    const isRestart = header.salt1 === (this.position.salt1 + 1) >>> 0 && this.position.frames > 0;
    return isRestart || isNextByPageOne(this.#database, wal, header, end);
  }

  #begin(header: WalHeader, isCounted: boolean): void {
    this.evidence.finish(this.position);
    this.position = startOf(header);
    this.quiet = undefined;
    this.#isVerified = true;
    if (!isCounted) this.#change = undefined;
    this.#brokenReads = 0;
  }

  /** Reads up to frame `end` of the log of the position, or as much as may be read in one go. */
  #advance(wal: number, header: WalHeader, end: number): ReadResult {
    const { log } = this.#database;
    if (log.pageBytes !== undefined && log.pageBytes !== header.pageBytes) return { kind: 'other-page-size' };
    if (!this.#isVerified && !holdsPosition(wal, header, this.position)) {
      return { kind: 'gap', reason: wasBegunAnew };
    }
    this.#isVerified = true;
    try {
      const result = this.#appendUpTo(wal, header, end);
      if (result !== undefined) return result;
    } catch (error) {
      if (error instanceof CommitTooLarge) return { kind: 'too-large' };
      throw error;
    }
    if (this.position.frames >= end) return more;
    this.#brokenReads += 1;
    return this.#brokenReads < brokenReads ? waiting : { kind: 'gap', reason: wasBegunAnew };
  }

  /** undefined: it has come to the end, or to a frame that does not go on. */
  #appendUpTo(wal: number, header: WalHeader, end: number): ReadResult | undefined {
    const { pageBytes } = header;
    const writtenMs = Math.min(Date.now(), fstatSync(wal).mtimeMs);
    let bytes = 0;
    let commits = 0;
    for (const commit of commitsOf(wal, header, this.position, end, mostCommitBytes)) {
      const record = this.evidence.recordOf(commit.position);
      if (record !== undefined && isBeingNamed(record)) return waiting;
      const timeMs = record?.timeMs ?? Math.min(writtenMs, this.evidence.latestTimeMs(commit.position) ?? writtenMs);
      this.#database.append({ ...commit, pageBytes, record, timeMs });
      this.position = commit.position;
      if (this.#change !== undefined) this.#change = { ...this.#change, count: (this.#change.count + 1) >>> 0 };
      this.#brokenReads = 0;
      this.#unrecordedSinceMs = undefined;
      this.evidence.passed(commit.position);
      bytes += commit.pages.size * pageBytes;
      commits += 1;
      if (bytes >= batchBytes || commits >= batchCommits) return more;
    }
    return undefined;
  }

  /** Something is committed that has no record yet, and one may come. */
  #mayBeRecorded(): boolean {
    if (!this.#database.isRecording()) return false;
    const nowMs = performance.now();
    this.#unrecordedSinceMs ??= nowMs;
    return nowMs - this.#unrecordedSinceMs < recordGraceMs;
  }

  #countedBy(index: WalIndex): void {
    this.#change = { count: index.change, shmInode: this.live.shmInode };
  }

  /** The log that is open has lost its name: nobody writes it any more. */
  #leave(): void {
    const { unlinkedNs } = this.live;
    const main = lookAtMainFile(this.#database.path);
    // The last close writes the main file, then deletes the log.
    const isEnd = unlinkedNs !== undefined && main !== undefined && main.mtimeNs <= unlinkedNs;
    if (isEnd && this.#isAtEnd()) this.quiet = main;
    this.rest();
  }

  #isAtEnd(): boolean {
    const index = this.live.index();
    if (index === undefined) return false;
    if (index.lastFrame === 0) return this.#isCounted(index);
    return isSameLog(index, this.position) && index.lastFrame === this.position.frames;
  }

  #isSkipped(salts: Salts): boolean {
    return this.#skipped !== undefined && isSameLog(this.#skipped, salts);
  }

  #forgetProofs(): void {
    this.quiet = undefined;
    this.#change = undefined;
    this.evidence.isAnchored = false;
  }
}

function isBeingNamed(record: CommitRecord): boolean {
  return record.writer() === undefined && Math.abs(Date.now() - record.timeMs) < recordGraceMs;
}
