// Writes a compressed segment beside the files that it replaces, and gives it its name when it is complete and on the
// disk. Compression runs on other threads, a block at a time.
import { close, fsync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import { brotliCompress, constants, crc32 } from 'node:zlib';
import { type ClosedIndex, closedMagic, type Part, toColumns } from './closed-segment.ts';
import { numberOf, RECORD_BYTES, timeOf } from './commit-record.ts';
import { removeIfThere, renameDurably, writeAll } from './disk.ts';
import { closedPath } from './log-files.ts';
import { bytesOfNumbers } from './segment.ts';

const brotli = promisify(brotliCompress);
const closeFile = promisify(close);
const syncFile = promisify(fsync);

/** Of page contents, before compression. Larger ones compress better, but one page costs a whole block. */
const blockBytes = 512 * 1024;
const pageQuality = 4;
const recordQuality = 7;

export interface ClosedOptions {
  readonly folder: string;
  readonly incarnation: number;
  readonly pageBytes: number;
  readonly chainBefore: Buffer;
  readonly chainAfter: Buffer;
  /** Of the first commit that it stands for. */
  readonly first: number;
  readonly thinnedTo: number;
  readonly resyncs: number;
}

export class ClosedWriter {
  readonly #options: ClosedOptions;
  readonly #fd: number;
  readonly #unfinished: string;
  readonly #block: Buffer;
  readonly #blocks: (readonly [number, number])[] = [];
  #inBlock = 0;
  #pages = 0;
  #end = 0;

  constructor(options: ClosedOptions) {
    this.#options = options;
    this.#unfinished = `${closedPath(options.folder, options.first, 0)}.new`;
    this.#block = Buffer.alloc(Math.max(1, Math.floor(blockBytes / options.pageBytes)) * options.pageBytes);
    this.#fd = openSync(this.#unfinished, 'w');
  }

  /** `fill` puts the content of the next page into the buffer; pages come in their {@link storageOrder}. */
  async addPage(fill: (target: Buffer, at: number) => void): Promise<void> {
    fill(this.#block, this.#inBlock);
    this.#inBlock += this.#options.pageBytes;
    this.#pages++;
    if (this.#inBlock === this.#block.length) await this.#endBlock();
  }

  async #endBlock(): Promise<void> {
    if (this.#inBlock === 0) return;
    const { length, crc } = await this.#add(this.#block.subarray(0, this.#inBlock), pageQuality);
    this.#blocks.push([length, crc]);
    this.#inBlock = 0;
  }

  async #add(content: Uint8Array, quality: number): Promise<Part> {
    const bytes = await brotli(content, {
      params: { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: content.length },
    });
    const start = this.#end;
    writeAll(this.#fd, bytes, start);
    this.#end += bytes.length;
    return { start, length: bytes.length, crc: crc32(bytes) };
  }

  /**
   * `isGivenUp` is asked when all is on the disk, right before the file gets its name.
   * @returns its path; undefined: it was given up
   */
  async finish(
    records: Buffer,
    numbers: Uint32Array,
    texts: readonly string[],
    isGivenUp: () => boolean = () => false,
  ): Promise<string | undefined> {
    await this.#endBlock();
    const { folder, incarnation, pageBytes, chainBefore, chainAfter, first, thinnedTo, resyncs } = this.#options;
    const commits = records.length / RECORD_BYTES;
    const last = numberOf(records, commits - 1);
    const index: ClosedIndex = {
      version: 1,
      incarnation,
      pageBytes,
      first,
      last,
      firstMs: timeOf(records, 0),
      lastMs: timeOf(records, commits - 1),
      commits,
      resyncs,
      pages: this.#pages,
      chainBefore: chainBefore.toString('hex'),
      chainAfter: chainAfter.toString('hex'),
      thinnedTo,
      pagesPerBlock: this.#block.length / pageBytes,
      blocks: this.#blocks,
      numbers: await this.#add(toColumns(bytesOfNumbers(numbers), 4), recordQuality),
      records: await this.#add(toColumns(records, RECORD_BYTES), recordQuality),
      texts: await this.#add(Buffer.from(JSON.stringify(texts)), recordQuality),
    };
    const bytes = Buffer.from(JSON.stringify(index));
    const trailer = Buffer.alloc(8);
    trailer.writeUInt32LE(bytes.length, 0);
    trailer.writeUInt32LE(crc32(bytes), 4);
    writeAll(this.#fd, Buffer.concat([bytes, trailer, closedMagic]), this.#end);
    await syncFile(this.#fd);
    await this.#closeFile();
    if (isGivenUp()) {
      removeIfThere(this.#unfinished);
      return undefined;
    }
    const path = closedPath(folder, first, last);
    renameDurably(this.#unfinished, path);
    return path;
  }

  /** Gives up what is not finished. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    await this.#closeFile();
    removeIfThere(this.#unfinished);
  }

  async #closeFile(): Promise<void> {
    this.#isClosed = true;
    await closeFile(this.#fd);
  }

  #isClosed = false;
}
