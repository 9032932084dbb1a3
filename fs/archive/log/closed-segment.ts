// A compressed segment: blocks of page contents, then page numbers, records and texts, then an index (JSON) and 16
// bytes that find it. Each part is a brotli stream of its own with a checksum, so one page costs one block. Contents
// stand in the order of their page numbers, so that all contents of one page are neighbours: they differ little.
import { closeSync, fstatSync, openSync } from 'node:fs';
import { brotliDecompressSync, crc32 } from 'node:zlib';
import { RECORD_BYTES } from './commit-record.ts';
import { readRange } from './disk.ts';
import { LogDamage, numbersOfBytes, type Segment } from './segment.ts';

export const closedMagic = Buffer.from('hoodylog');
/** u32 length of the index, u32 its checksum, and the magic. */
export const TRAILER_BYTES = 16;

export interface Part {
  readonly start: number;
  readonly length: number;
  readonly crc: number;
}

export interface ClosedIndex {
  readonly version: 1;
  readonly incarnation: number;
  readonly pageBytes: number;
  readonly first: number;
  readonly last: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly commits: number;
  /** Gaps that were closed by reading the whole database. */
  readonly resyncs: number;
  readonly pages: number;
  /** Hexadecimal. */
  readonly chainBefore: string;
  readonly chainAfter: string;
  /** One state is kept for each so many milliseconds; 0: every commit. */
  readonly thinnedTo: number;
  readonly pagesPerBlock: number;
  /** Length and checksum of each; the first begins at byte 0. */
  readonly blocks: readonly (readonly [number, number])[];
  readonly numbers: Part;
  readonly records: Part;
  readonly texts: Part;
}

/** Bytes of columns: the first bytes of all rows, then the second ones ... Equal fields become long runs. */
export function toColumns(rows: Uint8Array, rowBytes: number): Buffer {
  const count = rows.length / rowBytes;
  const columns = Buffer.allocUnsafe(rows.length);
  for (let row = 0, from = 0; row < count; row++) {
    for (let byte = 0, to = row; byte < rowBytes; byte++, from++, to += count) columns[to] = rows[from] ?? 0;
  }
  return columns;
}

function toRows(columns: Uint8Array, rowBytes: number): Buffer {
  const count = columns.length / rowBytes;
  const rows = Buffer.allocUnsafe(columns.length);
  for (let row = 0, to = 0; row < count; row++) {
    for (let byte = 0, from = row; byte < rowBytes; byte++, to++, from += count) rows[to] = columns[from] ?? 0;
  }
  return rows;
}

/** Indexes of pages in the order in which their contents stand in the file. */
export function storageOrder(numbers: Uint32Array): Uint32Array {
  return new Uint32Array(numbers.length)
    .map((_, index) => index)
    .sort((a, b) => {
      return (numbers[a] ?? 0) - (numbers[b] ?? 0) || a - b;
    });
}

/** Blocks that were decompressed last, of all segments of one reader. */
export class BlockCache {
  readonly #blocks = new Map<string, Buffer>();
  readonly #limit: number;

  constructor(limit = 40) {
    this.#limit = limit;
  }

  get(key: string, make: () => Buffer): Buffer {
    const known = this.#blocks.get(key);
    this.#blocks.delete(key);
    const block = known ?? make();
    this.#blocks.set(key, block);
    const [oldest] = this.#blocks.keys();
    if (this.#blocks.size > this.#limit && oldest !== undefined) this.#blocks.delete(oldest);
    return block;
  }
}

export class ClosedSegment implements Segment {
  readonly path: string;
  readonly index: ClosedIndex;
  readonly bytes: number;
  readonly #fd: number;
  readonly #cache: BlockCache;
  readonly #starts: number[] = [];
  #positions: Uint32Array | undefined;

  private constructor(path: string, fd: number, index: ClosedIndex, bytes: number, cache: BlockCache) {
    this.path = path;
    this.#fd = fd;
    this.index = index;
    this.bytes = bytes;
    this.#cache = cache;
    let start = 0;
    for (const [length] of index.blocks) {
      this.#starts.push(start);
      start += length;
    }
  }

  /** @throws LogDamage, NodeJS.ErrnoException */
  static open(path: string, cache = new BlockCache()): ClosedSegment {
    const fd = openSync(path, 'r');
    try {
      const { size } = fstatSync(fd);
      return new ClosedSegment(path, fd, readIndex(path, fd, size), size, cache);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  get first(): number {
    return this.index.first;
  }

  get last(): number {
    return this.index.last;
  }

  get firstMs(): number {
    return this.index.firstMs;
  }

  get lastMs(): number {
    return this.index.lastMs;
  }

  get commits(): number {
    return this.index.commits;
  }

  get pages(): number {
    return this.index.pages;
  }

  get pageBytes(): number {
    return this.index.pageBytes;
  }

  get incarnation(): number {
    return this.index.incarnation;
  }

  get chainBefore(): Buffer {
    return Buffer.from(this.index.chainBefore, 'hex');
  }

  get chainAfter(): Buffer {
    return Buffer.from(this.index.chainAfter, 'hex');
  }

  get isThinned(): boolean {
    return this.index.thinnedTo > 0;
  }

  records(): Buffer {
    return toRows(this.#part('its commit records', this.index.records), RECORD_BYTES);
  }

  numbers(): Uint32Array {
    return numbersOfBytes(toRows(this.#part('its page numbers', this.index.numbers), 4));
  }

  texts(): readonly string[] {
    return JSON.parse(this.#part('its texts', this.index.texts).toString()) as string[];
  }

  positionOf(index: number): number {
    this.#positions ??= positionsOf(storageOrder(this.numbers()));
    return this.#positions[index] ?? 0;
  }

  readPage(index: number, target: Buffer, at: number): void {
    const position = this.positionOf(index);
    const block = Math.floor(position / this.index.pagesPerBlock);
    const content = this.#cache.get(`${this.path} ${block}`, () => this.#block(block));
    const start = (position % this.index.pagesPerBlock) * this.pageBytes;
    if (content.copy(target, at, start, start + this.pageBytes) < this.pageBytes) {
      throw new LogDamage(`${this.path}: block ${block} is too short`);
    }
  }

  #block(block: number): Buffer {
    const [length, crc] = this.index.blocks[block] ?? [0, 0];
    return this.#part(`block ${block} of its pages`, { start: this.#starts[block] ?? 0, length, crc });
  }

  #part(what: string, { start, length, crc }: Part): Buffer {
    try {
      const bytes = readRange(this.#fd, start, length);
      if (crc32(bytes) === crc) return brotliDecompressSync(bytes);
    } catch {
      // What is wrong with it in detail says no more than that it is.
    }
    throw new LogDamage(`${this.path}: ${what} cannot be read: the file is damaged`);
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function positionsOf(order: Uint32Array): Uint32Array {
  const positions = new Uint32Array(order.length);
  for (const [position, index] of order.entries()) positions[index] = position;
  return positions;
}

function readIndex(path: string, fd: number, size: number): ClosedIndex {
  const trailer = size < TRAILER_BYTES ? Buffer.alloc(0) : readRange(fd, size - TRAILER_BYTES, TRAILER_BYTES);
  if (trailer.length === 0 || !trailer.subarray(8).equals(closedMagic))
    throw new LogDamage(`${path}: its end is damaged`);
  const length = trailer.readUInt32LE(0);
  const start = size - TRAILER_BYTES - length;
  const bytes = start < 0 ? Buffer.alloc(0) : readRange(fd, start, length);
  if (crc32(bytes) !== trailer.readUInt32LE(4)) throw new LogDamage(`${path}: its index is damaged`);
  return JSON.parse(bytes.toString()) as ClosedIndex;
}
