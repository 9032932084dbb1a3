// Reads commits behind a position out of a write-ahead log that is known to follow on it, up to a frame that is known
// to be committed, each with its record.
import { fstatSync } from 'node:fs';
import type { WalPosition } from '../commit.ts';
import { batchesOf, CommitTooLarge, chunkBytes, holdsPosition, startOf, type WalCommit } from '../wal/wal-file.ts';
import type { WalHeader } from '../wal/wal-frames.ts';
import type { CommitRecord, Evidence } from './evidence.ts';
import { noPosition } from './position.ts';
import {
  gap,
  more,
  type ReadCommit,
  type ReadDatabase,
  type ReadResult,
  recordGraceMs,
  waiting,
  wasBegunAnew,
} from './read-result.ts';

/** What one step reads before another database has its turn. */
const batchBytes = 4 << 20;
const batchCommits = 1000;
const mostCommitBytes = 256 << 20;
const brokenReads = 3;
/** One for all databases: a step appends what it reads before it ends. */
const readBuffer = Buffer.allocUnsafeSlow(chunkBytes);

export class LogReader {
  position: WalPosition;
  /** The last step came to the frame up to which it was to read. */
  isCaughtUp = false;
  readonly #database: ReadDatabase;
  readonly #evidence: Evidence;
  readonly #wasRead: () => void;
  /** The log that is open is known to hold the frame of the position. */
  #isVerified = false;
  #unrecordedSinceMs: number | undefined;
  #brokenReads = 0;

  /** @param wasRead called for each commit, once it is in the log of the database */
  constructor(database: ReadDatabase, evidence: Evidence, wasRead: () => void) {
    this.#database = database;
    this.#evidence = evidence;
    this.#wasRead = wasRead;
    this.position = database.log.last?.position ?? noPosition;
  }

  /** Another descriptor will be read: whether it holds the position has to be looked at. */
  forgetDescriptor(): void {
    this.#isVerified = false;
  }

  /** The log of this header follows on everything that was read. */
  begin(header: WalHeader): void {
    this.position = startOf(header);
    this.#isVerified = true;
    this.#brokenReads = 0;
  }

  /** Reads up to frame `end` of the log of the position, or as much as may be read in one go. */
  advance(wal: number, header: WalHeader, end: number): ReadResult {
    const { log } = this.#database;
    this.isCaughtUp = false;
    if (log.pageBytes !== undefined && log.pageBytes !== header.pageBytes) return { kind: 'other-page-size' };
    if (!this.#isVerified && !holdsPosition(wal, header, this.position)) return gap(wasBegunAnew);
    this.#isVerified = true;
    try {
      const result = this.#appendUpTo(wal, header, end);
      if (result !== undefined) return result;
    } catch (error) {
      if (error instanceof CommitTooLarge) return { kind: 'too-large' };
      throw error;
    }
    this.isCaughtUp = this.position.frames >= end;
    if (this.isCaughtUp) return more;
    this.#brokenReads += 1;
    return this.#brokenReads < brokenReads ? waiting : gap(wasBegunAnew);
  }

  /** undefined: it has come to the end, or to a frame that does not go on. */
  #appendUpTo(wal: number, header: WalHeader, end: number): ReadResult | undefined {
    const { pageBytes } = header;
    const writtenMs = Math.min(Date.now(), fstatSync(wal).mtimeMs);
    const first = this.position.frames;
    let count = 0;
    for (const batch of batchesOf(wal, header, this.position, end, mostCommitBytes, readBuffer)) {
      const commits = this.#withRecords(batch, pageBytes, writtenMs);
      for (let done = 0; done < commits.length; ) done += this.#append(commits.slice(done));
      if (commits.length < batch.length) return waiting;
      count += commits.length;
      if (count >= batchCommits || (this.position.frames - first) * pageBytes >= batchBytes) return more;
    }
    return undefined;
  }

  /** Up to the first one whose writer is not named yet. */
  #withRecords(commits: readonly WalCommit[], pageBytes: number, writtenMs: number): ReadCommit[] {
    const found: ReadCommit[] = [];
    for (const { position, databasePages, pages } of commits) {
      const record = this.#evidence.recordOf(position);
      if (record !== undefined && isBeingNamed(record)) break;
      const timeMs = record?.timeMs ?? Math.min(writtenMs, this.#evidence.latestTimeMs(position) ?? writtenMs);
      found.push({ position, databasePages, pages, pageBytes, record, timeMs });
    }
    return found;
  }

  #append(commits: readonly ReadCommit[]): number {
    const taken = this.#database.append(commits);
    for (const { position } of commits.slice(0, taken)) {
      this.position = position;
      this.#wasRead();
    }
    this.#brokenReads = 0;
    this.#unrecordedSinceMs = undefined;
    this.#evidence.passed(this.position);
    return taken;
  }

  /** Something is committed that has no record yet, and one may come. */
  mayBeRecorded(): boolean {
    if (!this.#database.isRecording()) return false;
    const nowMs = performance.now();
    this.#unrecordedSinceMs ??= nowMs;
    return nowMs - this.#unrecordedSinceMs < recordGraceMs;
  }

  /** Nothing is committed that has no record. */
  allIsRead(): void {
    this.#unrecordedSinceMs = undefined;
  }
}

function isBeingNamed(record: CommitRecord): boolean {
  return record.writer() === undefined && Math.abs(Date.now() - record.timeMs) < recordGraceMs;
}
