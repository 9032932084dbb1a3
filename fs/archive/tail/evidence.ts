// What the mount has recorded of the commits of one database: who made each one and when, how far each write-ahead log
// was committed, and by which descriptor of the fs process it can be read after it has lost its name. It remembers; it
// reads nothing.

import { isSameLog, type Salts } from '../../sqlite/wal-index.ts';
import type { WalPosition, Writer } from '../commit.ts';
import type { QuietStamp } from './main-file.ts';

export interface MainStamp extends QuietStamp {
  /** The change counter in its header. */
  readonly change: number;
}

/** One commit through the mount, as the fs process has recorded it. */
export interface CommitRecord {
  /** Of the record: 1, 2, 3 ... over all databases of a mount. */
  readonly number: number;
  readonly timeMs: number;
  /** Of the main file, in decimal. */
  readonly inode: string;
  readonly device: string;
  readonly salt1: number;
  readonly salt2: number;
  /** The last frame of the transaction. */
  readonly lastFrame: number;
  readonly fsPid: number;
  /** Descriptors of `-wal` and `-shm` in the fs process. */
  readonly walFd: number;
  readonly shmFd: number;
  /** Nobody has committed anything between the record before it, of the same database, and this one. */
  readonly isNext: boolean;
  /** It is no commit: the log was closed by the last program that had it, and all of it is in the main file. */
  readonly isClosing: boolean;
  /** The main file right behind such a close, or right before the commit; undefined: nobody has looked. */
  readonly main: MainStamp | undefined;
  /** Asked when the commit is read: a name may come a moment after the record. undefined: not yet known. */
  readonly writer: () => Writer | null | undefined;
}

/** One write-ahead log, from its first frame until it is begun anew or deleted. */
export interface Generation {
  readonly salt1: number;
  readonly salt2: number;
  /** The newest frame that is recorded as committed. */
  lastFrame: number;
  readonly first: CommitRecord;
  newest: CommitRecord;
  /** By last frame; the first record of a frame counts. */
  readonly records: Map<number, CommitRecord>;
}

/** Records of one log whose writers are remembered while the tail cannot go on. */
const mostRecords = 20_000;
/** Logs that were read to their end, whose records may still come. */
const mostFinished = 64;
const mostClosings = 64;

export class Evidence {
  /** In the order in which they were begun. */
  #generations: Generation[] = [];
  #finished: Salts[] = [];
  /** The log in which this process has begun to read. */
  #first: Salts | undefined;
  #closings: CommitRecord[] = [];
  /** Every commit since the one that was read last has a record here, if it was made through the mount. */
  isAnchored = false;
  /** While it is set, logs that were begun behind the record with this number are not looked at. */
  newest: number | undefined;

  add(record: CommitRecord): void {
    if (record.isClosing) {
      this.#closings.push(record);
      if (this.#closings.length > mostClosings) this.#closings.shift();
      return;
    }
    if (this.#finished.some((salts) => isSameLog(salts, record))) return;
    let generation = this.#generations.at(-1);
    if (generation === undefined || !isSameLog(generation, record)) {
      const { salt1, salt2, lastFrame } = record;
      generation = { salt1, salt2, lastFrame, first: record, newest: record, records: new Map() };
      this.#generations.push(generation);
    }
    // A transaction that was rolled back gives WRITE back as well, and leaves the index as it was.
    if (!generation.records.has(record.lastFrame)) generation.records.set(record.lastFrame, record);
    if (record.lastFrame > generation.lastFrame) generation.lastFrame = record.lastFrame;
    generation.newest = record;
    if (this.#first !== undefined && isSameLog(this.#first, record)) this.#anchor();
    if (generation.records.size > mostRecords) {
      for (const frame of generation.records.keys()) {
        generation.records.delete(frame);
        break;
      }
    }
  }

  /** The log that comes next: that of `position` if frames of it are unread, else the one behind it. */
  next(position: WalPosition): Generation | undefined {
    const at = this.#generations.findIndex((generation) => isSameLog(generation, position));
    if (at > 0) this.#generations.splice(0, at);
    const [first, second] = this.#generations;
    const isBehind = first === undefined || !isSameLog(first, position) || first.lastFrame > position.frames;
    const found = isBehind ? first : second;
    return this.newest !== undefined && found !== undefined && found.first.number > this.newest ? undefined : found;
  }

  /** Reading begins at this position: once a commit of its log is recorded, all that come later are. */
  beginAt(position: WalPosition): void {
    this.#first = position;
    if (this.#of(position) !== undefined) this.#anchor();
  }

  #anchor(): void {
    this.isAnchored = true;
    this.#first = undefined;
  }

  recordOf({ salt1, salt2, frames }: WalPosition): CommitRecord | undefined {
    return this.#of({ salt1, salt2 })?.records.get(frames);
  }

  /** When the transaction behind `position` was committed at the latest. */
  latestTimeMs(position: WalPosition): number | undefined {
    let latest: CommitRecord | undefined;
    for (const [frame, record] of this.#of(position)?.records ?? []) {
      if (frame >= position.frames && (latest === undefined || frame < latest.lastFrame)) latest = record;
    }
    return latest?.timeMs;
  }

  /** Forgets what lies before a position: it has been read. */
  passed(position: WalPosition): void {
    for (const frame of this.#of(position)?.records.keys() ?? []) {
      if (frame > position.frames) break;
      this.#of(position)?.records.delete(frame);
    }
  }

  /** The main file right behind the last close of the log of this position, if that is where the log ended. */
  closedAt(position: WalPosition): MainStamp | undefined {
    const isOf = (closing: CommitRecord) => isSameLog(closing, position) && closing.lastFrame === position.frames;
    return this.#closings.findLast(isOf)?.main;
  }

  /** The oldest log is of no use: nothing has to follow on it. */
  dropOldest(): void {
    this.#generations.shift();
  }

  /** The same, and what is recorded of it is forgotten: nothing follows on it in another log. */
  leave(salts: Salts): void {
    this.finish(salts);
    this.#generations = this.#generations.filter((generation) => !isSameLog(generation, salts));
  }

  /** Nothing more of this log will be read. */
  finish({ salt1, salt2 }: Salts): void {
    this.#first = undefined;
    this.#finished.push({ salt1, salt2 });
    if (this.#finished.length > mostFinished) this.#finished.shift();
  }

  /** A commit of this log is recorded. */
  knows(salts: Salts): boolean {
    return this.#of(salts) !== undefined || this.#finished.some((finished) => isSameLog(finished, salts));
  }

  /** Everything that was recorded up to now has been read by other means. */
  clear(): void {
    this.#generations = [];
  }

  #of(salts: Salts): Generation | undefined {
    return this.#generations.find((generation) => isSameLog(generation, salts));
  }
}
