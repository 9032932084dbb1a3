// Reads a write-ahead log through a descriptor: one transaction after the other, up to a frame that the caller knows to
// be committed.
import { readSync } from 'node:fs';
import { parseWalIndex, type WalIndex, walIndexBytes } from '../../sqlite/wal-index.ts';
import type { WalPosition } from '../commit.ts';
import {
  frameByte,
  frameHeaderBytes,
  parseFrame,
  parseWalHeader,
  type WalHeader,
  walHeaderBytes,
} from './wal-frames.ts';

/** What one read brings; a frame takes at most 64 KiB and its header. */
export const chunkBytes = 1 << 20;
const tornReads = 50;

/** One transaction as it lies in the log. */
export interface WalCommit {
  /** After its last frame. */
  readonly position: WalPosition;
  readonly databasePages: number;
  /** The last content of each page that it wrote: parts of larger buffers, so a page that is kept keeps a whole one. */
  readonly pages: ReadonlyMap<number, Buffer>;
}

/** A transaction of more bytes than the reader may keep. */
export class CommitTooLarge extends Error {}

const headerBuffer = Buffer.alloc(walHeaderBytes);
const indexBuffer = Buffer.alloc(walIndexBytes);

export function readWalHeader(fd: number): WalHeader | undefined {
  const bytes = readSync(fd, headerBuffer, 0, walHeaderBytes, 0);
  return parseWalHeader(headerBuffer.subarray(0, bytes));
}

/** undefined where there is none, or where it is being changed all the time. */
export function readWalIndex(fd: number): WalIndex | undefined {
  for (let tries = 0; tries < tornReads; tries++) {
    const bytes = readSync(fd, indexBuffer, 0, walIndexBytes, 0);
    const index = parseWalIndex(indexBuffer.subarray(0, bytes));
    if (index !== undefined) return index;
  }
  return undefined;
}

/** The position before the first frame. */
export function startOf({ salt1, salt2, checksum1, checksum2 }: WalHeader): WalPosition {
  return { salt1, salt2, frames: 0, checksum1, checksum2 };
}

/** Whether the log still holds the frame that a position stands behind. */
export function holdsPosition(fd: number, header: WalHeader, position: WalPosition): boolean {
  if (header.salt1 !== position.salt1 || header.salt2 !== position.salt2) return false;
  if (position.frames === 0) return true;
  const head = Buffer.alloc(frameHeaderBytes);
  if (readSync(fd, head, 0, head.length, frameByte(position.frames, header.pageBytes)) < head.length) return false;
  return (
    head.readUInt32BE(8) === position.salt1 &&
    head.readUInt32BE(12) === position.salt2 &&
    head.readUInt32BE(16) === position.checksum1 &&
    head.readUInt32BE(20) === position.checksum2
  );
}

/** As {@link batchesOf}, one after the other. */
export function* commitsOf(...args: Parameters<typeof batchesOf>): Generator<WalCommit> {
  for (const commits of batchesOf(...args)) yield* commits;
}

/**
 * The transactions behind `from` that end at or before frame `end`, as many at a time as one read has brought. It stops
 * early where a frame does not go on from the one before it: whoever is not given all up to `end` has met a log that
 * was begun anew, or is damaged.
 * @param buffer `chunkBytes` long, for all reads: what was given holds until the next batch is asked for. Without it
 * each read has memory of its own.
 * @throws CommitTooLarge
 */
export function* batchesOf(
  fd: number,
  header: WalHeader,
  from: WalPosition,
  end: number,
  mostBytes = Number.POSITIVE_INFINITY,
  buffer?: Buffer,
): Generator<readonly WalCommit[]> {
  const { pageBytes, salt1, salt2 } = header;
  const frameBytes = pageBytes + frameHeaderBytes;
  let pages = new Map<number, Buffer>();
  let checksum = { checksum1: from.checksum1, checksum2: from.checksum2 };
  let frames = from.frames;
  while (frames < end) {
    const wanted = Math.min(Math.max(1, Math.floor(chunkBytes / frameBytes)), end - frames);
    const chunk = buffer ?? Buffer.allocUnsafeSlow(wanted * frameBytes);
    const bytes = readSync(fd, chunk, 0, wanted * frameBytes, frameByte(frames + 1, pageBytes));
    const whole = Math.floor(bytes / frameBytes);
    const ready: WalCommit[] = [];
    let isBroken = whole === 0;
    for (let at = 0; at < whole * frameBytes; at += frameBytes) {
      const frame = parseFrame(chunk, at, header, checksum);
      isBroken = frame === undefined;
      if (frame === undefined) break;
      checksum = frame.checksum;
      frames += 1;
      pages.set(frame.pageNumber, chunk.subarray(at + frameHeaderBytes, at + frameBytes));
      if (pages.size * pageBytes > mostBytes) throw new CommitTooLarge(`more than ${mostBytes} bytes`);
      if (frame.databasePages === 0) continue;
      ready.push({ position: { salt1, salt2, frames, ...checksum }, databasePages: frame.databasePages, pages });
      pages = new Map();
    }
    // Of a transaction that goes on behind what was read.
    if (buffer !== undefined) for (const [number, page] of pages) pages.set(number, keptOf(page, chunk));
    if (ready.length > 0) yield ready;
    if (isBroken) return;
  }
}

function keptOf(page: Buffer, chunk: Buffer): Buffer {
  return page.buffer === chunk.buffer ? Buffer.from(page) : page;
}
