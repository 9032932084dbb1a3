// Follows one database: appends what is read of it to its log, makes the base, and after a gap has everything compared.
// Its troubles are its own: whatever fails is told, tried again later, and keeps no client waiting.
import { closeSync, rm } from 'node:fs';
import type { Log } from '../../log.ts';
import type { CommitKind, CommitLog, DatabaseId, LogStore, WalPosition } from '../commit.ts';
import type { ArchivedDatabase } from '../messages.ts';
import { copyBase } from './base-copy.ts';
import { type Comparison, compare, type Difference } from './compare.ts';
import { openMainFile, readMainHeader, readMainPage } from './main-file.ts';
import { pageSetOf } from './pages.ts';
import { noPosition } from './position.ts';
import { type ReadCommit, Reading, type ReadResult } from './reading.ts';

const mostDifferentBytes = 64 << 20;
const firstPauseMs = 200;
const longestPauseMs = 5000;
const comparingPause = 4;

export interface Progress {
  /** Another poll has something to do at once. */
  readonly hasMore: boolean;
  /** All that was committed when the poll began is in the log. */
  readonly isDrained: boolean;
}

export interface TailSurroundings {
  readonly store: LogStore;
  readonly log: Log;
  /** The mount records each commit: one without a record gets it in a moment. */
  isRecording(): boolean;
  /** Hands all records that there are to the tails. */
  readRecords(): void;
  /** `isArchived` false: nobody needs to wait until this database was read. */
  publish(id: DatabaseId, position: WalPosition, isArchived: boolean): void;
  /** Something can go on. */
  wake(): void;
  /** Whether there is no room for commits of this database. */
  hasRoom(id: DatabaseId, hasRoom: boolean): void;
}

const more: Progress = { hasMore: true, isDrained: false };
const waiting: Progress = { hasMore: false, isDrained: false };
const drained: Progress = { hasMore: false, isDrained: true };
const ownIndex = 'a program keeps it to itself (locking_mode=EXCLUSIVE)';
const noRoom = 'the archive has no space';
const otherMode = 'the journal mode is not WAL';

export class Tail {
  readonly #surroundings: TailSurroundings;
  #id: DatabaseId;
  #path: string;
  #log: CommitLog;
  #reading: Reading;
  /** Why everything has to be compared before anything can be read. */
  #gap: string | undefined;
  #isComparing = false;
  #base: 'none' | 'copying' | 'copied' = 'none';
  #copy: { readonly path: string; readonly end: AbortController } | undefined;
  #copies = 0;
  /** Why nothing goes on, and it is no gap. */
  #trouble: string | undefined;
  #isOff = false;
  /** Why the database could not be read a while ago: the reason of the gap that follows. */
  #blindness: string | undefined;
  #gaps = 0;
  #resumesAtMs = 0;
  #comparesAtMs = 0;
  #pauseMs = firstPauseMs;
  #needsSync = false;
  readonly #end = new AbortController();

  constructor(id: DatabaseId, path: string, log: CommitLog, surroundings: TailSurroundings) {
    this.#id = id;
    this.#path = path;
    this.#log = log;
    this.#surroundings = surroundings;
    this.#reading = this.#newReading();
    this.#publish(true);
  }

  get id(): DatabaseId {
    return this.#id;
  }

  get path(): string {
    return this.#path;
  }

  get log(): CommitLog {
    return this.#log;
  }

  get reading(): Reading {
    return this.#reading;
  }

  get status(): Pick<ArchivedDatabase, 'state' | 'reason' | 'lagBytes' | 'lagMs' | 'gaps'> {
    const reason = this.#trouble ?? this.#gap;
    const { lagBytes, lagMs } = this.#reading;
    const isBehind = reason !== undefined || lagBytes > 0;
    const state = this.#isOff ? 'off' : isBehind ? 'behind' : this.#log.hasBase ? 'current' : 'copying';
    return { state, ...(reason === undefined ? {} : { reason }), lagBytes, lagMs, gaps: this.#gaps };
  }

  rename(id: DatabaseId, path: string): void {
    this.#surroundings.store.rename(this.#id, id.name);
    this.#id = id;
    this.#path = path;
    this.#reading.rest();
  }

  /** Closes the descriptors of an idle database until it is looked at again. */
  rest(): void {
    this.#reading.rest();
  }

  /** The database is gone. */
  close(): void {
    this.end();
    this.#surroundings.hasRoom(this.#id, true);
    this.#surroundings.store.forget(this.#id);
  }

  /** Nothing is read any more; the log stays open. */
  end(): void {
    this.#end.abort();
    this.#dropCopy();
    this.#reading.live.close();
    this.#surroundings.publish(this.#id, noPosition, false);
  }

  async sync(): Promise<void> {
    if (!this.#needsSync) return;
    this.#needsSync = false;
    await this.#log.sync();
  }

  poll(): Progress {
    if (this.#isComparing || performance.now() < this.#resumesAtMs) return waiting;
    if (this.#gap !== undefined && performance.now() < this.#comparesAtMs) return waiting;
    const isCopied = this.#base === 'copied';
    try {
      if (this.#gap !== undefined) {
        this.#beginComparing(this.#gap);
        return waiting;
      }
      return this.#after(this.#reading.read(), isCopied);
    } catch (error) {
      this.#failed(error);
      return waiting;
    }
  }

  #after(result: ReadResult, isCopied: boolean): Progress {
    const { kind } = result;
    if (kind !== 'off' && kind !== 'unreadable') this.#isOff = false;
    if (kind === 'drained') return this.#wasDrained(isCopied);
    if (kind === 'waiting') return waiting;
    if (kind === 'more') this.#recovered();
    else if (kind === 'empty') this.#beginWithoutLog();
    else if (kind === 'gap') this.#missed(result.reason);
    else if (kind === 'other-page-size') this.#beginAnew('its page size has changed');
    else if (kind === 'too-large') {
      this.#reading.skipLog();
      this.#beginAnew('a transaction was too large to be archived');
      this.#publish(false);
    } else return this.#cannotRead(kind);
    return more;
  }

  #wasDrained(isCopied: boolean): Progress {
    this.#recovered();
    if (this.#log.last === undefined) return drained;
    if (!this.#log.hasBase) {
      if (isCopied) this.#setBase(this.#log.last.number);
      else if (this.#base === 'none') this.#copyBase();
    }
    this.#publish(true);
    return drained;
  }

  #recovered(): void {
    if (this.#trouble === noRoom) this.#surroundings.hasRoom(this.#id, true);
    this.#trouble = undefined;
    this.#pauseMs = firstPauseMs;
  }

  #cannotRead(kind: 'off' | 'unreadable'): Progress {
    this.#isOff = true;
    this.#trouble = kind === 'off' ? otherMode : ownIndex;
    this.#blindness = this.#trouble;
    this.#publish(false);
    return drained;
  }

  #append(commit: ReadCommit): void {
    const { record, pageBytes, databasePages, pages, position } = commit;
    const last = this.#log.last;
    const kind: CommitKind = last === undefined ? 'base' : 'commit';
    this.#log.append({
      kind,
      timeMs: Math.max(commit.timeMs, last?.timeMs ?? 0),
      writer: record?.writer() ?? null,
      pageBytes,
      databasePages,
      ...pageSetOf(pages, pageBytes, databasePages, last?.databasePages),
      position,
    });
    this.#needsSync = true;
    this.#surroundings.publish(this.#id, position, true);
  }

  /** All is in the main file: the history begins with what its header says, and the base brings the rest. */
  #beginWithoutLog(): void {
    const main = openMainFile(this.#path, this.#id.inode);
    const header = readMainHeader(this.#path);
    if (main === undefined || header === undefined) return;
    try {
      const { pageBytes, databasePages } = header;
      const pages = readMainPage(main, 1, pageBytes);
      this.#log.append({
        kind: 'base',
        timeMs: Date.now(),
        writer: null,
        pageBytes,
        databasePages: Math.max(1, databasePages),
        pageNumbers: Uint32Array.of(1),
        pages,
        position: noPosition,
      });
      this.#needsSync = true;
    } finally {
      closeSync(main);
    }
  }

  #copyBase(): void {
    const path = `${this.#surroundings.store.unfinishedBasePath(this.#id)}-${++this.#copies}`;
    const copy = { path, end: new AbortController() };
    this.#copy = copy;
    this.#base = 'copying';
    copyBase(this.#path, path, copy.end.signal).then(
      () => {
        if (this.#copy === copy) this.#base = 'copied';
        else rm(path, { force: true }, () => {});
        this.#surroundings.wake();
      },
      (error) => {
        if (this.#copy !== copy) return;
        this.#base = 'none';
        if (!copy.end.signal.aborted) this.#failed(error);
      },
    );
  }

  #dropCopy(): void {
    this.#copy?.end.abort();
    this.#copy = undefined;
    this.#base = 'none';
  }

  /** Every page that a checkpoint changed while the base was copied is in the commits that were read since. */
  #setBase(validFrom: number): void {
    if (this.#copy === undefined) return;
    this.#log.setBase(this.#copy.path, validFrom);
    this.#copy = undefined;
    this.#base = 'none';
    this.#surroundings.log('info', 'archive-began', { database: this.#id.name, commit: validFrom });
  }

  #missed(seen: string): void {
    const reason = this.#blindness ?? seen;
    this.#blindness = undefined;
    this.#gaps += 1;
    this.#surroundings.log('warn', 'archive-gap', { database: this.#id.name, reason });
    // Without a base no state can be had yet: nothing is lost.
    if (this.#log.hasBase) this.#gap = reason;
    else this.#beginAnew(reason);
  }

  #beginAnew(reason: string): void {
    if (this.#log.last !== undefined) {
      this.#log = this.#surroundings.store.newIncarnation(this.#id, reason);
      this.#surroundings.log('warn', 'archive-began-anew', { database: this.#id.name, reason });
    }
    this.#gap = undefined;
    this.#dropCopy();
    this.#reading.beginAnew();
  }

  #beginComparing(reason: string): void {
    this.#isComparing = true;
    const beganMs = performance.now();
    const { path, log } = this;
    const { inode } = this.#id;
    const begin = () => {
      this.#surroundings.readRecords();
      this.#reading.evidence.clear();
    };
    compare({ path, inode, log, mostBytes: mostDifferentBytes, signal: this.#end.signal, begin })
      .then((comparison) => this.#compared(reason, comparison))
      .catch((error) => {
        if (!this.#end.signal.aborted) this.#failed(error);
      })
      .finally(() => {
        this.#isComparing = false;
        // A database that cannot be followed is not read whole all the time.
        this.#comparesAtMs = performance.now() + comparingPause * (performance.now() - beganMs);
        this.#surroundings.wake();
      });
  }

  #compared(reason: string, comparison: Comparison): void {
    if (this.#end.signal.aborted) return;
    if (comparison.kind === 'compared') this.#appendDifference(reason, comparison.difference);
    else if (comparison.kind === 'too-different') this.#beginAnew(reason);
    else if (comparison.kind === 'busy') this.#pause();
    else {
      this.#cannotRead(comparison.kind === 'not-wal' ? 'off' : 'unreadable');
      this.#pause();
    }
  }

  #appendDifference(reason: string, difference: Difference): void {
    const { pageBytes, databasePages, pages, position = noPosition, quiet } = difference;
    const { last } = this.#log;
    if (pages.size > 0 || databasePages !== last?.databasePages) {
      this.#log.append({
        kind: 'resync',
        timeMs: Math.max(Date.now(), last?.timeMs ?? 0),
        writer: null,
        reason,
        pageBytes,
        databasePages,
        ...pageSetOf(pages, pageBytes, databasePages),
        position,
      });
      this.#needsSync = true;
    }
    this.#gap = undefined;
    this.#isOff = false;
    this.#recovered();
    this.#reading.goOnFrom(position, quiet);
    this.#publish(true);
  }

  #publish(isArchived: boolean): void {
    this.#surroundings.publish(this.#id, this.#reading.position, isArchived);
  }

  /** Clients need not wait for a database that cannot be archived now. */
  #failed(error: unknown): void {
    const { code, message } = error as NodeJS.ErrnoException;
    const isFull = code === 'ENOSPC' || code === 'EDQUOT';
    const reason = isFull ? noRoom : String(message ?? error);
    if (isFull) this.#surroundings.hasRoom(this.#id, false);
    else if (this.#trouble !== reason) {
      this.#surroundings.log('error', 'archive-failed', { database: this.#id.name, reason, code: code ?? 'internal' });
    }
    this.#trouble = reason;
    this.#publish(false);
    this.#pause();
  }

  #pause(): void {
    this.#resumesAtMs = performance.now() + this.#pauseMs;
    this.#pauseMs = Math.min(2 * this.#pauseMs, longestPauseMs);
  }

  #newReading(): Reading {
    const tail = this;
    return new Reading({
      get path() {
        return tail.path;
      },
      get inode() {
        return tail.id.inode;
      },
      get log() {
        return tail.log;
      },
      isRecording: () => this.#surroundings.isRecording(),
      append: (commit) => this.#append(commit),
    });
  }
}
