// After a gap: reads a whole database as it is now, beside programs that use it, and finds what differs from the log.
// The state that it finds is that of the last commit that it has read: pages of the main file that a checkpoint changes
// meanwhile are in frames, and those are read last.
import { closeSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CommitLog, WalPosition } from '../commit.ts';
import { commitsOf, readWalHeader, readWalIndex, startOf } from '../wal/wal-file.ts';
import type { WalHeader } from '../wal/wal-frames.ts';
import {
  isQuietSince,
  isSettled,
  lookAtMainFile,
  type MainFile,
  openMainFile,
  openToRead,
  parseMainHeader,
  readMainPage,
} from './main-file.ts';
import { lockPage } from './pages.ts';

/** Read in one go before others have their turn. */
const stepBytes = 2 << 20;

export interface Difference {
  readonly pageBytes: number;
  readonly databasePages: number;
  readonly pages: ReadonlyMap<number, Buffer>;
  /** undefined: there was no log, or an empty one. */
  readonly position: WalPosition | undefined;
  /** The main file while there was no log. */
  readonly quiet: MainFile | undefined;
}

/**
 * `busy`: ask again. `too-different`: more differs than may be kept. `not-wal`: another journal mode, or no database.
 * `unreadable`: there is a log that only its program can read.
 */
export type Comparison =
  | { readonly kind: 'compared'; readonly difference: Difference }
  | { readonly kind: 'busy' | 'too-different' | 'not-wal' | 'unreadable' };

export interface ComparedDatabase {
  readonly path: string;
  readonly inode: string;
  readonly log: Pick<CommitLog, 'page' | 'pageBytes'>;
  readonly mostBytes: number;
  readonly signal: AbortSignal;
  /** Called once the state to compare is fixed from below: all that was recorded before is part of it. */
  readonly begin: () => void;
}

const busy = { kind: 'busy' } as const;

export async function compare(database: ComparedDatabase): Promise<Comparison> {
  const before = lookAtMainFile(database.path);
  const main = openMainFile(database.path, database.inode);
  const wal = openToRead(`${database.path}-wal`);
  const shm = openToRead(`${database.path}-shm`);
  try {
    if (main === undefined || before === undefined) return busy;
    const header = parseMainHeader(readMainPage(main, 1, 100));
    if (header?.journalMode !== 'wal') return { kind: 'not-wal' };
    if (header.pageBytes !== database.log.pageBytes) return { kind: 'too-different' };
    return await new Comparing(database, main, header.pageBytes).run(before, wal, shm);
  } finally {
    for (const fd of [main, wal, shm]) if (fd !== undefined) closeSync(fd);
  }
}

class TooDifferent extends Error {}

class Comparing {
  readonly #database: ComparedDatabase;
  readonly #main: number;
  readonly #pageBytes: number;
  readonly #different = new Map<number, Buffer>();
  /** Pages whose newest content is in the log of the database, not in its main file. */
  readonly #inWal = new Set<number>();
  readonly #zeros: Buffer;

  constructor(database: ComparedDatabase, main: number, pageBytes: number) {
    this.#database = database;
    this.#main = main;
    this.#pageBytes = pageBytes;
    this.#zeros = Buffer.alloc(pageBytes);
  }

  async run(before: MainFile, wal: number | undefined, shm: number | undefined): Promise<Comparison> {
    try {
      const index = shm === undefined ? undefined : readWalIndex(shm);
      const header = wal === undefined ? undefined : readWalHeader(wal);
      if (index !== undefined && index.lastFrame > 0) {
        if (wal === undefined || shm === undefined || header === undefined) return busy;
        if (header.salt1 !== index.salt1 || header.salt2 !== index.salt2) return busy;
        return await this.#withWal(wal, shm, header);
      }
      // Frames that no index tells of: the program that has them keeps the index in its own memory.
      if (index === undefined && header !== undefined) return { kind: 'unreadable' };
      return await this.#withoutWal(before);
    } catch (error) {
      if (error instanceof TooDifferent) return { kind: 'too-different' };
      throw error;
    }
  }

  async #withWal(wal: number, shm: number, header: WalHeader): Promise<Comparison> {
    let position = startOf(header);
    let databasePages = 0;
    const readUpTo = async (end: number): Promise<boolean> => {
      let bytes = 0;
      for (const commit of commitsOf(wal, header, position, end, this.#database.mostBytes)) {
        for (const [pageNumber, content] of commit.pages) {
          this.#note(pageNumber, Buffer.from(content));
          this.#inWal.add(pageNumber);
        }
        position = commit.position;
        databasePages = commit.databasePages;
        bytes += commit.pages.size * this.#pageBytes;
        if (bytes > stepBytes) {
          bytes = 0;
          await this.#pause();
        }
      }
      return position.frames === end;
    };
    this.#database.begin();
    // A checkpoint may go on while the main file is read: what it writes is in the frames up to the second look.
    const first = readWalIndex(shm);
    if (first === undefined || !isOf(first, header) || !(await readUpTo(first.lastFrame))) return busy;
    await this.#readMain(databasePages);
    const last = readWalIndex(shm);
    if (last === undefined || !isOf(last, header) || !(await readUpTo(last.lastFrame))) return busy;
    const end = readWalIndex(shm);
    if (end === undefined || !isOf(end, header)) return busy;
    return this.#found(databasePages, position, undefined);
  }

  async #withoutWal(before: MainFile): Promise<Comparison> {
    this.#database.begin();
    if (!isSettled(before, Date.now())) return busy;
    const databasePages = Number(before.size) / this.#pageBytes;
    if (!Number.isInteger(databasePages)) return busy;
    await this.#readMain(databasePages);
    const after = lookAtMainFile(this.#database.path);
    if (after === undefined || after.inode !== before.inode || !isQuietSince(after, before)) return busy;
    const shm = openToRead(`${this.#database.path}-shm`);
    try {
      const index = shm === undefined ? undefined : readWalIndex(shm);
      if (index !== undefined && index.lastFrame > 0) return busy;
    } finally {
      if (shm !== undefined) closeSync(shm);
    }
    return this.#found(databasePages, undefined, after);
  }

  async #readMain(databasePages: number): Promise<void> {
    const excluded = lockPage(this.#pageBytes);
    const pagesInStep = Math.max(1, Math.floor(stepBytes / this.#pageBytes));
    for (let pageNumber = 1; pageNumber <= databasePages; pageNumber++) {
      if (pageNumber % pagesInStep === 0) await this.#pause();
      if (pageNumber === excluded || this.#inWal.has(pageNumber)) continue;
      this.#note(pageNumber, readMainPage(this.#main, pageNumber, this.#pageBytes));
    }
  }

  #note(pageNumber: number, content: Buffer): void {
    const archived = this.#database.log.page(pageNumber) ?? this.#zeros;
    if (archived.equals(content)) this.#different.delete(pageNumber);
    else this.#different.set(pageNumber, content);
    if (this.#different.size * this.#pageBytes > this.#database.mostBytes) throw new TooDifferent();
  }

  #found(databasePages: number, position: WalPosition | undefined, quiet: MainFile | undefined): Comparison {
    const difference = { pageBytes: this.#pageBytes, databasePages, pages: this.#different, position, quiet };
    return { kind: 'compared', difference };
  }

  async #pause(): Promise<void> {
    await nextTurn();
    this.#database.signal.throwIfAborted();
  }
}

function isOf(
  index: { readonly salt1: number; readonly salt2: number },
  header: { readonly salt1: number; readonly salt2: number },
): boolean {
  return index.salt1 === header.salt1 && index.salt2 === header.salt2;
}
