// What is known of a database at the position up to which it was read, and whether that proves that another log, or
// none, follows on it with nothing in between.
import type { WalIndex } from '../../sqlite/wal-index.ts';
import { isSameLog } from '../../sqlite/wal-index.ts';
import type { WalPosition } from '../commit.ts';
import type { WalHeader } from '../wal/wal-frames.ts';
import { isNextByCount, leftoverEnd } from './continuity.ts';
import type { Evidence, Generation } from './evidence.ts';
import type { LiveLog } from './live-log.ts';
import { isQuietSince, lookAtMainFile, type MainFile, parseMainHeader, type QuietStamp } from './main-file.ts';
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
  isUnchanged(main: MainFile, index: WalIndex | undefined, position: WalPosition): boolean {
    if (index !== undefined && this.isCounted(index)) return true;
    return this.#isQuiet(main, position);
  }

  /** The main file has not been written since it held all up to the position, and no log held more. */
  #isQuiet(main: QuietStamp, position: WalPosition): boolean {
    if (isQuietSince(main, this.quiet)) return true;
    const closed = this.#evidence.closedAt(position);
    // Who goes on in rollback mode before EXCLUSIVE is given back raises the counter.
    return closed !== undefined && isQuietSince(main, closed) && closed.change === this.#archivedChange();
  }

  #archivedChange(): number | undefined {
    const first = this.#database.log.page(1);
    return first === undefined ? undefined : parseMainHeader(first)?.changeCounter;
  }

  isNextByCount(wal: number, header: WalHeader, index: WalIndex): boolean {
    if (this.#change === undefined || !this.canCount) return false;
    return isNextByCount(wal, header, index, this.#change.count);
  }

  /** Whether any log that is about to be read follows on all that was read. */
  isNext(position: WalPosition): boolean {
    const { log, path } = this.#database;
    if (log.last === undefined) return true;
    const main = lookAtMainFile(path);
    return main !== undefined && this.#isQuiet(main, position);
  }

  /** The mount says that the first commit of this log is the next one after the position. */
  isNextByRecord(position: WalPosition, { first }: Generation): boolean {
    if (first.main !== undefined && this.#isQuiet(first.main, position)) return true;
    const isSameMount = this.#fsPid === undefined || this.#fsPid === first.fsPid;
    return first.isNext && this.#evidence.isAnchored && isSameMount;
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
