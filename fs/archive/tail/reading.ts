// Reads the write-ahead logs of one database in order, from a position on. What may be read is what the index, or a
// record of the mount, says is committed. Where it cannot prove that nothing lies between two logs it says so instead.
import { closeSync } from 'node:fs';
import type { WalIndex } from '../../sqlite/wal-index.ts';
import { isSameLog, type Salts } from '../../sqlite/wal-index.ts';
import type { WalPosition } from '../commit.ts';
import { readWalHeader, startOf } from '../wal/wal-file.ts';
import { frameHeaderBytes, type WalHeader } from '../wal/wal-frames.ts';
import { Evidence, type Generation } from './evidence.ts';
import { Lag } from './lag.ts';
import { type KeptLog, LiveLog, openKeptLog } from './live-log.ts';
import { LogReader } from './log-reader.ts';
import { isSettled, lookAtMainFile, type MainFile, type QuietStamp, readMainHeader } from './main-file.ts';
import { noPosition } from './position.ts';
import { Proofs } from './proofs.ts';
import {
  drained,
  gap,
  more,
  type ReadDatabase,
  type ReadResult,
  waiting,
  wasBegunAnew,
  wasWritten,
} from './read-result.ts';
import { UnsharedLog } from './unshared-log.ts';

export class Reading {
  readonly evidence = new Evidence();
  readonly live: LiveLog;
  /** What of the log that is open is not read yet. */
  readonly lag = new Lag();
  readonly #database: ReadDatabase;
  readonly #proofs: Proofs;
  readonly #reader: LogReader;
  readonly #unshared = new UnsharedLog();
  /** A log with a transaction that is too large: nothing can be read until it is begun anew. */
  #skipped: WalPosition | undefined;
  /** A log without a name with which a history has begun: if nothing could follow on it, the next one begins later. */
  #begunWith: Salts | undefined;

  constructor(database: ReadDatabase) {
    this.#database = database;
    this.live = new LiveLog(() => database.path);
    this.#proofs = new Proofs(database, this.evidence, this.live);
    this.#reader = new LogReader(database, this.evidence, () => this.#proofs.countOne());
  }

  /** Up to where everything was read. */
  get position(): WalPosition {
    return this.#reader.position;
  }

  /** The last step has read all that was there when it began. */
  get isCaughtUp(): boolean {
    return this.#reader.isCaughtUp;
  }

  /** The main file when everything was read and no log held anything more. */
  get quiet(): QuietStamp | undefined {
    return this.#proofs.quiet;
  }

  set quiet(stamp: QuietStamp | undefined) {
    this.#proofs.quiet = stamp;
  }

  /** Goes on behind a state that was read by other means. */
  goOnFrom(position: WalPosition, quiet: QuietStamp | undefined): void {
    this.rest();
    this.#reader.position = position;
    this.#proofs.quiet = quiet;
  }

  /** Behind nothing: the first commit that is there is the first one of a new history. */
  beginAnew(): void {
    this.goOnFrom(noPosition, undefined);
    this.evidence.isAnchored = false;
  }

  /** Closes the descriptors of the database; they are opened again when they are needed. */
  rest(): void {
    this.live.close();
    this.#proofs.forgetCount();
    this.#reader.forgetDescriptor();
  }

  /** All that was read so far stays read; the log that is there now is not to be read. */
  skipLog(): void {
    const header = this.live.header();
    this.#skipped = header === undefined ? undefined : startOf(header);
  }

  #hasBegunWith(salts: Salts): boolean {
    return this.#begunWith !== undefined && isSameLog(this.#begunWith, salts);
  }

  #isSkipped(salts: Salts): boolean {
    return this.#skipped !== undefined && isSameLog(this.#skipped, salts);
  }

  read(): ReadResult {
    const unshared = this.#unshared.judge((salts) => isSameLog(salts, this.position) || this.evidence.knows(salts));
    if (unshared === 'nobody-knows-yet') return waiting;
    if (unshared === 'unknown') this.#proofs.forget();
    return this.#readRecorded() ?? this.#readLive();
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
    const isFirst = this.#database.log.last === undefined;
    const kept = isFirst && this.#hasBegunWith(generation) ? undefined : openKeptLog(generation);
    if (kept === undefined) {
      if (!isFirst) return gap(wasBegunAnew);
      this.evidence.dropOldest(); // there is nothing on which it has to follow
      return more;
    }
    if (isFirst) this.#begunWith = generation;
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
      return this.#reader.advance(this.live.walFd, header, index.lastFrame);
    }
    if (index.lastFrame === this.position.frames) this.#proofs.countedBy(index);
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
      const isCounted = ofThis !== undefined && this.#proofs.isNextByCount(wal, header, ofThis);
      const isProven =
        isCounted || this.#proofs.isNext(this.position) || this.#proofs.isNextByRecord(this.position, generation);
      if (!isProven) return gap(wasWritten);
      this.#begin(header, isCounted);
    }
    this.#proofs.recordedBy(generation);
    return this.#reader.advance(wal, header, end);
  }

  #readLive(): ReadResult {
    // Looked at first: what is found afterwards is not older.
    const main = lookAtMainFile(this.#database.path);
    const state = this.live.open();
    if (typeof state === 'object') return this.#withoutIndex(state);
    this.#unshared.isGone();
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
    if (isSameLog(index, this.position) || !this.#proofs.canCount) return undefined;
    if (index.lastFrame > 0 && !isSameLog(header, index)) return undefined;
    if (this.#reader.mayBeRecorded()) return undefined;
    const end = this.#proofs.leftoverEnd(header, this.position, index);
    if (end === undefined) return undefined;
    const { salt1, salt2 } = this.position;
    return this.#reader.advance(this.live.walFd, { ...header, salt1, salt2 }, end);
  }

  #withoutIndex(header: WalHeader): ReadResult {
    if (!this.#unshared.isSeen(header)) return waiting;
    this.#proofs.forget();
    return { kind: 'unreadable' };
  }

  #readIndexed(header: WalHeader, index: WalIndex): ReadResult {
    const isSame = isSameLog(index, this.position);
    const unread = index.lastFrame - (isSame ? this.position.frames : 0);
    this.lag.is(Math.max(0, unread) * (header.pageBytes + frameHeaderBytes));
    if (isSame && unread < 0) return gap('commits that were read have been lost, as by a power cut');
    if (isSame && unread === 0) return this.#reachedEnd(index);
    if (this.#reader.mayBeRecorded()) return waiting;
    if (!isSame) {
      const isCounted = this.#proofs.isNextByCount(this.live.walFd, header, index);
      if (!isCounted && !this.#proofs.isNext(this.position)) return gap(wasWritten);
      this.#begin(header, isCounted);
    }
    return this.#reader.advance(this.live.walFd, header, index.lastFrame);
  }

  #reachedEnd(index: WalIndex): ReadResult {
    this.#reader.allIsRead();
    if (index.checksum1 !== this.position.checksum1 || index.checksum2 !== this.position.checksum2) {
      return gap('commits that were read have been replaced, as by a power cut');
    }
    this.#proofs.countedBy(index);
    this.#proofs.reachedEnd();
    if (!this.live.isLeft) return drained;
    this.#leave();
    return more;
  }

  /** Everything is in the main file: there is no log, or one that holds nothing yet. */
  #withoutLog(main: MainFile | undefined, index: WalIndex | undefined): ReadResult {
    this.lag.is(0);
    if (index !== undefined && this.live.isLeft) {
      this.#leave();
      return more;
    }
    const { path, inode, log } = this.#database;
    if (main === undefined || main.inode !== inode) return waiting;
    if (main.size === 0n) return drained;
    if (index === undefined && readMainHeader(path)?.journalMode !== 'wal') {
      this.#proofs.forget();
      return { kind: 'off' };
    }
    if (log.last === undefined) return this.#beginBehind(main, index);
    if (!this.#proofs.isUnchanged(main, index, this.position))
      return this.#reader.mayBeRecorded() ? waiting : gap(wasWritten);
    this.#reader.allIsRead();
    if (isSettled(main, Date.now())) this.#proofs.quiet = main;
    if (index !== undefined) this.#proofs.countedBy(index);
    this.#proofs.reachedEnd();
    return drained;
  }

  /** All that was recorded so far is in the main file. */
  #beginBehind(main: MainFile, index: WalIndex | undefined): ReadResult {
    if (!isSettled(main, Date.now())) return waiting;
    this.evidence.clear();
    this.#proofs.quiet = main;
    if (index !== undefined) this.#proofs.countedBy(index);
    return { kind: 'empty' };
  }

  #begin(header: WalHeader, isCounted: boolean): void {
    this.evidence.finish(this.position);
    this.#reader.begin(header);
    this.#proofs.quiet = undefined;
    if (!isCounted) this.#proofs.forgetCount();
  }

  /** The log that is open has lost its name: nobody writes it any more. */
  #leave(): void {
    this.#proofs.left(this.position);
    this.rest();
  }
}
