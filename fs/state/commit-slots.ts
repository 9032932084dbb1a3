// The commits of the databases of a mount, as the fs process records them and the archive process reads them: a ring of
// records in the memory that outlives both. One process writes, at a time; any number read, at any time.
import { commitSection, firstSlotByte } from './layout.ts';

/** Words of a record. `ready` is the low part of the number: it is 0 while the record is being written. */
const word = {
  ready: 0,
  salt1: 1,
  salt2: 2,
  lastFrame: 3,
  checksum1: 4,
  checksum2: 5,
  databasePages: 6,
  pid: 7,
  fsPid: 8,
  walFd: 9,
  shmFd: 10,
  deviceMajor: 11,
  deviceMinor: 12,
  flags: 13,
  mainNanoseconds: 14,
  mainChange: 15,
} as const;
/** Doubles of a record, behind its words. */
const double = { number: 8, timeMs: 9, inode: 10, writer: 11, mainSeconds: 12, mainBytes: 13 } as const;
const flag = { isNext: 1, isClosing: 2, hasMain: 4 } as const;
const wordsOfSlot = commitSection.slotBytes / 4;
const doublesOfSlot = commitSection.slotBytes / 8;

/** A database's main file at a moment. */
export interface MainStamp {
  /** When it was written last. */
  readonly seconds: number;
  readonly nanoseconds: number;
  readonly bytes: number;
  /** The change counter in its header. */
  readonly change: number;
}

export interface CommitFacts {
  /** Milliseconds since 1970; above that of every record before it. */
  readonly timeMs: number;
  /** Of the database's main file. */
  readonly inode: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** The write-ahead log, and its last frame that is committed: see wal.c, WalIndexHdr. */
  readonly salt1: number;
  readonly salt2: number;
  readonly lastFrame: number;
  readonly checksum1: number;
  readonly checksum2: number;
  readonly databasePages: number;
  /** 0: not known. */
  readonly pid: number;
  /** Its number in the ring of writers; 0: not known. */
  readonly writer: number;
  readonly fsPid: number;
  /** Descriptors of `-wal` and `-shm` in that process; -1 for none. Others may have these numbers by now. */
  readonly walFd: number;
  readonly shmFd: number;
  /** Nobody has committed anything between the record before it, of the same database, and this one. */
  readonly isNext: boolean;
  /**
   * It is no commit: whoever had the database open as the last one has closed it. All of the log up to the last frame
   * is in the main file, and the log is gone.
   */
  readonly isClosing: boolean;
  /** The main file right behind such a close, or right before the commit; undefined: nobody has looked. */
  readonly main: MainStamp | undefined;
}

export interface CommitRecord extends CommitFacts {
  /** 1, 2, 3 ... since the mount began. */
  readonly number: number;
}

export class CommitSlots {
  readonly #words: Uint32Array;
  readonly #doubles: Float64Array;
  /** The number of the newest record. */
  readonly #newest: Float64Array;

  constructor(memory: ArrayBuffer) {
    const { startByte, slotBytes, slots } = commitSection;
    this.#newest = new Float64Array(memory, startByte, 1);
    this.#words = new Uint32Array(memory, firstSlotByte(commitSection), (slotBytes * slots) / 4);
    this.#doubles = new Float64Array(memory, firstSlotByte(commitSection), (slotBytes * slots) / 8);
  }

  /** The number of the newest record, 0 while there is none. */
  get newest(): number {
    return this.#newest[0] ?? 0;
  }

  append(facts: CommitFacts): void {
    const number = this.newest + 1;
    const slot = slotOf(number);
    const words = this.#words;
    const at = slot * wordsOfSlot;
    Atomics.store(words, at + word.ready, 0);
    words[at + word.salt1] = facts.salt1;
    words[at + word.salt2] = facts.salt2;
    words[at + word.lastFrame] = facts.lastFrame;
    words[at + word.checksum1] = facts.checksum1;
    words[at + word.checksum2] = facts.checksum2;
    words[at + word.databasePages] = facts.databasePages;
    words[at + word.pid] = facts.pid;
    words[at + word.fsPid] = facts.fsPid;
    words[at + word.walFd] = facts.walFd;
    words[at + word.shmFd] = facts.shmFd;
    words[at + word.deviceMajor] = facts.deviceMajor;
    words[at + word.deviceMinor] = facts.deviceMinor;
    words[at + word.flags] =
      (facts.isNext ? flag.isNext : 0) | (facts.isClosing ? flag.isClosing : 0) | (facts.main ? flag.hasMain : 0);
    words[at + word.mainNanoseconds] = facts.main?.nanoseconds ?? 0;
    words[at + word.mainChange] = facts.main?.change ?? 0;
    const doubles = this.#doubles;
    const doubleAt = slot * doublesOfSlot;
    doubles[doubleAt + double.number] = number;
    doubles[doubleAt + double.timeMs] = facts.timeMs;
    doubles[doubleAt + double.inode] = facts.inode;
    doubles[doubleAt + double.writer] = facts.writer;
    doubles[doubleAt + double.mainSeconds] = facts.main?.seconds ?? 0;
    doubles[doubleAt + double.mainBytes] = facts.main?.bytes ?? 0;
    // In this order: a process that is killed in between has recorded nothing, and the next one takes the same slot.
    Atomics.store(words, at + word.ready, readyWord(number));
    this.#newest[0] = number;
  }

  /** The time of the newest record, 0 while there is none. */
  get newestTimeMs(): number {
    return this.newest === 0 ? 0 : (this.#doubles[slotOf(this.newest) * doublesOfSlot + double.timeMs] ?? 0);
  }

  /**
   * The records after number `after`, oldest first, `limit` at most. `lost`: how many of them were written over before
   * they were read.
   */
  readAfter(after: number, limit: number): { readonly records: readonly CommitRecord[]; readonly lost: number } {
    const first = Math.max(after, this.newest - commitSection.slots) + 1;
    const last = Math.min(this.newest, first + limit - 1);
    const records: CommitRecord[] = [];
    for (let number = first; number <= last; number++) {
      const record = this.#read(number);
      if (record !== undefined) records.push(record);
    }
    return { records, lost: Math.max(last, after) - after - records.length };
  }

  /** undefined: it was written over. */
  #read(number: number): CommitRecord | undefined {
    const slot = slotOf(number);
    const words = this.#words.slice(slot * wordsOfSlot, (slot + 1) * wordsOfSlot);
    const doubles = this.#doubles.slice(slot * doublesOfSlot, (slot + 1) * doublesOfSlot);
    const isWhole = Atomics.load(this.#words, slot * wordsOfSlot + word.ready) === readyWord(number);
    if (!isWhole || words[word.ready] !== readyWord(number) || doubles[double.number] !== number) return undefined;
    const flags = words[word.flags] ?? 0;
    const main = {
      seconds: doubles[double.mainSeconds] ?? 0,
      nanoseconds: words[word.mainNanoseconds] ?? 0,
      bytes: doubles[double.mainBytes] ?? 0,
      change: words[word.mainChange] ?? 0,
    };
    return {
      number,
      timeMs: doubles[double.timeMs] ?? 0,
      inode: doubles[double.inode] ?? 0,
      deviceMajor: words[word.deviceMajor] ?? 0,
      deviceMinor: words[word.deviceMinor] ?? 0,
      salt1: words[word.salt1] ?? 0,
      salt2: words[word.salt2] ?? 0,
      lastFrame: words[word.lastFrame] ?? 0,
      checksum1: words[word.checksum1] ?? 0,
      checksum2: words[word.checksum2] ?? 0,
      databasePages: words[word.databasePages] ?? 0,
      pid: words[word.pid] ?? 0,
      writer: doubles[double.writer] ?? 0,
      fsPid: words[word.fsPid] ?? 0,
      walFd: (words[word.walFd] ?? 0) | 0,
      shmFd: (words[word.shmFd] ?? 0) | 0,
      isNext: (flags & flag.isNext) !== 0,
      isClosing: (flags & flag.isClosing) !== 0,
      main: (flags & flag.hasMain) === 0 ? undefined : main,
    };
  }
}

function slotOf(number: number): number {
  return (number - 1) % commitSection.slots;
}

/** Never 0, and another one for the record that had the slot before. */
function readyWord(number: number): number {
  return (number % 0x7fffffff) + 1;
}
