// The wal-index of a database (its -shm file), mapped as SQLite maps it. It has blocks of 32 KiB: the page numbers of
// frames, then a hash table from page numbers to frames. The first block begins with two copies of a header, whose
// mxFrame says which frames count. Whoever calls it to write holds the write lock. Source: SQLite's wal.c and
// https://sqlite.org/walformat.html 2.

import { fstatSync, writeSync } from 'node:fs';
import { endianness } from 'node:os';
import koffi from 'koffi';
import { addToSums, type Sums } from './wal-checksum.ts';

const blockBytes = 32_768;
/** HASHTABLE_NPAGE and HASHTABLE_NPAGE_ONE: how many frames a block has, and the first one beside its header. */
const framesOfBlock = 4_096;
const framesOfFirst = 4_062;
const slotsOfBlock = 8_192;
const headerWords = 12;
const bytesBeforeFrames = 136;
const version = 3_007_000;
/** The file system allocates no more at a time than that; SQLite touches each such piece before it maps it. */
const pieceBytes = 4_096;

const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const mapFailed = 0xffff_ffff_ffff_ffffn;
const mmap = koffi
  .load(null)
  .func('void *mmap(void *address, size_t size, int protection, int flags, int fd, int64_t offset)');

export interface IndexHeader {
  readonly pageBytes: number;
  /** The last frame that is committed; 0: the log is empty. */
  readonly mxFrame: number;
  readonly databasePages: number;
  /** Whether words are big-endian where the log's checksums are made. */
  readonly isBigEndian: boolean;
  /** The running checksum after the last frame. */
  readonly sums: Sums;
  /** 8 bytes, as they stand in the log. */
  readonly salts: Buffer;
}

interface Block {
  /** The frame before its first one. */
  readonly frameBefore: number;
  /** Page numbers, by frame. */
  readonly pages: Uint32Array;
  /** Frames of this block from 1, by the hash of their page; 0: free. */
  readonly slots: Uint16Array;
}

export class WalIndex {
  readonly #fd: number;
  #memory: ArrayBuffer;

  /** @param fd of the -shm file. It must stay open until the process ends: to close it drops SQLite's locks. */
  constructor(fd: number) {
    this.#fd = fd;
    this.#memory = map(fd, blockBytes);
  }

  /** @throws Error for one that is not in order, which cannot be while the write lock is held */
  header(): IndexHeader {
    const words = new Uint32Array(this.#memory, 0, 2 * headerWords);
    const bytes = Buffer.from(this.#memory, 0, 4 * headerWords);
    const areSame = Array.from({ length: headerWords }, (_, at) => words[at] === words[headerWords + at]).every(
      Boolean,
    );
    const sums = addToSums([0, 0], new Int32Array(this.#memory, 0, 10), false);
    const isSound = areSame && words[0] === version && sums[0] >>> 0 === words[10] && sums[1] >>> 0 === words[11];
    if (!isSound || bytes[12] !== 1) throw new Error('the wal-index is not in order');
    const size = new Uint16Array(this.#memory)[7] ?? 0;
    return {
      pageBytes: size === 1 ? 65_536 : size,
      mxFrame: words[4] ?? 0,
      databasePages: words[5] ?? 0,
      isBigEndian: bytes[13] === 1,
      sums: [(words[6] ?? 0) | 0, (words[7] ?? 0) | 0],
      salts: Buffer.from(bytes.subarray(32, 40)),
    };
  }

  /** The newest committed frame of a page; 0: it is only in the database file. */
  frameOf(page: number): number {
    const { mxFrame } = this.header();
    if (mxFrame === 0) return 0;
    for (let number = blockOf(mxFrame); number >= 0; number -= 1) {
      const { frameBefore, pages, slots } = this.#block(number);
      let found = 0;
      for (let slot = hashOf(page), entry = slots[slot]; entry; slot = next(slot), entry = slots[slot]) {
        if (pages[entry - 1] === page && frameBefore + entry <= mxFrame) found = Math.max(found, frameBefore + entry);
      }
      if (found > 0) return found;
    }
    return 0;
  }

  /** Enters the pages of the frames after mxFrame. Nobody looks at them before the header says so. */
  append(pageNumbers: Uint32Array): void {
    const first = this.header().mxFrame + 1;
    const last = first + pageNumbers.length - 1;
    this.#extend(blockOf(last) + 1);
    this.#forgetAfter(first - 1);
    let block = this.#block(blockOf(first));
    pageNumbers.forEach((page, at) => {
      const frame = first + at;
      if (frame > block.frameBefore + block.pages.length) block = this.#block(blockOf(frame));
      const entry = frame - block.frameBefore;
      if (entry === 1) {
        block.pages.fill(0);
        block.slots.fill(0);
      }
      let slot = hashOf(page);
      while (block.slots[slot]) slot = next(slot);
      // In this order: by the page number the next writer sees what a killed one has left.
      block.pages[entry - 1] = page;
      block.slots[slot] = entry;
    });
  }

  /** The commit: whoever begins a transaction from now on sees the frames. */
  publish(frames: number, databasePages: number, sums: Sums): void {
    const words = new Uint32Array(this.#memory, 0, headerWords).slice();
    words[2] = (words[2] ?? 0) + 1; // iChange
    words[4] = frames;
    words[5] = databasePages;
    words.set([sums[0] >>> 0, sums[1] >>> 0], 6);
    const own = addToSums([0, 0], new Int32Array(words.buffer, 0, 10), false);
    words.set([own[0] >>> 0, own[1] >>> 0], 10);
    // The second copy first, each store where others see it before the next: a reader takes two equal copies.
    const copies = new Uint32Array(this.#memory, 0, 2 * headerWords);
    for (const start of [headerWords, 0]) {
      for (const [at, word] of words.entries()) Atomics.store(copies, start + at, word);
    }
  }

  /** What a writer that was killed has entered beyond the last committed frame. SQLite's walCleanupHash(). */
  #forgetAfter(mxFrame: number): void {
    if (mxFrame === 0) return;
    const { frameBefore, pages, slots } = this.#block(blockOf(mxFrame));
    const kept = mxFrame - frameBefore;
    if (!pages[kept]) return;
    for (let slot = 0; slot < slots.length; slot += 1) if ((slots[slot] ?? 0) > kept) slots[slot] = 0;
    pages.fill(0, kept);
  }

  #block(number: number): Block {
    const start = number * blockBytes;
    const isFirst = number === 0;
    if (start + blockBytes > this.#memory.byteLength) this.#memory = map(this.#fd, start + blockBytes);
    return {
      frameBefore: isFirst ? 0 : framesOfFirst + (number - 1) * framesOfBlock,
      pages: new Uint32Array(
        this.#memory,
        start + (isFirst ? bytesBeforeFrames : 0),
        isFirst ? framesOfFirst : framesOfBlock,
      ),
      slots: new Uint16Array(this.#memory, start + framesOfBlock * 4, slotsOfBlock),
    };
  }

  /** By writing, as SQLite does: where the disk is full this fails, and a store into the mapping would kill. */
  #extend(blocks: number): void {
    const { size } = fstatSync(this.#fd);
    for (let end = size + pieceBytes - (size % pieceBytes); end <= blocks * blockBytes; end += pieceBytes) {
      writeSync(this.#fd, Buffer.alloc(1), 0, 1, end - 1);
    }
    if (blocks * blockBytes > this.#memory.byteLength) this.#memory = map(this.#fd, blocks * blockBytes);
  }
}

function map(fd: number, sizeBytes: number): ArrayBuffer {
  const address = mmap(null, sizeBytes, PROT_READ_WRITE, MAP_SHARED, fd, 0) as bigint;
  if (BigInt.asUintN(64, address) === mapFailed) throw new Error(`the wal-index cannot be mapped (${koffi.errno()})`);
  return koffi.view(address, sizeBytes);
}

function blockOf(frame: number): number {
  return frame <= framesOfFirst ? 0 : 1 + Math.floor((frame - framesOfFirst - 1) / framesOfBlock);
}

function hashOf(page: number): number {
  return Math.imul(page, 383) & (slotsOfBlock - 1);
}

function next(slot: number): number {
  return (slot + 1) & (slotsOfBlock - 1);
}

/** Whether the words of a log are in the other byte order than this machine's. */
export function isForeignOrder({ isBigEndian }: IndexHeader): boolean {
  return isBigEndian !== (endianness() === 'BE');
}
