// How a commit is recorded: 128 bytes, little-endian. The hash binds it to its page numbers, its pages, its texts and
// to the commit before it. It reads and writes bytes, not files.
import { createHash, hash as digestOf, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { CommitKind, WalPosition } from '../commit.ts';

export const RECORD_BYTES = 128;
/** Of a hash: the first half of a SHA-256. */
export const HASH_BYTES = 16;

const kinds: readonly CommitKind[] = ['commit', 'base', 'resync'];
const hasWriterFlag = 1 << 8;
const isMergedFlag = 1 << 9;

/** What of a commit of a few pages is hashed before its pages: one call takes less time than three. */
const headBytes = Buffer.alloc(512);
/** All that is hashed of such a commit: a hash in one go leaves nothing behind for the garbage collector. */
const wholeBytes = Buffer.alloc(32 << 10);

/** First byte of each field. The hash covers all bytes before its own. */
const at = {
  number: 0,
  timeMs: 8,
  flags: 16,
  pageBytes: 20,
  databasePages: 24,
  pages: 28,
  salt1: 32,
  salt2: 36,
  frames: 40,
  checksum1: 44,
  checksum2: 48,
  pid: 52,
  command: 56,
  container: 60,
  reason: 64,
  firstPage: 68,
  textBytes: 72,
  standsFor: 76,
  syncedThrough: 80,
  crc: 92,
  hash: 96,
  seal: 112,
} as const;

export interface CommitRecord {
  readonly number: number;
  readonly timeMs: number;
  readonly kind: CommitKind;
  readonly hasWriter: boolean;
  readonly pid: number;
  /** Index among the texts of the segment + 1; 0: none. The same for the next two. */
  readonly command: number;
  readonly container: number;
  readonly reason: number;
  readonly pageBytes: number;
  readonly databasePages: number;
  /** How many pages it wrote. */
  readonly pages: number;
  /** Index of its first page among those of the segment. */
  readonly firstPage: number;
  /** Length of the segment's texts up to here. */
  readonly textBytes: number;
  /** Commits that it stands for: more than 1 where history was thinned. */
  readonly standsFor: number;
  /** All commits up to this number were on the disk when this one was written. */
  readonly syncedThrough: number;
  readonly position: WalPosition;
  /** Whether {@link seal} is what vouches for it, because its pages are those of several commits. */
  readonly isMerged: boolean;
  /** Of the original commit with this number. */
  readonly hash: Buffer;
  /** Of a thinned segment: over what is really there. */
  readonly seal: Buffer;
}

/**
 * `hash` and `seal` are left zero: {@link setHash} and {@link setSeal} put them in.
 * @param bytes all zero
 */
export function encodeRecord(record: Omit<CommitRecord, 'hash' | 'seal'>, bytes = Buffer.alloc(RECORD_BYTES)): Buffer {
  const { position } = record;
  const flags = (record.hasWriter ? hasWriterFlag : 0) | (record.isMerged ? isMergedFlag : 0);
  bytes.writeDoubleLE(record.number, at.number);
  bytes.writeDoubleLE(record.timeMs, at.timeMs);
  bytes.writeDoubleLE(record.syncedThrough, at.syncedThrough);
  bytes.writeUInt32LE(kinds.indexOf(record.kind) | flags, at.flags);
  bytes.writeUInt32LE(record.pageBytes, at.pageBytes);
  bytes.writeUInt32LE(record.databasePages, at.databasePages);
  bytes.writeUInt32LE(record.pages, at.pages);
  bytes.writeUInt32LE(position.salt1, at.salt1);
  bytes.writeUInt32LE(position.salt2, at.salt2);
  bytes.writeUInt32LE(position.frames, at.frames);
  bytes.writeUInt32LE(position.checksum1, at.checksum1);
  bytes.writeUInt32LE(position.checksum2, at.checksum2);
  bytes.writeUInt32LE(record.pid, at.pid);
  bytes.writeUInt32LE(record.command, at.command);
  bytes.writeUInt32LE(record.container, at.container);
  bytes.writeUInt32LE(record.reason, at.reason);
  bytes.writeUInt32LE(record.firstPage, at.firstPage);
  bytes.writeUInt32LE(record.textBytes, at.textBytes);
  bytes.writeUInt32LE(record.standsFor, at.standsFor);
  bytes.writeUInt32LE(crcOf(bytes, 0), at.crc);
  return bytes;
}

export function decodeRecord(bytes: Buffer, index: number): CommitRecord {
  const start = index * RECORD_BYTES;
  const word = (byte: number): number => bytes.readUInt32LE(start + byte);
  const flags = word(at.flags);
  return {
    number: numberOf(bytes, index),
    timeMs: timeOf(bytes, index),
    kind: kinds[flags & 0xff] ?? 'commit',
    hasWriter: (flags & hasWriterFlag) !== 0,
    isMerged: (flags & isMergedFlag) !== 0,
    pid: word(at.pid),
    command: word(at.command),
    container: word(at.container),
    reason: word(at.reason),
    pageBytes: word(at.pageBytes),
    databasePages: word(at.databasePages),
    pages: word(at.pages),
    firstPage: word(at.firstPage),
    textBytes: word(at.textBytes),
    standsFor: word(at.standsFor),
    syncedThrough: bytes.readDoubleLE(start + at.syncedThrough),
    position: {
      salt1: word(at.salt1),
      salt2: word(at.salt2),
      frames: word(at.frames),
      checksum1: word(at.checksum1),
      checksum2: word(at.checksum2),
    },
    hash: bytes.subarray(start + at.hash, start + at.hash + HASH_BYTES),
    seal: bytes.subarray(start + at.seal, start + at.seal + HASH_BYTES),
  };
}

/** The fields that a walk over many records needs, without the rest. */
export function numberOf(bytes: Buffer, index: number): number {
  return bytes.readDoubleLE(index * RECORD_BYTES + at.number);
}

export function timeOf(bytes: Buffer, index: number): number {
  return bytes.readDoubleLE(index * RECORD_BYTES + at.timeMs);
}

export function databasePagesOf(bytes: Buffer, index: number): number {
  return bytes.readUInt32LE(index * RECORD_BYTES + at.databasePages);
}

export function pagesOf(bytes: Buffer, index: number): number {
  return bytes.readUInt32LE(index * RECORD_BYTES + at.pages);
}

/** Whether the record is that of the commit after which the write-ahead log ended so. */
export function endsAt(
  bytes: Buffer,
  index: number,
  { salt1, frames, checksum1, checksum2 }: Omit<WalPosition, 'salt2'>,
): boolean {
  const start = index * RECORD_BYTES;
  return (
    bytes.readUInt32LE(start + at.frames) === frames &&
    bytes.readUInt32LE(start + at.checksum1) === checksum1 &&
    bytes.readUInt32LE(start + at.checksum2) === checksum2 &&
    bytes.readUInt32LE(start + at.salt1) === salt1
  );
}

/** Whether the record's own fields are what was written. Its pages are another matter. */
export function isIntact(bytes: Buffer, index: number): boolean {
  const number = numberOf(bytes, index);
  return number >= 1 && bytes.readUInt32LE(index * RECORD_BYTES + at.crc) === crcOf(bytes, index);
}

function crcOf(bytes: Buffer, index: number): number {
  return crc32(bytes.subarray(index * RECORD_BYTES, index * RECORD_BYTES + at.crc));
}

/** Begins the hash of a commit: next its pages go in, in order, then {@link endHash}. */
export function beginHash(before: Uint8Array, record: Buffer, numbers: Uint8Array): Hash {
  const size = before.length + at.hash + numbers.length;
  const head = size > headBytes.length ? Buffer.alloc(size) : headBytes;
  head.set(before, 0);
  record.copy(head, before.length, 0, at.hash);
  head.set(numbers, before.length + at.hash);
  return createHash('sha256').update(head.subarray(0, size));
}

/** The same for the seal, which covers the hash as well. */
export function beginSeal(before: Uint8Array, record: Buffer, numbers: Uint8Array): Hash {
  return createHash('sha256').update(before).update(record.subarray(0, at.seal)).update(numbers);
}

/** `texts`: command, container and reason; '' where there is none. */
export function endHash(hash: Hash, texts: readonly string[]): Buffer {
  return hash.update(lineOf(texts)).digest().subarray(0, HASH_BYTES);
}

/** Most commits have the texts of the one before. */
let lastTexts: readonly string[] = [];
let lastLine = Buffer.from('[]');

function lineOf(texts: readonly string[]): Buffer {
  const isSame = texts.length === lastTexts.length && texts.every((text, index) => text === lastTexts[index]);
  if (!isSame) {
    lastTexts = [...texts];
    lastLine = Buffer.from(JSON.stringify(texts));
  }
  return lastLine;
}

export function setHash(record: Buffer, hash: Buffer): void {
  hash.copy(record, at.hash);
}

/** Puts the hash of a commit into its record. @returns it, as a part of the record */
export function setHashOf(
  record: Buffer,
  before: Uint8Array,
  numbers: Uint8Array,
  pages: Uint8Array,
  texts: readonly string[],
): Buffer {
  const line = lineOf(texts);
  const pagesAt = before.length + at.hash + numbers.length;
  const size = pagesAt + pages.length + line.length;
  if (size > wholeBytes.length) endHash(beginHash(before, record, numbers).update(pages), texts).copy(record, at.hash);
  else {
    wholeBytes.set(before, 0);
    record.copy(wholeBytes, before.length, 0, at.hash);
    wholeBytes.set(numbers, before.length + at.hash);
    wholeBytes.set(pages, pagesAt);
    wholeBytes.set(line, pagesAt + pages.length);
    record.write(digestOf('sha256', wholeBytes.subarray(0, size), 'binary'), at.hash, HASH_BYTES, 'latin1');
  }
  return record.subarray(at.hash, at.hash + HASH_BYTES);
}

export function setSeal(record: Buffer, seal: Buffer): void {
  seal.copy(record, at.seal);
}

/** What stands in for the hash of a commit before the first: no log's chain goes on in another. */
export function firstHash(incarnation: number): Buffer {
  return createHash('sha256').update(`incarnation ${incarnation}`).digest().subarray(0, HASH_BYTES);
}
