// Where a raw segment ends after its process was killed, or after a power cut: a torn end is cut off. What was not on
// the disk yet is checked against its hashes.
import { closeSync, existsSync, openSync, readFileSync, renameSync } from 'node:fs';
import {
  beginHash,
  type CommitRecord,
  decodeRecord,
  endHash,
  isIntact,
  numberOf,
  RECORD_BYTES,
} from './commit-record.ts';
import { cutFile, readIfThere, readInto, removeIfThere } from './disk.ts';
import { damagedEnding, type RawFiles, rawFiles, rawParts } from './log-files.ts';
import { decodeHeader, parseTexts, type RawHeader } from './raw-segment.ts';
import { textsOf } from './texts.ts';

/** Where a raw segment ends. */
export interface RawEnd {
  readonly header: RawHeader;
  readonly commits: number;
  readonly pages: number;
  readonly textBytes: number;
  /** Hash of the last commit, or the one before the first. */
  readonly hash: Buffer;
  readonly last: CommitRecord | undefined;
}

/** @returns where it ends, after a torn end was cut; undefined when there is nothing whole in it, and it is removed */
export function recoverRaw(folder: string, first: number): RawEnd | undefined {
  const files = rawFiles(folder, first);
  const bytes = readIfThere(files.commits) ?? Buffer.alloc(0);
  const header = decodeHeader(bytes);
  if (header === undefined) {
    if (hasRecords(bytes)) setAside(folder, first);
    else removeRaw(folder, first);
    return undefined;
  }
  const end = endOf(header, intactCommits(files, header, bytes.subarray(RECORD_BYTES)), bytes);
  cutFile(files.commits, RECORD_BYTES * (end.commits + 1));
  cutFile(files.numbers, end.pages * 4);
  cutFile(files.pages, end.pages * header.pageBytes);
  cutFile(files.texts, end.textBytes);
  return end;
}

export function removeRaw(folder: string, first: number): void {
  const files = rawFiles(folder, first);
  for (const part of rawParts) removeIfThere(files[part]);
}

function hasRecords(bytes: Buffer): boolean {
  for (let index = 1; index < Math.floor(bytes.length / RECORD_BYTES); index++) if (isIntact(bytes, index)) return true;
  return false;
}

/** Commits are in it that nothing vouches for any more: `verify` tells of the files. */
export function setAside(folder: string, first: number): void {
  const files = rawFiles(folder, first);
  for (const part of rawParts) if (existsSync(files[part])) renameSync(files[part], `${files[part]}${damagedEnding}`);
}

function endOf(header: RawHeader, commits: number, bytes: Buffer): RawEnd {
  const last = commits === 0 ? undefined : decodeRecord(bytes, commits);
  return {
    header,
    commits,
    pages: last === undefined ? 0 : last.firstPage + last.pages,
    textBytes: last?.textBytes ?? 0,
    hash: Buffer.from(last?.hash ?? header.chainBefore),
    last,
  };
}

/** How many records from the first on are whole, with all that belongs to them. */
function intactCommits(files: RawFiles, header: RawHeader, records: Buffer): number {
  const isWhole = (index: number): boolean =>
    isIntact(records, index) && numberOf(records, index) === header.first + index;
  let newest = Math.floor(records.length / RECORD_BYTES) - 1;
  while (newest >= 0 && !isWhole(newest)) newest--;
  if (newest < 0) return 0;
  const synced = decodeRecord(records, newest).syncedThrough - header.first + 1;
  const texts = parseTexts(readFileSync(files.texts));
  const fds = { numbers: openSync(files.numbers, 'r'), pages: openSync(files.pages, 'r') };
  try {
    for (let index = Math.max(0, synced); index <= newest; index++) {
      if (!isWhole(index)) return index;
      const before = index === 0 ? header.chainBefore : decodeRecord(records, index - 1).hash;
      const bytes = records.subarray(index * RECORD_BYTES, (index + 1) * RECORD_BYTES);
      if (!hashOfRaw(before, bytes, fds, texts)?.equals(decodeRecord(bytes, 0).hash)) return index;
    }
  } finally {
    closeSync(fds.numbers);
    closeSync(fds.pages);
  }
  return newest + 1;
}

const chunkBytes = 1 << 20;

function hashOfRaw(
  before: Buffer,
  bytes: Buffer,
  fds: { readonly numbers: number; readonly pages: number },
  texts: readonly string[],
): Buffer | undefined {
  const record = decodeRecord(bytes, 0);
  const numbers = Buffer.alloc(record.pages * 4);
  if (readInto(fds.numbers, numbers, record.firstPage * 4) < numbers.length) return undefined;
  const hash = beginHash(before, bytes, numbers);
  const end = (record.firstPage + record.pages) * record.pageBytes;
  for (let at = record.firstPage * record.pageBytes; at < end; at += chunkBytes) {
    const chunk = Buffer.alloc(Math.min(chunkBytes, end - at));
    if (readInto(fds.pages, chunk, at) < chunk.length) return undefined;
    hash.update(chunk);
  }
  return endHash(hash, textsOf(record, texts));
}
