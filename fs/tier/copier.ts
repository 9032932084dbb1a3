// Keeps the durable copy of one database in RAM: finds what was committed since the last time and writes it in one
// batch. It holds nobody up for long. In WAL mode the mount keeps the log until it has been copied or put aside
// (fs/lock-binding/copied-logs.ts), and the pages of its new frames are all there is to do. In another journal mode,
// and whenever it cannot be proved what has changed, all pages are compared.
import { chmodSync, chownSync, closeSync, copyFileSync, existsSync, fstatSync, lstatSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { openToRead, parseMainHeader } from '../archive/tail/main-file.ts';
import type { WalHeader } from '../archive/wal/wal-frames.ts';
import type { Log } from '../log.ts';
import { keepsLogsName } from '../nodes/ram-files.ts';
import type { WalIndex } from '../sqlite/wal-index.ts';
import { complete, DurableBatch, Moved } from './batch.ts';
import { dropLeftLogs, keepLiveLog, leftLogNames, openLeftLogs, sizeOfLeftLogs } from './left-logs.ts';
import {
  type Place,
  type Position,
  readGeneration,
  readPosition,
  readState,
  stampOf,
  stampsOf,
  writeKept,
  writePosition,
  writeState,
} from './place.ts';
import { RamLog } from './ram-log.ts';
import { takeShared } from './shared-lock.ts';
import { type Unread, type UnreadPart, unreadOf } from './unread.ts';

const chunkBytes = 1 << 20;
/** A file that was written a moment ago may be written again without another time to show. */
const settledMs = 20;
/** The page of SQLite's locks: no program writes it. */
const lockByte = 0x40000000;
const firstPauseMs = 200;
const longestPauseMs = 5_000;
/** A database that has to be compared as a whole again and again gets this much rest in between. */
const comparingRest = 3;
/** So much is put aside at most. */
const mostLeftBytes = 256 << 20;
const mostTurns = 4;
const noDatabase = 'it is no SQLite database: it is copied at a stop and by tier flush alone';
/** So much is compared while a program waits. */
const lockedBytes = 4 << 20;
const nothingCopied = { salt1: 0, salt2: 0, frames: 0 };

export interface CopyStatus {
  readonly path: string;
  /** How long what was committed may have been without a durable copy; 0: it has all. */
  readonly lagMs: number;
  /** Frames of the log that are not copied. */
  readonly lagBytes: number;
  readonly sizeBytes: number;
  readonly journal: 'wal' | 'rollback';
  /** Why the copy does not keep up. */
  readonly trouble?: string;
  /** When the file was written last. */
  readonly modifiedMs: number;
}

/** `more`: logs that have ended are copied, and there may be another one. */
type Outcome = 'clean' | 'copied' | 'more' | 'later';

export class Copier {
  readonly place: Place;
  readonly #log: Log;
  #isBegun = false;
  #polling: Promise<boolean> | undefined;
  #behindSinceMs: number | undefined;
  #lagBytes = 0;
  #journal: 'wal' | 'rollback' = 'wal';
  /** As it was when the poll began: what the mount has dropped since does not come back. */
  #generation = 0n;
  #isComparing = false;
  /** Of the main file when the poll began. No number is given twice on a tmpfs. */
  #ramInode = 0;
  #kept: Position | undefined;
  /** The name of the last log that was put aside and is copied. */
  #copiedUntil = '';
  #trouble: string | undefined;
  #resumesAtMs = 0;
  #pauseMs = firstPauseMs;
  /** Stamps of the files in RAM when the durable copy had all. */
  #clean: readonly string[] = [];

  constructor(place: Place, log: Log) {
    this.place = place;
    this.#log = log;
  }

  get status(): CopyStatus {
    const file = openToRead(this.place.ram);
    const { size: sizeBytes, mtimeMs: modifiedMs } = file === undefined ? { size: 0, mtimeMs: 0 } : fstatSync(file);
    if (file !== undefined) closeSync(file);
    return {
      path: this.place.path,
      lagMs: this.#behindSinceMs === undefined ? 0 : performance.now() - this.#behindSinceMs,
      lagBytes: this.#lagBytes,
      sizeBytes,
      modifiedMs,
      journal: this.#journal,
      ...(this.#trouble === undefined ? {} : { trouble: this.#trouble }),
    };
  }

  get clean(): readonly string[] {
    return this.#clean;
  }

  /**
   * Copies a file that is no SQLite database as it is, which is not safe against a crash. False where it is one.
   */
  copyPlainly(): boolean {
    const { ram, durable } = this.place;
    if (this.#trouble !== noDatabase) return false;
    copyFileSync(ram, durable);
    return true;
  }

  /** True when the durable copy has everything that was committed when it was called. */
  poll(isUrgent = false): Promise<boolean> {
    this.#polling ??= this.#poll(isUrgent).finally(() => {
      this.#polling = undefined;
    });
    return this.#polling;
  }

  /** As poll, of a call that begins now. */
  async pollAnew(): Promise<boolean> {
    await this.#polling;
    this.keepLog();
    const until = leftLogNames(this.place).at(-1);
    const isAll = await this.poll(true);
    // What was put aside is copied: nothing else was there when this was called.
    return isAll || (until !== undefined && this.#copiedUntil >= until);
  }

  /** Puts aside what the log holds, so that it may be begun anew: a program waits for that. */
  keepLog(): void {
    if (this.#isComparing || !this.#isBegun) return;
    const generation = readGeneration(this.place);
    const copied = this.#keepsLogs() ? readPosition(this.place) : undefined;
    if (copied === undefined || sizeOfLeftLogs(this.place, leftLogNames(this.place)) > mostLeftBytes) return;
    const isNewer = this.#kept?.salt1 === copied.salt1 && this.#kept.frames > copied.frames;
    this.#kept = keepLiveLog(this.place, isNewer ? this.#kept : copied) ?? this.#kept;
    if (this.#kept !== undefined) writeKept(this.place, this.#kept, generation);
  }

  async #poll(isUrgent: boolean): Promise<boolean> {
    if (!isUrgent && performance.now() < this.#resumesAtMs) return false;
    const sinceMs = performance.now();
    try {
      await this.#begin();
      let outcome = await this.#copy();
      for (let turns = 1; outcome === 'more' && turns < mostTurns; turns++) outcome = await this.#copy();
      if (outcome === 'later') {
        this.#behindSinceMs ??= sinceMs;
        return false;
      }
      this.#trouble = undefined;
      this.#pauseMs = firstPauseMs;
      this.#behindSinceMs = outcome === 'more' ? sinceMs : undefined;
      this.#lagBytes = 0;
      return outcome !== 'more';
    } catch (error) {
      this.#behindSinceMs ??= sinceMs;
      if (!(error instanceof Moved)) this.#failed(error);
      return false;
    }
  }

  /** What a copier before this one has begun. */
  async #begin(): Promise<void> {
    if (this.#isBegun) return;
    await complete(this.place.durable);
    this.#clean = readState(this.place)?.clean ?? [];
    this.#isBegun = true;
  }

  async #copy(): Promise<Outcome> {
    this.#refuseMissing();
    copyOwner(this.place);
    this.#generation = readGeneration(this.place);
    this.#ramInode = lstatSync(this.place.ram).ino;
    const stamps = stampsOf(this.place.ram);
    const names = leftLogNames(this.place);
    const live = new RamLog(`${this.place.ram}-wal`, `${this.place.ram}-shm`);
    const left = openLeftLogs(this.place, names);
    try {
      // A log that has ended in between comes before the one that is open now.
      if (leftLogNames(this.place).join() !== names.join()) return 'later';
      const position = this.#keepsLogs() ? readPosition(this.place) : undefined;
      const unread = position === undefined ? undefined : unreadOf(left, live, position);
      const outcome =
        unread === undefined ? await this.#compare(live, names) : await this.#copyUnread(unread, live, stamps, names);
      if (outcome !== 'later') {
        dropLeftLogs(this.place, names);
        this.#copiedUntil = names.at(-1) ?? this.#copiedUntil;
      }
      return outcome;
    } finally {
      live.close();
      for (const log of left) log?.close();
    }
  }

  /** Both are removed by the mount, one after the other. */
  #refuseMissing(): void {
    const { ram, durable } = this.place;
    if (!existsSync(ram)) throw new Moved('it has gone');
    if (existsSync(durable)) return;
    this.#trouble = 'its durable copy was removed: move it to the disk and back';
    throw new Moved('it has no durable copy');
  }

  async #copyUnread(
    { parts, isLater, isAll }: Unread,
    live: RamLog,
    stamps: readonly string[],
    names: readonly string[],
  ): Promise<Outcome> {
    const last = parts.at(-1);
    this.#lagBytes = parts.reduce((sum, { bytes }) => sum + bytes, 0);
    if (last !== undefined) {
      this.#behindSinceMs ??= performance.now();
      this.#journal = 'wal';
      const outcome = await this.#copyParts(parts, last);
      return outcome === 'copied' && !isAll ? 'more' : outcome;
    }
    if (isLater) return 'later';
    if (live.state === 'unreadable') {
      this.#trouble = 'a program keeps the index of the log to itself (locking_mode=EXCLUSIVE)';
      return 'later';
    }
    if (live.state === 'open' && live.index()?.lastFrame !== 0) return 'clean';
    if (stamps.every((stamp, at) => stamp === this.#clean[at])) return 'clean';
    // Every log was copied before it was deleted or begun anew, so the file says nothing new.
    if (this.#isPageOneOfCopy() && this.#journalMode() === 'wal') {
      if (this.#isSettled()) this.#wasClean(stamps);
      return 'clean';
    }
    this.#behindSinceMs ??= performance.now();
    return await this.#compare(live, names);
  }

  #batchOf(pageBytes: number): DurableBatch {
    const { ram, durable } = this.place;
    const isStill = () => lstatSync(ram, { throwIfNoEntry: false })?.ino === this.#ramInode;
    return new DurableBatch(durable, pageBytes, isStill);
  }

  async #copyParts(parts: readonly UnreadPart[], last: UnreadPart): Promise<Outcome> {
    const batch = this.#batchOf(last.header.pageBytes);
    try {
      for (const { log, header, frames } of parts) {
        if (await this.#addFrames(batch, log, header, frames, last.index.databasePages)) continue;
        batch.abandon();
        return 'later';
      }
      await this.#commit(batch, last.index.databasePages, { ...last.index, frames: last.index.lastFrame });
      return 'copied';
    } finally {
      batch.close();
    }
  }

  /** Without that a log may have come and gone. */
  #keepsLogs(): boolean {
    return existsSync(join(this.place.folder, '..', keepsLogsName));
  }

  #isPageOneOfCopy(): boolean {
    const ours = readStart(this.place.ram, 100);
    return ours.length > 0 && ours.equals(readStart(this.place.durable, 100));
  }

  #journalMode(): 'wal' | 'rollback' {
    const header = parseMainHeader(readStart(this.place.ram, 100));
    this.#journal = header?.journalMode === 'wal' ? 'wal' : 'rollback';
    return this.#journal;
  }

  /** False where the log was begun anew meanwhile. */
  async #addFrames(
    batch: DurableBatch,
    log: RamLog,
    header: WalHeader,
    frames: ReadonlyMap<number, number>,
    databasePages: number,
  ): Promise<boolean> {
    const page = Buffer.alloc(header.pageBytes);
    let bytes = 0;
    for (const [pageNumber, frame] of frames) {
      if (pageNumber > databasePages) continue;
      log.readPage(frame, header.pageBytes, page);
      batch.add(pageNumber, page);
      bytes += page.length;
      if (bytes < chunkBytes) continue;
      bytes = 0;
      await nextTurn();
    }
    const now = log.committed();
    return now !== undefined && now.header.salt1 === header.salt1 && now.header.salt2 === header.salt2;
  }

  /** All pages that differ, as one batch; `later` where somebody writes in a way that shows no pages. */
  async #compare(log: RamLog, names: readonly string[]): Promise<Outcome> {
    if (log.state === 'unreadable') {
      this.#trouble = 'a program keeps the index of the log to itself (locking_mode=EXCLUSIVE)';
      return 'later';
    }
    this.#behindSinceMs ??= performance.now();
    const beganMs = performance.now();
    this.#isComparing = true;
    const outcome = await this.#compareOnce(log, names).finally(() => {
      this.#isComparing = false;
    });
    const tookMs = performance.now() - beganMs;
    this.#resumesAtMs = performance.now() + comparingRest * tookMs;
    return outcome;
  }

  async #compareOnce(log: RamLog, names: readonly string[]): Promise<Outcome> {
    const begun = log.committed();
    if (begun === undefined || begun.index.lastFrame === 0) return await this.#compareFile(names);
    writePosition(this.place, { ...begun.index, frames: 0 }, this.#generation); // the log is kept from now on
    const { ram } = this.place;
    const main = openToRead(ram);
    if (main === undefined) return 'later';
    const batch = this.#batchOf(begun.header.pageBytes);
    try {
      await addDifferent(batch, main, begun.header.pageBytes, true);
      const end = log.committed();
      const isSameLog = end !== undefined && isSameSalts(end.index, begun.index) && this.#areLeft(names);
      const part = isSameLog ? log.part(end.header, 0, end.index.lastFrame) : undefined;
      if (part === undefined || !isSameLog) return abandoned(batch);
      const { header, index } = end;
      const isWhole = await this.#addFrames(batch, log, header, part.frames, index.databasePages);
      if (!isWhole) return abandoned(batch);
      this.#journal = 'wal';
      await this.#commit(batch, index.databasePages, { ...index, frames: index.lastFrame });
      return 'copied';
    } finally {
      batch.close();
      closeSync(main);
    }
  }

  /** The main file alone has everything, unless a program writes it meanwhile. */
  async #compareFile(names: readonly string[]): Promise<Outcome> {
    const { ram } = this.place;
    const main = openToRead(ram);
    if (main === undefined) return 'later';
    const isSmall = fstatSync(main).size <= lockedBytes;
    const lock = isSmall ? takeShared(ram) : undefined;
    let batch: DurableBatch | undefined;
    try {
      const isHot = isJournalHot(`${ram}-journal`);
      const isHeld = lock !== undefined && (lock.isReserved || !isHot);
      if (!isHeld && (isHot || !this.#isSettled())) return 'later';
      const before = stampsOf(ram);
      if (fstatSync(main).size === 0) return await this.#empty(before);
      const header = parseMainHeader(readStart(ram, 100));
      if (header === undefined) {
        this.#trouble = noDatabase;
        return 'later';
      }
      this.#journal = header.journalMode === 'wal' ? 'wal' : 'rollback';
      batch = this.#batchOf(header.pageBytes);
      await addDifferent(batch, main, header.pageBytes, !isHeld);
      const databasePages = Math.floor(fstatSync(main).size / header.pageBytes);
      const after = stampsOf(ram);
      const isSame = after[0] === before[0] && after[1] === before[1] && this.#areLeft(names);
      const isQuiet = isSame && (isHeld || !isJournalHot(`${ram}-journal`));
      lock?.end();
      if (!isQuiet) return abandoned(batch);
      await this.#commit(batch, databasePages, nothingCopied);
      this.#wasClean(before);
      return 'copied';
    } finally {
      lock?.end();
      batch?.close();
      closeSync(main);
    }
  }

  /** No other log has ended meanwhile. */
  #areLeft(names: readonly string[]): boolean {
    return leftLogNames(this.place).join() === names.join();
  }

  /** A file of no bytes: a database to come. */
  async #empty(stamps: readonly string[]): Promise<Outcome> {
    const batch = this.#batchOf(4096);
    try {
      if (batch.sizeBytes > 0) await this.#commit(batch, 0, nothingCopied);
      this.#wasClean(stamps);
      return 'copied';
    } finally {
      batch.close();
    }
  }

  async #commit(
    batch: DurableBatch,
    databasePages: number,
    position: { readonly salt1: number; readonly salt2: number; readonly frames: number },
  ): Promise<void> {
    const { durable } = this.place;
    writeState(this.place, { isInBatch: true, durable: '', clean: [] });
    this.#clean = [];
    await batch.commit(databasePages, () => {});
    // Only now: should this process die before, the next one compares or copies once more.
    writePosition(this.place, position, this.#generation);
    writeState(this.place, { isInBatch: false, durable: stampOf(durable), clean: [] });
  }

  #wasClean(stamps: readonly string[]): void {
    this.#clean = stamps;
    writeState(this.place, { isInBatch: false, durable: stampOf(this.place.durable), clean: stamps });
  }

  #isSettled(): boolean {
    const file = openToRead(this.place.ram);
    if (file === undefined) return false;
    const { mtimeMs } = fstatSync(file);
    closeSync(file);
    return Math.abs(Date.now() - mtimeMs) > settledMs;
  }

  #failed(error: unknown): void {
    const { code, message } = error as NodeJS.ErrnoException;
    const isFull = code === 'ENOSPC' || code === 'EDQUOT';
    const reason = isFull ? 'the disk of the data directory has no space' : String(message ?? error);
    if (this.#trouble !== reason) this.#log('error', 'ramdisk-copy-failed', { database: this.place.path, reason });
    this.#trouble = reason;
    this.#resumesAtMs = performance.now() + this.#pauseMs;
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs);
    this.#isBegun = false; // what is half done is completed first
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

/** Who may do what with the file is changed on the mount, which is in RAM. */
function copyOwner({ ram, durable }: Place): void {
  const [ours, copied] = [lstatSync(ram), lstatSync(durable)];
  if (ours.uid !== copied.uid || ours.gid !== copied.gid) chownSync(durable, ours.uid, ours.gid);
  if (ours.mode !== copied.mode) chmodSync(durable, ours.mode & 0o7777);
}

function isSameSalts(one: WalIndex, other: WalIndex): boolean {
  return one.salt1 === other.salt1 && one.salt2 === other.salt2;
}

/** Whether a transaction in rollback mode is under way, or was left half done. */
function isJournalHot(path: string): boolean {
  const start = readStart(path, 8);
  return start.some((byte) => byte !== 0);
}

/** The first bytes of a file, as many as there are. */
function readStart(path: string, bytes: number): Buffer {
  const fd = openToRead(path);
  if (fd === undefined) return Buffer.alloc(0);
  try {
    const start = Buffer.alloc(bytes);
    return start.subarray(0, readSync(fd, start, 0, bytes, 0));
  } finally {
    closeSync(fd);
  }
}
