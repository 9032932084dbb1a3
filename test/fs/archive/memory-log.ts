// A commit log in memory, for tests of the tail alone: what was appended, and the state after each commit.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Commit, CommitLog, DatabaseId, LogStore } from '../../../fs/archive/commit.ts';

export class MemoryLog implements CommitLog {
  readonly commits: Commit[] = [];
  base: Buffer | undefined;
  validFrom = 0;
  isClosed = false;
  /** Thrown by the next append. */
  failure: NodeJS.ErrnoException | undefined;

  get last() {
    const commit = this.commits.at(-1);
    if (commit === undefined) return undefined;
    const { timeMs, position, databasePages } = commit;
    return { number: this.commits.length, timeMs, position, databasePages };
  }

  get pageBytes() {
    return this.commits.at(-1)?.pageBytes;
  }

  get hasBase() {
    return this.base !== undefined;
  }

  append(commit: Commit): number {
    if (this.failure !== undefined) throw this.failure;
    if (commit.timeMs < (this.last?.timeMs ?? 0)) throw new Error('time goes back');
    if (commit.pages.length !== commit.pageNumbers.length * commit.pageBytes) throw new Error('pages are missing');
    this.commits.push({ ...commit, pages: Buffer.from(commit.pages) });
    return this.commits.length;
  }

  /** One of them at a time. */
  appendSome([commit]: readonly Commit[]): number {
    if (commit !== undefined) this.append(commit);
    return 1;
  }

  async sync() {}

  page(pageNumber: number): Buffer | undefined {
    return this.pageAt(pageNumber, this.commits.length);
  }

  pageAt(pageNumber: number, number: number): Buffer | undefined {
    for (let at = number - 1; at >= 0; at--) {
      const { pageNumbers, pages, pageBytes } = this.commits[at] as Commit;
      const index = pageNumbers.indexOf(pageNumber);
      if (index >= 0) return pages.subarray(index * pageBytes, (index + 1) * pageBytes);
    }
    const pageBytes = this.pageBytes ?? 0;
    const page = this.base?.subarray((pageNumber - 1) * pageBytes, pageNumber * pageBytes);
    return page?.length === pageBytes ? page : undefined;
  }

  /** The database file after a commit, counted from 1. */
  stateAt(number: number): Buffer {
    const { databasePages, pageBytes } = this.commits[number - 1] as Commit;
    const state = Buffer.alloc(databasePages * pageBytes);
    for (let page = 1; page <= databasePages; page++) {
      this.pageAt(page, number)?.copy(state, (page - 1) * pageBytes);
    }
    return state;
  }

  setBase(path: string, validFrom: number): void {
    this.base = readFileSync(path);
    rmSync(path);
    this.validFrom = validFrom;
  }

  close(): void {
    this.isClosed = true;
  }
}

/** Remembers every incarnation of every database, the newest last. */
export class MemoryStore implements LogStore {
  readonly logs = new Map<string, MemoryLog[]>();
  readonly names = new Map<string, string>();
  readonly reasons: string[] = [];
  roomBytes = Number.POSITIVE_INFINITY;
  readonly #folder: string;

  /** @param folder on the file system of the databases */
  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  open(id: DatabaseId) {
    const known = this.logs.get(id.inode)?.at(-1);
    this.names.set(id.inode, id.name);
    return known === undefined ? { log: this.#add(id), isNew: true } : { log: known, isNew: false };
  }

  has(id: DatabaseId) {
    return this.logs.has(id.inode);
  }

  newIncarnation(id: DatabaseId, reason: string) {
    this.reasons.push(reason);
    return this.#add(id);
  }

  rename(id: DatabaseId, name: string) {
    this.names.set(id.inode, name);
  }

  unfinishedBasePath(id: DatabaseId) {
    return join(this.#folder, `base-${id.inode}`);
  }

  fits(bytes: number) {
    return bytes <= this.roomBytes;
  }

  forget() {}

  close() {}

  /** The newest incarnation of the only database. */
  get only(): MemoryLog {
    const log = [...this.logs.values()].at(-1)?.at(-1);
    if (log === undefined) throw new Error('there is no log');
    return log;
  }

  #add({ inode }: DatabaseId): MemoryLog {
    const log = new MemoryLog();
    this.logs.set(inode, [...(this.logs.get(inode) ?? []), log]);
    return log;
  }
}
