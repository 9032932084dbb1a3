// The write-ahead log of a database in RAM: how far it is committed, and the last content of each page in a part of it.
// The index alone says what is committed.
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { openToRead } from '../archive/tail/main-file.ts';
import { readWalHeader } from '../archive/wal/wal-file.ts';
import { frameByte, frameHeaderBytes, type WalHeader, walHeaderBytes } from '../archive/wal/wal-frames.ts';
import { parseWalIndex, type WalIndex, walIndexBytes } from '../sqlite/wal-index.ts';

const framesAtOnce = 256;
const copiedAtOnce = 1 << 20;
const tornReads = 50;

export interface LogPart {
  /** Page -> the last frame that has it. */
  readonly frames: ReadonlyMap<number, number>;
}

/** `none`: everything is in the main file. `unreadable`: there is a log, and nobody shares its index. */
export type LogState = 'open' | 'none' | 'unreadable';

export class RamLog {
  readonly state: LogState;
  readonly #wal: number | undefined;
  readonly #shm: number | undefined;
  #indexBytes = Buffer.alloc(0);

  constructor(walPath: string, shmPath: string) {
    this.#shm = openToRead(shmPath);
    this.#wal = openToRead(walPath);
    const hasFrames = this.#wal !== undefined && readWalHeader(this.#wal) !== undefined;
    const hasIndex = this.index() !== undefined;
    this.state = !hasFrames ? 'none' : hasIndex ? 'open' : 'unreadable';
  }

  close(): void {
    for (const fd of [this.#wal, this.#shm]) if (fd !== undefined) closeSync(fd);
  }

  /** undefined where there is none, or none that can be read now. */
  index(): WalIndex | undefined {
    if (this.#shm === undefined) return undefined;
    for (let tries = 0; tries < tornReads; tries++) {
      const bytes = Buffer.alloc(walIndexBytes);
      const index = parseWalIndex(bytes.subarray(0, readSync(this.#shm, bytes, 0, walIndexBytes, 0)));
      if (index === undefined) continue;
      this.#indexBytes = bytes;
      return index;
    }
    return undefined;
  }

  /** The bytes of what index has returned last. */
  get indexBytes(): Buffer {
    return this.#indexBytes;
  }

  /** The index and the header of the log that it is about; undefined while a new log is being begun. */
  committed(): { readonly index: WalIndex; readonly header: WalHeader } | undefined {
    const index = this.index();
    const header = this.#wal === undefined ? undefined : readWalHeader(this.#wal);
    if (index === undefined || header === undefined) return undefined;
    return index.salt1 === header.salt1 && index.salt2 === header.salt2 ? { index, header } : undefined;
  }

  /** The frames behind `from` up to `end`; undefined where they are not those of this log. */
  part(header: WalHeader, from: number, end: number): LogPart | undefined {
    const frameBytes = header.pageBytes + frameHeaderBytes;
    const many = Buffer.alloc(Math.min(framesAtOnce, end - from) * frameBytes);
    const frames = new Map<number, number>();
    for (let frame = from + 1; frame <= end; ) {
      const wanted = Math.min(framesAtOnce, end - frame + 1);
      const bytes = readSync(this.#wal ?? -1, many, 0, wanted * frameBytes, frameByte(frame, header.pageBytes));
      if (bytes < wanted * frameBytes) return undefined;
      for (let at = 0; at < bytes; at += frameBytes, frame += 1) {
        if (many.readUInt32BE(at + 8) !== header.salt1 || many.readUInt32BE(at + 12) !== header.salt2) return undefined;
        frames.set(many.readUInt32BE(at), frame);
      }
    }
    return { frames };
  }

  /** Writes the header and those frames to a file, each where it is in the log. False: it was begun anew meanwhile. */
  copyPart(header: WalHeader, from: number, end: number, path: string): boolean {
    const out = openSync(path, 'w', 0o600);
    try {
      const bytes = Buffer.allocUnsafe(copiedAtOnce);
      const last = frameByte(end + 1, header.pageBytes);
      for (let at = from === 0 ? 0 : frameByte(from + 1, header.pageBytes); at < last; ) {
        const got = readSync(this.#wal ?? -1, bytes, 0, Math.min(bytes.length, last - at), at);
        if (got === 0) return false;
        writeSync(out, bytes, 0, got, at);
        at += got;
      }
      writeSync(out, bytes, 0, readSync(this.#wal ?? -1, bytes, 0, walHeaderBytes, 0), 0);
    } finally {
      closeSync(out);
    }
    const now = this.committed();
    return now !== undefined && now.header.salt1 === header.salt1 && now.header.salt2 === header.salt2;
  }

  /** Reads the page of a frame into `page`. */
  readPage(frame: number, pageBytes: number, page: Buffer): void {
    readSync(this.#wal ?? -1, page, 0, pageBytes, frameByte(frame, pageBytes) + frameHeaderBytes);
  }
}
