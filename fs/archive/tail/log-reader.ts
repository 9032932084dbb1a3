// Reads commits behind a position out of a write-ahead log that is known to follow on it, up to a frame that is known
// to be committed, each with its record.
import { fstatSync } from 'node:fs';
import type { WalPosition } from '../commit.ts';
import { CommitTooLarge, commitsOf, holdsPosition, startOf } from '../wal/wal-file.ts';
import type { WalHeader } from '../wal/wal-frames.ts';
import type { CommitRecord, Evidence } from './evidence.ts';
import { noPosition } from './position.ts';
import { gap, more, type ReadDatabase, type ReadResult, recordGraceMs, waiting, wasBegunAnew } from './read-result.ts';

/** What one step reads before another database has its turn. */
const batchBytes = 4 << 20;
const batchCommits = 200;
const mostCommitBytes = 256 << 20;
const brokenReads = 3;

export class LogReader {
  position: WalPosition;
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
    if (this.position.frames >= end) return more;
    this.#brokenReads += 1;
    return this.#brokenReads < brokenReads ? waiting : gap(wasBegunAnew);
  }

  /** undefined: it has come to the end, or to a frame that does not go on. */
  #appendUpTo(wal: number, header: WalHeader, end: number): ReadResult | undefined {
    const { pageBytes } = header;
    const writtenMs = Math.min(Date.now(), fstatSync(wal).mtimeMs);
    let bytes = 0;
    let commits = 0;
    for (const commit of commitsOf(wal, header, this.position, end, mostCommitBytes)) {
      const record = this.#evidence.recordOf(commit.position);
      if (record !== undefined && isBeingNamed(record)) return waiting;
      const timeMs = record?.timeMs ?? Math.min(writtenMs, this.#evidence.latestTimeMs(commit.position) ?? writtenMs);
      this.#database.append({ ...commit, pageBytes, record, timeMs });
      this.position = commit.position;
      this.#wasRead();
      this.#brokenReads = 0;
      this.#unrecordedSinceMs = undefined;
      this.#evidence.passed(commit.position);
      bytes += commit.pages.size * pageBytes;
      commits += 1;
      if (bytes >= batchBytes || commits >= batchCommits) return more;
    }
    return undefined;
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
