// The write-ahead log of a database in RAM: how far it is committed, and which frame has the last content of a page.
// The index alone says that.
import { closeSync, fstatSync, readSync } from 'node:fs';
import { openToRead } from '../archive/tail/main-file.ts';
import { readWalHeader, readWalIndex } from '../archive/wal/wal-file.ts';
import { frameByte, frameHeaderBytes } from '../archive/wal/wal-frames.ts';
import { isSameLog, type WalIndex } from '../sqlite/wal-index.ts';
import { loggedPages } from '../sqlite/wal-index-pages.ts';

/**
 * `none`: everything is in the main file. `unreadable`: there is a log, and nobody shares its index. `torn`: somebody
 * writes the index, or was ended in the middle of that.
 */
export type LogState = 'open' | 'none' | 'unreadable' | 'torn';

export class RamLog {
  readonly state: LogState;
  readonly #wal: number | undefined;
  readonly #shm: number | undefined;

  constructor(walPath: string, shmPath: string) {
    this.#shm = openToRead(shmPath);
    this.#wal = openToRead(walPath);
    const hasFrames = this.#wal !== undefined && readWalHeader(this.#wal) !== undefined;
    this.state = hasFrames ? this.#stateOfIndex() : 'none';
  }

  #stateOfIndex(): LogState {
    if (this.index() !== undefined) return 'open';
    return this.#shm !== undefined && fstatSync(this.#shm).size > 0 ? 'torn' : 'unreadable';
  }

  close(): void {
    for (const fd of [this.#wal, this.#shm]) if (fd !== undefined) closeSync(fd);
  }

  /** undefined where there is none, or none that can be read now. */
  index(): WalIndex | undefined {
    return this.#shm === undefined ? undefined : readWalIndex(this.#shm);
  }

  /**
   * The index of a log with frames; `empty`: the main file has everything. `unknown`: it cannot be told now, since
   * somebody is writing the index or was ended in the middle of that, or is beginning a new log.
   */
  committed(): WalIndex | 'empty' | 'unknown' {
    if (this.#wal === undefined) return 'empty';
    const index = this.index();
    if (index?.lastFrame === 0) return 'empty';
    const header = readWalHeader(this.#wal);
    if (index === undefined && header === undefined) return 'empty';
    return index !== undefined && header !== undefined && isSameLog(index, header) ? index : 'unknown';
  }

  /** Page -> the last frame that has it, of the frames behind `from` up to `end`; undefined: the log has ended. */
  framesOf(from: number, end: number): ReadonlyMap<number, number> | undefined {
    const read = (into: Buffer, byte: number) => readSync(this.#shm ?? -1, into, 0, into.length, byte);
    const pages = loggedPages(read, from, end);
    return pages && new Map([...pages].map((page, at) => [page, from + at + 1]));
  }

  /** Reads the page of a frame into `page`. */
  readPage(frame: number, pageBytes: number, page: Buffer): void {
    readSync(this.#wal ?? -1, page, 0, pageBytes, frameByte(frame, pageBytes) + frameHeaderBytes);
  }
}
