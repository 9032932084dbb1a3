// Lets programs begin the write-ahead log of a database in RAM anew: what the copier has not read of it is noted first,
// page by page, so that nobody waits for the copier. A log that the last close deletes is kept by
// fs/nodes/ram-names.ts.
import type { DatabaseFiles } from '../locks/types.ts';
import type { NodeTable } from '../nodes/nodes.ts';
import type { RamFiles } from '../nodes/ram-files.ts';
import type { NodeId } from '../protocol/requests.ts';
import { isSameLog, parseWalIndex, type WalIndex, walIndexBytes } from '../sqlite/wal-index.ts';
import { loggedPages } from '../sqlite/wal-index-pages.ts';
import { pread } from '../system/files.ts';

/** With so much noted and not copied, a log goes on instead: the copier can catch up with one that stays. */
const mostNotedBytes = 64 << 20;
/** But not beyond this, so that it does not fill the RAM. */
const longestLogBytes = 256 << 20;
/** What is said of a log that has to go on: nobody waits for that. */
const goesOn = 1;

interface Noted {
  /** The last log that was noted, and how much since the copier was seen to have copied something. */
  readonly salt1: number;
  readonly salt2: number;
  readonly frames: number;
  readonly position: string;
  readonly bytes: number;
}

export class CopiedLogs {
  readonly #nodes: NodeTable;
  readonly #ram: RamFiles | undefined;
  readonly #descriptorOf: (file: number) => number;
  readonly #bytes = Buffer.alloc(walIndexBytes);
  /** By main file. */
  readonly #noted = new Map<number, Noted>();

  /** `descriptorOf` gives the data descriptor of an open file, -1 for none. */
  constructor(nodes: NodeTable, ram: RamFiles | undefined, descriptorOf: (file: number) => number) {
    this.#nodes = nodes;
    this.#ram = ram;
    this.#descriptorOf = descriptorOf;
  }

  /**
   * To be asked when a program that writes is about to begin the log anew: 0 where it may, 1 where it has to go on;
   * undefined for a database on the disk. Where the log cannot be seen, the copier is told to trust nothing that it
   * knows.
   */
  uncopiedBytes({ main, shm }: DatabaseFiles): number | undefined {
    const node = this.#ram === undefined || main === undefined ? undefined : this.#nodes.get(main as NodeId);
    if (node === undefined || main === undefined || this.#ram?.isInRam(node) !== true) return undefined;
    const index = shm === undefined ? undefined : this.#index(shm);
    if (index?.lastFrame === 0) return 0;
    if (index === undefined || shm === undefined) {
      this.#ram.dropPosition(node);
      return 0;
    }
    const copied = this.#ram.positionOf(node);
    // Without a position all pages are compared, maybe just now: that has to know of this log, too.
    const from = copied !== undefined && isSameLog(copied, index) ? copied.frames : 0;
    if (from >= index.lastFrame) return 0;
    const before = this.#noted.get(main);
    if (before !== undefined && isSameLog(before, index) && before.frames === index.lastFrame) return 0;
    const position = `${copied?.salt1} ${copied?.salt2} ${copied?.frames}`;
    const notedBytes = before?.position === position ? before.bytes : 0;
    const bytes = notedBytes + (index.lastFrame - from) * index.pageBytes;
    if (bytes > mostNotedBytes && index.lastFrame * index.pageBytes < longestLogBytes) return goesOn;
    const { pageBytes, databasePages } = index;
    const pages = loggedPages((into, byte) => this.#read(shm, into, byte), from, index.lastFrame);
    if (pages === undefined || !this.#ram.noteLog(node, { pageBytes, databasePages, pages })) return goesOn;
    this.#noted.set(main, { salt1: index.salt1, salt2: index.salt2, frames: index.lastFrame, position, bytes });
    return 0;
  }

  /** A transaction in rollback mode has ended: no log shows what it wrote. */
  wrote({ main }: DatabaseFiles): void {
    const node = this.#ram === undefined || main === undefined ? undefined : this.#nodes.get(main as NodeId);
    if (node !== undefined && this.#ram?.isInRam(node) === true) this.#ram.dropPosition(node);
  }

  /** Nobody has the file open any more. */
  forget(file: number): void {
    this.#noted.delete(file);
  }

  #index(shm: number): WalIndex | undefined {
    return this.#read(shm, this.#bytes, 0) < walIndexBytes ? undefined : parseWalIndex(this.#bytes);
  }

  #read(shm: number, into: Buffer, byte: number): number {
    const fd = this.#descriptorOf(shm);
    return fd < 0 ? -1 : pread(fd, into, into.length, byte);
  }
}
