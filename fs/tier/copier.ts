// Keeps the durable copy of one database in RAM: finds what was committed since the last time and has it copied. It
// holds nobody up for long. In WAL mode the logs and the mount's notes about them (fs/lock-binding/copied-logs.ts) say
// which pages are new. In another journal mode, and whenever it cannot be proved what has changed, all pages are
// compared.
import { closeSync, copyFileSync, existsSync, fstatSync } from 'node:fs';
import { join } from 'node:path';
import { openToRead, readMainHeader } from '../archive/tail/main-file.ts';
import type { Log } from '../log.ts';
import { keepsLogsName } from '../nodes/ram-positions.ts';
import { isSameLog } from '../sqlite/wal-index.ts';
import { Moved } from './batch.ts';
import { compareOnce, noDatabase } from './compare.ts';
import { copyPages } from './copy-pages.ts';
import { DurableCopy } from './durable-copy.ts';
import { leftNames, notesOf } from './left-logs.ts';
import { type Place, type Position, readPosition, stampsOf } from './place.ts';
import { Progress } from './progress.ts';
import { haveSameHeader, isSettled } from './ram-file.ts';
import { RamLog } from './ram-log.ts';

const indexOfItsOwn = 'a program keeps the index of the log to itself (locking_mode=EXCLUSIVE)';
/** SQLite makes the index anew at the next read. The last program may have been ended, so that nobody reads. */
const halfWrittenIndex =
  'the index of the log is half written, by a program that was ended: open and read the database once';
/** So long no program that is alive takes to write the index, however busy the machine is. */
const longestIndexWriteMs = 1_000;

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

type Outcome = 'clean' | 'copied' | 'later';

/** What was written since the last copy. */
interface New {
  readonly pages: ReadonlySet<number>;
  /** 0: no log has ended. */
  readonly databasePages: number;
  readonly pageBytes: number;
  readonly bytes: number;
}

export class Copier {
  readonly place: Place;
  readonly #copy: DurableCopy;
  readonly #progress: Progress;
  #isBegun = false;
  #polling: Promise<boolean> | undefined;

  constructor(place: Place, log: Log) {
    this.place = place;
    this.#copy = new DurableCopy(place);
    this.#progress = new Progress(place.path, log);
  }

  get status(): CopyStatus {
    const file = openToRead(this.place.ram);
    const { size: sizeBytes, mtimeMs: modifiedMs } = file === undefined ? { size: 0, mtimeMs: 0 } : fstatSync(file);
    if (file !== undefined) closeSync(file);
    const { lagMs, lagBytes, journal, trouble } = this.#progress;
    return {
      path: this.place.path,
      lagMs,
      lagBytes,
      sizeBytes,
      modifiedMs,
      journal,
      ...(trouble === undefined ? {} : { trouble }),
    };
  }

  /**
   * Copies a file that is no SQLite database as it is, which is not safe against a crash. False where it is one.
   */
  copyPlainly(): boolean {
    const { ram, durable } = this.place;
    if (this.#progress.trouble !== noDatabase) return false;
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
    return await this.poll(true);
  }

  async #poll(isUrgent: boolean): Promise<boolean> {
    if (!isUrgent && this.#progress.isResting) return false;
    const sinceMs = performance.now();
    try {
      await this.#begin();
      if ((await this.#copyNew()) === 'later') {
        this.#progress.fellBehind(sinceMs);
        return false;
      }
      this.#progress.copied();
      return true;
    } catch (error) {
      this.#progress.fellBehind(sinceMs);
      if (!(error instanceof Moved)) {
        this.#progress.failed(error);
        this.#isBegun = false; // what is half done is completed first
      }
      return false;
    }
  }

  async #begin(): Promise<void> {
    if (this.#isBegun) return;
    await this.#copy.begin();
    this.#isBegun = true;
  }

  async #copyNew(): Promise<Outcome> {
    this.#refuseMissing();
    this.#copy.meet();
    const stamps = stampsOf(this.place.ram);
    const names = leftNames(this.place);
    const live = new RamLog(`${this.place.ram}-wal`, `${this.place.ram}-shm`);
    try {
      const position = this.#keepsLogs() ? readPosition(this.place) : undefined;
      const found = position && this.#newSince(position, live, names);
      if (found === 'later') return this.#unknown(live);
      if (position === undefined || found === undefined) return await this.#compare(live, names);
      if (found.bytes > 0) return await this.#copyPages(found, position, names);
      if (leftNames(this.place).length > names.length) return 'later'; // another log has ended since
      this.#copy.dropLeft(names);
      return await this.#copyUnlogged(live, stamps, names);
    } finally {
      live.close();
    }
  }

  /** undefined: everything has to be compared. `later`: it cannot be told now. */
  #newSince(position: Position, live: RamLog, names: readonly string[]): New | 'later' | undefined {
    const notes = notesOf(this.place, names, position, this.#copy.lastLeft);
    if (notes === undefined) return undefined;
    const committed = live.state === 'unreadable' ? 'empty' : live.committed();
    if (committed === 'unknown') return 'later';
    const index = committed === 'empty' ? undefined : committed;
    const copied = index !== undefined && isSameLog(position, index) ? position.frames : 0;
    if (index !== undefined && copied > index.lastFrame) return undefined;
    const frames = (index?.lastFrame ?? 0) - copied;
    const last = notes.at(-1);
    const pageBytes = index?.pageBytes ?? last?.pageBytes ?? 0;
    const pages = new Set(notes.flatMap((note) => [...note.pages]));
    return {
      pages,
      databasePages: last?.databasePages ?? 0,
      pageBytes,
      bytes: (pages.size + Math.max(0, frames)) * pageBytes,
    };
  }

  /** It cannot be told what is committed. */
  #unknown({ state }: RamLog): 'later' {
    const isOld = this.#progress.lagMs > longestIndexWriteMs;
    if (state === 'torn' && isOld) this.#progress.trouble = halfWrittenIndex;
    return 'later';
  }

  /** Both are removed by the mount, one after the other. */
  #refuseMissing(): void {
    const { ram, durable } = this.place;
    if (!existsSync(ram)) throw new Moved('it has gone');
    if (existsSync(durable)) return;
    this.#progress.trouble = 'its durable copy was removed: move it to the disk and back';
    throw new Moved('it has no durable copy');
  }

  async #copyPages(found: New, position: Position, names: readonly string[]): Promise<Outcome> {
    this.#progress.lagBytes = found.bytes;
    this.#progress.fellBehind();
    this.#progress.journal = 'wal';
    const batch = this.#copy.batchOf(found.pageBytes);
    try {
      return await copyPages(this.#copy, batch, { ...found, names, position });
    } finally {
      batch.close();
    }
  }

  /** No log has anything new. */
  async #copyUnlogged(live: RamLog, stamps: readonly string[], names: readonly string[]): Promise<Outcome> {
    if (live.state === 'unreadable') {
      this.#progress.trouble = indexOfItsOwn;
      return 'later';
    }
    if (live.state === 'torn') return this.#unknown(live);
    if (live.state === 'open' && live.index()?.lastFrame !== 0) return 'clean';
    if (this.#copy.wasCleanAt(stamps)) return 'clean';
    // Every log was copied before it was deleted or begun anew, so the file says nothing new.
    if (haveSameHeader(this.place.ram, this.place.durable) && this.#journalMode() === 'wal') {
      if (isSettled(this.place.ram)) this.#copy.noteClean(stamps);
      return 'clean';
    }
    this.#progress.fellBehind();
    return await this.#compare(live, names);
  }

  /** Without that a log may have come and gone. */
  #keepsLogs(): boolean {
    return existsSync(join(this.place.folder, '..', keepsLogsName));
  }

  #journalMode(): 'wal' | 'rollback' {
    this.#progress.journal = readMainHeader(this.place.ram)?.journalMode === 'wal' ? 'wal' : 'rollback';
    return this.#progress.journal;
  }

  /** All pages that differ, as one batch; `later` where somebody writes in a way that shows no pages. */
  async #compare(log: RamLog, names: readonly string[]): Promise<Outcome> {
    if (log.state === 'unreadable') {
      this.#progress.trouble = indexOfItsOwn;
      return 'later';
    }
    if (log.state === 'torn') return this.#unknown(log);
    this.#progress.fellBehind();
    const beganMs = performance.now();
    const outcome = await compareOnce(this.#copy, this.#progress, log, names);
    this.#progress.compared(performance.now() - beganMs);
    return outcome;
  }
}
