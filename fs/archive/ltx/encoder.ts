// Makes an LTX file, piece by piece: the header, a frame for each page, the index with the trailer.
import { compressSync } from 'lz4-napi';
import { Crc64 } from './crc64.ts';
import {
  checksumFlag,
  encodeHeader,
  FRAME_HEADER_BYTES,
  isSnapshot,
  LtxError,
  type LtxHeader,
  lastPageOf,
  mayFollow,
  sizeFlag,
  TRAILER_BYTES,
} from './header.ts';
import { appendVarint, maxVarintBytes } from './varint.ts';

/** lz4-napi writes the length of the content before the block. */
const lz4PrefixBytes = 4;
const endOfPages = Buffer.alloc(6);

export class LtxEncoder {
  readonly #header: LtxHeader;
  readonly #crc = new Crc64();
  /** Number, first byte and length of each frame. */
  readonly #index: number[] = [];
  #last = 0;
  #bytes = 0;

  /** @throws LtxError */
  constructor(header: LtxHeader) {
    this.#header = header;
  }

  /** Comes first, and once. */
  begin(): Buffer {
    const bytes = encodeHeader(this.#header);
    this.#crc.update(bytes);
    this.#bytes = bytes.length;
    return bytes;
  }

  /** @param content is read at once @throws LtxError: pages come ascending, in a snapshot all of them */
  page(number: number, content: Buffer): Buffer {
    if (!mayFollow(this.#header, this.#last, number)) throw new LtxError(`page ${number} after page ${this.#last}`);
    if (content.length !== this.#header.pageBytes) throw new LtxError(`a page of ${content.length} bytes`);
    const packed = compressSync(content);
    const head = Buffer.alloc(FRAME_HEADER_BYTES);
    head.writeUInt32BE(number, 0);
    head.writeUInt16BE(sizeFlag, 4);
    head.writeUInt32BE(packed.length - lz4PrefixBytes, 6);
    this.#crc.update(head).update(content);
    const frame = Buffer.concat([head, packed.subarray(lz4PrefixBytes)]);
    this.#index.push(number, this.#bytes, frame.length);
    this.#bytes += frame.length;
    this.#last = number;
    return frame;
  }

  /** All that comes after the pages. @throws LtxError where a snapshot lacks pages */
  end(): Buffer {
    if (isSnapshot(this.#header) && this.#last !== lastPageOf(this.#header)) {
      throw new LtxError(`a snapshot of ${this.#header.databasePages} pages ends with page ${this.#last}`);
    }
    const bytes = Buffer.alloc(endOfPages.length + (this.#index.length + 1) * maxVarintBytes + 8 + TRAILER_BYTES);
    let at = endOfPages.length;
    for (const value of this.#index) at = appendVarint(bytes, at, value);
    at = appendVarint(bytes, at, 0);
    at = bytes.writeBigUInt64BE(BigInt(at - endOfPages.length), at);
    at += 8; // no checksum of the database
    const checksum = this.#crc.update(bytes.subarray(0, at)).value | checksumFlag;
    at = bytes.writeBigUInt64BE(checksum, at);
    return bytes.subarray(0, at);
  }
}
