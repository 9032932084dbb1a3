// Keeps the durable copy of one database in RAM: finds what was committed since the last time and has it copied. It
// holds nobody up for long. In WAL mode the mount keeps the log until it has been copied or put aside
// (fs/lock-binding/copied-logs.ts), and the pages of its new frames are all there is to do. In another journal mode,
// and whenever it cannot be proved what has changed, all pages are compared.
import { closeSync, copyFileSync, existsSync, fstatSync } from 'node:fs';
import { join } from 'node:path';
import { openToRead, readMainHeader } from '../archive/tail/main-file.ts';
import type { Log } from '../log.ts';
import { keepsLogsName } from '../nodes/ram-positions.ts';
import { Moved } from './batch.ts';
import { compareOnce, noDatabase } from './compare.ts';
import { copyFrames } from './copy-frames.ts';
import { DurableCopy } from './durable-copy.ts';
import { dropLeftLogs, keepLiveLog, leftLogNames, openLeftLogs, sizeOfLeftLogs } from './left-logs.ts';
import { type Place, type Position, readGeneration, readPosition, stampsOf, writeKept } from './place.ts';
import { Progress } from './progress.ts';
import { haveSameHeader, isSettled } from './ram-file.ts';
import { RamLog } from './ram-log.ts';
import { type Unread, unreadOf } from './unread.ts';

/** So much is put aside at most. */
const mostLeftBytes = 256 << 20;
const mostTurns = 4;
const indexOfItsOwn = 'a program keeps the index of the log to itself (locking_mode=EXCLUSIVE)';

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
  readonly #copy: DurableCopy;
  readonly #progress: Progress;
  #isBegun = false;
  #polling: Promise<boolean> | undefined;
  #isComparing = false;
  #kept: Position | undefined;
  /** The name of the last log that was put aside and is copied. */
  #copiedUntil = '';

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
    if (!isUrgent && this.#progress.isResting) return false;
    const sinceMs = performance.now();
    try {
      await this.#begin();
      let outcome = await this.#copyNew();
      for (let turns = 1; outcome === 'more' && turns < mostTurns; turns++) outcome = await this.#copyNew();
      if (outcome === 'later') {
        this.#progress.fellBehind(sinceMs);
        return false;
      }
      this.#progress.copied(outcome === 'more' ? sinceMs : undefined);
      return outcome !== 'more';
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
    this.#progress.trouble = 'its durable copy was removed: move it to the disk and back';
    throw new Moved('it has no durable copy');
  }

  async #copyUnread(
    { parts, isLater, isAll }: Unread,
    live: RamLog,
    stamps: readonly string[],
    names: readonly string[],
  ): Promise<Outcome> {
    const last = parts.at(-1);
    this.#progress.lagBytes = parts.reduce((sum, { bytes }) => sum + bytes, 0);
    if (last !== undefined) {
      this.#progress.fellBehind();
      this.#progress.journal = 'wal';
      const outcome = await copyFrames(this.#copy, parts, last);
      return outcome === 'copied' && !isAll ? 'more' : outcome;
    }
    if (isLater) return 'later';
    if (live.state === 'unreadable') {
      this.#progress.trouble = indexOfItsOwn;
      return 'later';
    }
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
    this.#progress.fellBehind();
    const beganMs = performance.now();
    this.#isComparing = true;
    const outcome = await compareOnce(this.#copy, this.#progress, log, names).finally(() => {
      this.#isComparing = false;
    });
    this.#progress.compared(performance.now() - beganMs);
    return outcome;
  }
}
