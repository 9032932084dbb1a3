// What is known of a database at the position up to which it was read, and whether that proves that another log, or
// none, follows on it with nothing in between.
import type { WalIndex } from '../../sqlite/wal-index.ts';
import type { WalPosition } from '../commit.ts';
import type { WalHeader } from '../wal/wal-frames.ts';
import { isMainPageOne, isNextByCount, isNextByPageOne, leftoverEnd } from './continuity.ts';
import type { Evidence, Generation } from './evidence.ts';
import type { LiveLog } from './live-log.ts';
import { isQuietSince, lookAtMainFile, type MainFile, type QuietStamp } from './main-file.ts';
import { isSameLog } from './position.ts';
import type { ReadDatabase } from './read-result.ts';

export class Proofs {
  /** The main file when everything was read and no log held anything more. */
  quiet: QuietStamp | undefined;
  readonly #database: ReadDatabase;
  readonly #evidence: Evidence;
  readonly #live: LiveLog;
  /** What the index counted at the position. */
  #change: { readonly count: number; readonly shmInode: number } | undefined;
  /** The process that recorded the last commit that was read. */
  #fsPid: number | undefined;

  constructor(database: ReadDatabase, evidence: Evidence, live: LiveLog) {
    this.#database = database;
    this.#evidence = evidence;
    this.#live = live;
  }

  /** The position is one of a log of this index: what it counts now is what it counted there. */
  countedBy(index: WalIndex): void {
    this.#change = { count: index.change, shmInode: this.#live.shmInode };
  }

  /** The position is one commit further. */
  countOne(): void {
    if (this.#change !== undefined) this.#change = { ...this.#change, count: (this.#change.count + 1) >>> 0 };
  }

  recordedBy(generation: Generation): void {
    this.#fsPid = generation.newest.fsPid;
  }

  /** Whoever counts may be another index by the time it is looked at again. */
  forgetCount(): void {
    this.#change = undefined;
  }

  /** Somebody may have written in a way that nothing here tells of. */
  forget(): void {
    this.quiet = undefined;
    this.#change = undefined;
    this.#evidence.isAnchored = false;
  }

  /** Everything that was committed up to now is read; what is committed from now on is recorded. */
  reachedEnd(): void {
    this.#evidence.isAnchored = this.#database.isRecording();
  }

  /** The index that is open has counted the commits that were read. */
  get canCount(): boolean {
    return this.#change?.shmInode === this.#live.shmInode;
  }

  /** The index counts no commit behind the position. */
  isCounted(index: WalIndex): boolean {
    return this.canCount && this.#change?.count === index.change;
  }

  /** No log holds anything: nothing was committed since the position. */
  isUnchanged(main: MainFile, index: WalIndex | undefined): boolean {
    if (index !== undefined && this.isCounted(index)) return true;
    if (isQuietSince(main, this.quiet)) return true;
    return this.#evidence.isAnchored && isMainPageOne(this.#database);
  }

  isNextByCount(wal: number, header: WalHeader, index: WalIndex): boolean {
    if (this.#change === undefined || !this.canCount) return false;
    return isNextByCount(wal, header, index, this.#change.count);
  }

  /** Whether any log that is about to be read follows on all that was read. */
  isNext(): boolean {
    const { log, path } = this.#database;
    if (log.last === undefined) return true;
    const main = lookAtMainFile(path);
    return main !== undefined && isQuietSince(main, this.quiet);
  }

  /** Each commit since the position has a record, and this log's comes next. */
  isNextByRecords(position: WalPosition, generation: Generation, wal: number, header: WalHeader, end: number): boolean {
    if (!this.#evidence.isAnchored) return false;
    if (this.#fsPid !== undefined && this.#fsPid !== generation.newest.fsPid) return false;
    const isRestart = header.salt1 === (position.salt1 + 1) >>> 0 && position.frames > 0;
    return isRestart || isNextByPageOne(this.#database, wal, header, end);
  }

  /** The end of the log that was begun anew, where just what is missing of it is still there. */
  leftoverEnd(header: WalHeader, position: WalPosition, index: WalIndex): number | undefined {
    if (this.#change === undefined || !this.canCount) return undefined;
    return leftoverEnd(this.#live.walFd, header, position, index, this.#change.count);
  }

  /** The log that is open has lost its name: nobody writes it any more. */
  left(position: WalPosition): void {
    const { unlinkedNs } = this.#live;
    const main = lookAtMainFile(this.#database.path);
    // The last close writes the main file, then deletes the log.
    const isEnd = unlinkedNs !== undefined && main !== undefined && main.mtimeNs <= unlinkedNs;
    if (isEnd && this.#isAtEnd(position)) this.quiet = main;
  }

  #isAtEnd(position: WalPosition): boolean {
    const index = this.#live.index();
    if (index === undefined) return false;
    if (index.lastFrame === 0) return this.isCounted(index);
    return isSameLog(index, position) && index.lastFrame === position.frames;
  }
}
