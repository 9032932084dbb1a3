// Reads an LTX file as a stream: pieces of any length go in, whole pages come out, and the end says whether all was
// what had been written.
import { uncompressSync } from 'lz4-napi';
import { Crc64 } from './crc64.ts';
import {
  checksumFlag,
  decodeHeader,
  FRAME_HEADER_BYTES,
  HEADER_BYTES,
  isSnapshot,
  LtxError,
  type LtxHeader,
  lastPageOf,
  mayFollow,
  sizeFlag,
  TRAILER_BYTES,
} from './header.ts';
import { readVarint } from './varint.ts';

/** Of the header of a frame: number and flags. A zero one ends the pages. */
const pageHeadBytes = 6;
/** lz4-napi wants the length of the content before the block. */
const lz4PrefixBytes = 4;

export interface LtxPage {
  readonly number: number;
  readonly content: Buffer;
}

export class LtxDecoder {
  readonly #crc = new Crc64();
  #header: LtxHeader | undefined;
  /** Not decoded yet. */
  #rest: Buffer = Buffer.alloc(0);
  /** What came after that: put together when the next part is complete. */
  #pieces: Buffer[] = [];
  /** Bytes of both. */
  #held = 0;
  /** So many of them make the next part, as far as is known. */
  #needed = HEADER_BYTES;
  /** Number, first byte and length of each frame, as they were found. */
  readonly #found: number[] = [];
  #last = 0;
  #bytes = 0;
  #hasAllPages = false;

  /** Once the first {@link HEADER_BYTES} are in. */
  get header(): LtxHeader | undefined {
    return this.#header;
  }

  /** Pages that are complete with this piece. @throws LtxError */
  *push(piece: Buffer): Generator<LtxPage> {
    this.#pieces.push(piece);
    this.#held += piece.length;
    if (this.#held < this.#needed) return;
    this.#join();
    if (this.#header === undefined) {
      this.#header = decodeHeader(this.#rest);
      this.#take(HEADER_BYTES);
    }
    while (!this.#hasAllPages) {
      const page = this.#next(this.#header);
      if (page === undefined) return;
      yield page;
    }
  }

  #join(): void {
    this.#rest =
      this.#rest.length === 0 && this.#pieces.length === 1
        ? (this.#pieces[0] as Buffer)
        : Buffer.concat([this.#rest, ...this.#pieces]);
    this.#pieces = [];
  }

  /** All pieces are in. @throws LtxError */
  end(): LtxHeader {
    if (this.#header === undefined || !this.#hasAllPages) throw new LtxError('its end is missing');
    this.#join();
    const body = this.#rest;
    const indexEnd = body.length - TRAILER_BYTES - 8;
    if (indexEnd < 1 || body.readBigUInt64BE(indexEnd) !== BigInt(indexEnd)) throw new LtxError('its index is cut off');
    this.#checkIndex(body.subarray(0, indexEnd));
    this.#crc.update(body.subarray(0, body.length - 8));
    if ((this.#crc.value | checksumFlag) !== body.readBigUInt64BE(body.length - 8)) {
      throw new LtxError('its checksum is wrong');
    }
    if (isSnapshot(this.#header) && this.#last !== lastPageOf(this.#header)) throw new LtxError('it lacks pages');
    return this.#header;
  }

  #next(header: LtxHeader): LtxPage | undefined {
    if (!this.#has(pageHeadBytes)) return undefined;
    const [number, flags] = [this.#rest.readUInt32BE(0), this.#rest.readUInt16BE(4)];
    if (number === 0 && flags === 0) {
      this.#take(pageHeadBytes);
      this.#hasAllPages = true;
      this.#needed = Number.POSITIVE_INFINITY;
      return undefined;
    }
    if (flags !== sizeFlag) throw new LtxError(`page ${number} is packed in a way that this program does not know`);
    if (!this.#has(FRAME_HEADER_BYTES)) return undefined;
    const frameBytes = FRAME_HEADER_BYTES + this.#rest.readUInt32BE(6);
    // More than LZ4 can make of a page.
    if (frameBytes > header.pageBytes * 2 + 64) throw new LtxError(`page ${number} is damaged`);
    if (!this.#has(frameBytes)) return undefined;
    if (!mayFollow(header, this.#last, number)) throw new LtxError(`page ${number} after page ${this.#last}`);
    const content = unpack(this.#rest.subarray(FRAME_HEADER_BYTES, frameBytes), header.pageBytes, number);
    this.#found.push(number, this.#bytes, frameBytes);
    this.#crc.update(this.#rest.subarray(0, FRAME_HEADER_BYTES)).update(content);
    this.#drop(frameBytes);
    this.#last = number;
    return { number, content };
  }

  #has(bytes: number): boolean {
    this.#needed = bytes;
    return this.#rest.length >= bytes;
  }

  #drop(bytes: number): void {
    this.#rest = this.#rest.subarray(bytes);
    this.#held -= bytes;
    this.#bytes += bytes;
  }

  #take(bytes: number): void {
    this.#crc.update(this.#rest.subarray(0, bytes));
    this.#drop(bytes);
  }

  #checkIndex(index: Buffer): void {
    let at = 0;
    for (const expected of [...this.#found, 0]) {
      const [value, next] = readVarint(index, at);
      if (value !== expected) throw new LtxError('its index is wrong');
      at = next;
    }
    if (at !== index.length) throw new LtxError('its index is wrong');
  }
}

function unpack(block: Buffer, pageBytes: number, number: number): Buffer {
  const prefixed = Buffer.allocUnsafe(lz4PrefixBytes + block.length);
  prefixed.writeUInt32LE(pageBytes, 0);
  block.copy(prefixed, lz4PrefixBytes);
  let content: Buffer;
  try {
    content = uncompressSync(prefixed);
  } catch (cause) {
    throw new LtxError(`page ${number} cannot be unpacked`, { cause });
  }
  if (content.length !== pageBytes) throw new LtxError(`page ${number} has ${content.length} bytes`);
  return content;
}
