// A segment that is appended to, for those who read it: page contents, page numbers, texts and commit records in four
// files. The length of the commits file says what counts. Reading needs nothing of the process that appends.
import { closeSync, fstatSync, openSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { decodeRecord, HASH_BYTES, RECORD_BYTES, timeOf } from './commit-record.ts';
import { readInto, readRange } from './disk.ts';
import { type RawFiles, rawFiles } from './log-files.ts';
import { LogDamage, numbersOfBytes, type Segment } from './segment.ts';

const magic = Buffer.from('hoodylog');
const version = 1;
/** First bytes of the fields of the header, which is as long as a record. */
const at = { magic: 0, version: 8, pageBytes: 12, first: 16, incarnation: 24, chainBefore: 32, crc: 92 } as const;

export interface RawHeader {
  readonly first: number;
  readonly pageBytes: number;
  readonly incarnation: number;
  readonly chainBefore: Buffer;
}

export function encodeHeader(header: RawHeader): Buffer {
  const bytes = Buffer.alloc(RECORD_BYTES);
  magic.copy(bytes, at.magic);
  bytes.writeUInt32LE(version, at.version);
  bytes.writeUInt32LE(header.pageBytes, at.pageBytes);
  bytes.writeDoubleLE(header.first, at.first);
  bytes.writeUInt32LE(header.incarnation, at.incarnation);
  header.chainBefore.copy(bytes, at.chainBefore);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, at.crc)), at.crc);
  return bytes;
}

/** undefined: it is not whole. */
export function decodeHeader(bytes: Buffer): RawHeader | undefined {
  if (bytes.length < RECORD_BYTES || !bytes.subarray(0, magic.length).equals(magic)) return undefined;
  if (bytes.readUInt32LE(at.crc) !== crc32(bytes.subarray(0, at.crc))) return undefined;
  if (bytes.subarray(at.crc + 4, RECORD_BYTES).some((byte) => byte !== 0)) return undefined;
  return {
    first: bytes.readDoubleLE(at.first),
    pageBytes: bytes.readUInt32LE(at.pageBytes),
    incarnation: bytes.readUInt32LE(at.incarnation),
    chainBefore: Buffer.from(bytes.subarray(at.chainBefore, at.chainBefore + HASH_BYTES)),
  };
}

/** One line of JSON for each. */
export function parseTexts(bytes: Buffer): string[] {
  return bytes
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      try {
        return String(JSON.parse(line));
      } catch {
        return line;
      }
    });
}

export class RawSegment implements Segment {
  readonly path: string;
  readonly first: number;
  readonly last: number;
  readonly commits: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly pages: number;
  readonly pageBytes: number;
  readonly incarnation: number;
  readonly chainBefore: Buffer;
  readonly chainAfter = undefined;
  readonly isThinned = false;
  readonly bytes: number;
  readonly #textBytes: number;
  readonly #fds: { readonly [part in keyof RawFiles]: number };

  private constructor(files: RawFiles, fds: { readonly [part in keyof RawFiles]: number }, header: RawHeader) {
    this.#fds = fds;
    this.path = files.commits;
    this.commits = Math.max(0, Math.floor(fstatSync(fds.commits).size / RECORD_BYTES) - 1);
    this.first = header.first;
    this.last = header.first + this.commits - 1;
    this.pageBytes = header.pageBytes;
    this.incarnation = header.incarnation;
    this.chainBefore = header.chainBefore;
    const last = this.commits === 0 ? undefined : decodeRecord(this.#range(this.commits, 1), 0);
    this.firstMs = this.commits === 0 ? 0 : timeOf(this.#range(1, 1), 0);
    this.lastMs = last?.timeMs ?? 0;
    this.pages = last === undefined ? 0 : last.firstPage + last.pages;
    this.#textBytes = last?.textBytes ?? 0;
    this.bytes = this.pages * (this.pageBytes + 4) + this.#textBytes + RECORD_BYTES * (this.commits + 1);
  }

  /** @throws NodeJS.ErrnoException ENOENT when it has just been compressed @throws LogDamage */
  static open(folder: string, first: number): RawSegment {
    const files = rawFiles(folder, first);
    const opened: number[] = [];
    const open = (path: string): number => {
      const fd = openSync(path, 'r');
      opened.push(fd);
      return fd;
    };
    try {
      const fds = {
        commits: open(files.commits),
        numbers: open(files.numbers),
        pages: open(files.pages),
        texts: open(files.texts),
      };
      const bytes = Buffer.alloc(RECORD_BYTES);
      const header = readInto(fds.commits, bytes, 0) < RECORD_BYTES ? undefined : decodeHeader(bytes);
      if (header?.first !== first) throw new LogDamage(`${files.commits}: its first ${RECORD_BYTES} bytes are damaged`);
      return new RawSegment(files, fds, header);
    } catch (error) {
      for (const fd of opened) closeSync(fd);
      throw error;
    }
  }

  #range(index: number, records: number): Buffer {
    return readRange(this.#fds.commits, index * RECORD_BYTES, records * RECORD_BYTES);
  }

  records(): Buffer {
    return this.#range(1, this.commits);
  }

  numbers(): Uint32Array {
    return numbersOfBytes(readRange(this.#fds.numbers, 0, this.pages * 4));
  }

  texts(): readonly string[] {
    return parseTexts(readRange(this.#fds.texts, 0, this.#textBytes));
  }

  positionOf(index: number): number {
    return index;
  }

  readPage(index: number, target: Buffer, at: number): void {
    const part = target.subarray(at, at + this.pageBytes);
    if (readInto(this.#fds.pages, part, index * this.pageBytes) < part.length) {
      throw new LogDamage(`${this.path}: page ${index} of its pages is missing`);
    }
  }

  close(): void {
    for (const fd of Object.values(this.#fds)) closeSync(fd);
  }
}
