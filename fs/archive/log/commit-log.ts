// The log of one incarnation, for the process that appends to it. Commits go to a raw segment; one that is full is left
// to the upkeep, which compresses it, and the next commit begins a new one.
import { mkdirSync, renameSync } from 'node:fs';
import type { Commit, CommitLog, LoggedCommit } from '../commit.ts';
import { bootId } from './boot-id.ts';
import { ClosedSegment } from './closed-segment.ts';
import { type CommitRecord, decodeRecord, firstHash } from './commit-record.ts';
import { removeIfThere, syncFolderLater } from './disk.ts';
import { type Identity, writeIdentity } from './identity.ts';
import { basePath, type LogFiles, listLog } from './log-files.ts';
import { OpenLog } from './open-log.ts';
import type { PageMap } from './page-map.ts';
import { type RawEnd, recoverRaw, removeRaw, setAside } from './raw-recovery.ts';
import { RawWriter } from './raw-writer.ts';
import { diskOf, segmentBytesOn } from './room.ts';

const segmentCommits = 1 << 15;
/** A segment takes commits for so long. */
const segmentMs = 24 * 60 * 60 * 1000;

export interface CommitLogLimits {
  /** Page contents in a segment; the commit that passes it is the last one. Default: what the disk has room for. */
  readonly segmentBytes?: number;
}

interface View {
  readonly log: OpenLog;
  readonly map: PageMap;
}

export class SegmentedLog implements CommitLog {
  readonly folder: string;
  readonly #segmentBytes: number;
  #identity: Identity;
  /** Its name from the next commit on. */
  #nextName: string | undefined;
  #writer: RawWriter | undefined;
  /** Where the raw segment ends that is not full, while no writer has it open. */
  #open: RawEnd | undefined;
  /** Full, and not on the disk yet. */
  #full: RawWriter[] = [];
  #last: CommitRecord | undefined;
  #hash: Buffer;
  #syncedThrough = 0;
  #isFolderSynced = true;
  #hasBase: boolean;
  #view: View | undefined;
  #isClosed = false;
  #appendedMs = Date.now();
  #readMs = 0;
  /** Time of the first commit of the raw segment that is not full. */
  #openSinceMs = 0;

  private constructor(folder: string, identity: Identity, files: LogFiles, limits: CommitLogLimits) {
    this.folder = folder;
    this.#identity = identity;
    this.#segmentBytes = limits.segmentBytes ?? segmentBytesOn(diskOf(folder));
    this.#hasBase = files.base !== undefined;
    this.#hash = firstHash(identity.incarnation);
    this.#recover(files);
  }

  static create(folder: string, identity: Identity, limits: CommitLogLimits = {}): SegmentedLog {
    mkdirSync(folder, { recursive: true });
    writeIdentity(folder, identity);
    return new SegmentedLog(folder, identity, listLog(folder), limits);
  }

  /** @throws LogDamage: where the log ends cannot be known any more */
  static open(folder: string, identity: Identity, limits: CommitLogLimits = {}): SegmentedLog {
    const found = listLog(folder);
    for (const path of found.leftovers) removeIfThere(path);
    if (found.base?.bootId !== undefined && found.base.bootId !== bootId()) {
      removeIfThere(found.base.path);
      for (const path of found.sums.values()) removeIfThere(path);
    }
    return new SegmentedLog(folder, identity, listLog(folder), limits);
  }

  #recover({ closed, raw }: LogFiles): void {
    const newest = closed.at(-1);
    let isKnown = newest === undefined;
    if (newest !== undefined && !raw.some((first) => first > newest.last)) this.#takeClosed(newest.path);
    for (const first of raw) {
      const end = recoverRaw(this.folder, first);
      if (end === undefined) continue;
      const follows = !isKnown || end.header.chainBefore.equals(this.#hash);
      if (end.commits === 0) removeRaw(this.folder, first);
      else if (!follows && this.#last !== undefined) setAside(this.folder, first);
      else this.#takeRaw(end);
      isKnown = this.#last !== undefined;
    }
    this.#syncedThrough = this.#last?.syncedThrough ?? 0;
    this.#openSinceMs = this.#last?.timeMs ?? 0;
  }

  #takeClosed(path: string): void {
    const segment = ClosedSegment.open(path);
    try {
      this.#last = decodeRecord(segment.records(), segment.commits - 1);
      this.#hash = Buffer.from(this.#last.hash);
    } finally {
      segment.close();
    }
  }

  #takeRaw(end: RawEnd): void {
    this.#open = end;
    this.#last = end.last;
    this.#hash = end.hash;
  }

  get identity(): Identity {
    return this.#identity;
  }

  get last(): LoggedCommit | undefined {
    return this.#last;
  }

  get pageBytes(): number | undefined {
    return this.#last?.pageBytes;
  }

  get hasBase(): boolean {
    return this.#hasBase;
  }

  /** Number of the first commit of the raw segment that takes the next one; undefined: a new one will. */
  get openSegment(): number | undefined {
    return this.#open?.header.first;
  }

  /** Commits up to this number are on the disk: no power cut takes them away. */
  get syncedThrough(): number {
    return this.#syncedThrough;
  }

  get isSynced(): boolean {
    return this.#syncedThrough === (this.#last?.number ?? 0);
  }

  append(commit: Commit): number {
    this.appendSome([commit]);
    return this.#last?.number ?? 0;
  }

  appendSome(commits: readonly Commit[]): number {
    const [first] = commits;
    if (first === undefined) return 0;
    const { pageBytes = first.pageBytes } = this;
    const other = commits.find((commit) => commit.pageBytes !== pageBytes);
    if (other !== undefined) {
      throw new Error(`pages of ${other.pageBytes} bytes in a log of pages of ${pageBytes} bytes`);
    }
    if (this.#nextName !== undefined) this.rename(this.#nextName);
    const writer = this.#writerFor(first);
    const before = writer.end;
    const some = commits.slice(0, this.#countThatFit(commits, before));
    const end = writer.append(some, (this.#last?.number ?? 0) + 1, this.#last?.timeMs ?? 0, this.#syncedThrough);
    this.#takeRaw(end);
    this.#appendedMs = Date.now();
    if (before.commits === 0) {
      this.#openSinceMs = first.timeMs;
      this.#forgetView();
    }
    let at = (this.#view?.log.starts.at(-1) ?? 0) + before.pages;
    for (const { databasePages, pageNumbers } of some) {
      this.#view?.map.apply(databasePages, pageNumbers, at);
      at += pageNumbers.length;
    }
    return some.length;
  }

  /** At least one: the commit that passes the size of a segment is its last one. */
  #countThatFit(commits: readonly Commit[], { commits: inSegment, pages: pagesBefore }: RawEnd): number {
    let count = 0;
    let pages = pagesBefore;
    for (const { pageBytes, pageNumbers } of commits) {
      if (count > 0 && this.#isFull(inSegment + count, pages * pageBytes)) break;
      count += 1;
      pages += pageNumbers.length;
    }
    return count;
  }

  #isFull(commits: number, bytes: number): boolean {
    return bytes >= this.#segmentBytes || commits >= segmentCommits;
  }

  #writerFor(commit: Commit): RawWriter {
    const open = this.#open;
    const isOver =
      open !== undefined &&
      (this.#isFull(open.commits, open.pages * open.header.pageBytes) || commit.timeMs - this.#openSinceMs > segmentMs);
    if (isOver) this.rotate();
    if (this.#writer !== undefined) return this.#writer;
    if (this.#open !== undefined) {
      this.#writer = RawWriter.reopen(this.folder, this.#open);
    } else {
      this.#isFolderSynced = false;
      this.#writer = RawWriter.create(this.folder, {
        first: (this.#last?.number ?? 0) + 1,
        pageBytes: commit.pageBytes,
        incarnation: this.#identity.incarnation,
        chainBefore: this.#hash,
      });
    }
    return this.#writer;
  }

  /** The next commit begins a new segment. */
  rotate(): void {
    if (this.#writer !== undefined) this.#full.push(this.#writer);
    this.#writer = undefined;
    this.#open = undefined;
    this.#forgetView();
  }

  async sync(): Promise<void> {
    const number = this.#last?.number ?? 0;
    // What is open of a full segment takes room on the disk even when it has been compressed and removed.
    if (number === this.#syncedThrough && this.#full.length === 0) return;
    if (this.#writer === undefined && this.#open !== undefined && this.#open.commits > 0) {
      this.#writer = RawWriter.reopen(this.folder, this.#open);
    }
    const full = this.#full;
    for (const writer of [...full, ...(this.#writer === undefined ? [] : [this.#writer])]) await writer.sync();
    if (!this.#isFolderSynced) await syncFolderLater(this.folder);
    this.#isFolderSynced = true;
    for (const writer of full) writer.close();
    this.#full = this.#full.filter((writer) => !full.includes(writer));
    this.#syncedThrough = Math.max(number, this.#syncedThrough);
  }

  page(pageNumber: number): Buffer | undefined {
    if (this.#last === undefined) return undefined;
    this.#readMs = Date.now();
    this.#view ??= openView(this.folder);
    const { log, map } = this.#view;
    if (pageNumber < 1 || pageNumber > map.databasePages) return undefined;
    const content = Buffer.alloc(this.#last.pageBytes);
    return log.readPage(map, pageNumber, content) ? content : undefined;
  }

  setBase(path: string, validFrom: number): void {
    const older = listLog(this.folder).base;
    const target = basePath(this.folder, validFrom, bootId());
    renameSync(path, target);
    if (older !== undefined && older.path !== target) removeIfThere(older.path);
    this.#hasBase = true;
    this.#forgetView();
  }

  /** Its name from the next commit on: only then it is sure that it is the same database. */
  renameAtNextCommit(name: string): void {
    this.#nextName = name;
  }

  rename(name: string): void {
    this.#nextName = undefined;
    if (name === this.#identity.name) return;
    this.#identity = { ...this.#identity, name, namedMs: Date.now() };
    writeIdentity(this.folder, this.#identity);
  }

  /** Gives memory and descriptors back that were not used for so long. */
  rest(idleMs: number): void {
    const oldMs = Date.now() - idleMs;
    if (this.#readMs <= oldMs) this.#forgetView();
    if (this.#appendedMs > oldMs || !this.isSynced) return;
    this.#writer?.close();
    this.#writer = undefined;
  }

  /** Files of it were removed: what is open of them takes room on the disk. */
  wasCut(): void {
    this.#forgetView();
  }

  /** Milliseconds since the last commit, or since it was opened. */
  get idleMs(): number {
    return Date.now() - this.#appendedMs;
  }

  get openSegmentBytes(): number {
    return (this.#open?.pages ?? 0) * (this.pageBytes ?? 0);
  }

  #forgetView(): void {
    this.#view?.log.close();
    this.#view = undefined;
  }

  /** Whether somebody writes to it. */
  get isLive(): boolean {
    return !this.#isClosed;
  }

  reopen(): void {
    this.#isClosed = false;
  }

  close(): void {
    this.#isClosed = true;
    this.#forgetView();
    for (const writer of [...this.#full, ...(this.#writer === undefined ? [] : [this.#writer])]) {
      writer.syncNow();
      writer.close();
    }
    this.#full = [];
    this.#writer = undefined;
  }
}

function openView(folder: string): View {
  const log = OpenLog.open(folder);
  try {
    return { log, map: log.mapAt(Number.POSITIVE_INFINITY) };
  } catch (error) {
    log.close();
    throw error;
  }
}
