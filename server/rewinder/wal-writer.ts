// Appends one transaction to the write-ahead log of a database in use, as SQLite's own writer would: frames, sync,
// wal-index, its header. The caller holds the write lock. Killed before the header, it has done nothing: the next
// writer overwrites the frames. Source: walFrames() of SQLite's wal.c.
import { fdatasyncSync, readSync, writeSync } from 'node:fs';
import { addToSums, type Sums } from './wal-checksum.ts';
import { type IndexHeader, isForeignOrder, type WalIndex } from './wal-index.ts';

const walHeaderBytes = 32;
const frameHeaderBytes = 24;
/** Frames are written so many bytes at a time. */
const chunkBytes = 1 << 20;

export interface Transaction {
  /** Not empty. */
  readonly pageNumbers: Uint32Array;
  /** Pages of the database afterwards. */
  readonly databasePages: number;
  /** Puts the content of the page at this place of `pageNumbers` into `target`. */
  readonly read: (at: number, target: Uint8Array) => void;
}

export class WalWriter {
  readonly #wal: number;
  readonly #index: WalIndex;

  /** @param wal descriptor of the -wal file, for reading and writing */
  constructor(wal: number, index: WalIndex) {
    this.#wal = wal;
    this.#index = index;
  }

  /** The newest content of a page, where the log has it. */
  readPage(page: number): Buffer | null {
    const frame = this.#index.frameOf(page);
    if (frame === 0) return null;
    const { pageBytes } = this.#index.header();
    const content = Buffer.alloc(pageBytes);
    const at = frameOffset(frame, pageBytes) + frameHeaderBytes;
    if (readSync(this.#wal, content, 0, pageBytes, at) < pageBytes) throw new Error('the write-ahead log is too short');
    return content;
  }

  /** @throws Error and nothing is committed */
  append(transaction: Transaction): void {
    const header = this.#index.header();
    this.#check(header);
    const sums = this.#writeFrames(header, transaction);
    fdatasyncSync(this.#wal);
    this.#index.append(transaction.pageNumbers);
    this.#index.publish(header.mxFrame + transaction.pageNumbers.length, transaction.databasePages, sums);
  }

  /** An empty log has no header to go on from: SQLite writes it. */
  #check({ mxFrame, salts, isBigEndian }: IndexHeader): void {
    const start = Buffer.alloc(walHeaderBytes);
    readSync(this.#wal, start, 0, start.length, 0);
    const isItsLog =
      salts.equals(start.subarray(16, 24)) && start.readUInt32BE(0) === (isBigEndian ? 0x377f0683 : 0x377f0682);
    if (mxFrame === 0 || !isItsLog) throw new Error('the wal-index is not that of the write-ahead log');
  }

  /** @returns the running checksum after them */
  #writeFrames(header: IndexHeader, { pageNumbers, databasePages, read }: Transaction): Sums {
    const { pageBytes, salts } = header;
    const isSwapped = isForeignOrder(header);
    const frameBytes = frameHeaderBytes + pageBytes;
    const perChunk = Math.max(1, Math.floor(chunkBytes / frameBytes));
    const chunk = Buffer.from(new ArrayBuffer(Math.min(perChunk, pageNumbers.length) * frameBytes));
    let { sums } = header;
    let filled = 0;
    let at = frameOffset(header.mxFrame + 1, pageBytes);
    pageNumbers.forEach((page, place) => {
      const isLast = place === pageNumbers.length - 1;
      const frame = chunk.subarray(filled, filled + frameBytes);
      frame.writeUInt32BE(page, 0);
      frame.writeUInt32BE(isLast ? databasePages : 0, 4);
      frame.set(salts, 8);
      read(place, frame.subarray(frameHeaderBytes));
      const words = (from: number, to: number) => new Int32Array(chunk.buffer, filled + from, (to - from) / 4);
      sums = addToSums(addToSums(sums, words(0, 8), isSwapped), words(frameHeaderBytes, frameBytes), isSwapped);
      frame.writeInt32BE(sums[0], 16);
      frame.writeInt32BE(sums[1], 20);
      filled += frameBytes;
      if (!isLast && filled < chunk.length) return;
      writeAll(this.#wal, chunk.subarray(0, filled), at);
      at += filled;
      filled = 0;
    });
    return sums;
  }
}

function frameOffset(frame: number, pageBytes: number): number {
  return walHeaderBytes + (frame - 1) * (frameHeaderBytes + pageBytes);
}

function writeAll(fd: number, bytes: Buffer, at: number): void {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, at + done);
}
