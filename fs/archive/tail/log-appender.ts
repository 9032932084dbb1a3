// Makes entries of the log out of what was read of a database: single commits, the first one of a history, and all that
// differs after a gap as one. It knows which log is the current one.
import { closeSync } from 'node:fs';
import { type Commit, type CommitLog, type DatabaseId, hasOnlyBegun, type LogStore } from '../commit.ts';
import { chunkBytes } from '../wal/wal-file.ts';
import type { Difference } from './compare.ts';
import { FirstStates } from './first-states.ts';
import { openMainFile, readMainHeader, readMainPage } from './main-file.ts';
import { PageRoom, pageSetOf } from './pages.ts';
import { noPosition } from './position.ts';
import type { ReadCommit } from './read-result.ts';

/** One for all databases: what is appended is written when an append ends. */
const room = new PageRoom(chunkBytes);
const takeRoom = (bytes: number): Buffer => room.take(bytes);

export class LogAppender {
  readonly #store: LogStore;
  #log: CommitLog;
  #needsSync = false;
  /** undefined: the history has its base, or was begun by another process. */
  #firstStates: FirstStates | undefined;

  constructor(store: LogStore, log: CommitLog) {
    this.#store = store;
    this.#log = log;
    if (log.last === undefined) this.#firstStates = new FirstStates();
  }

  get log(): CommitLog {
    return this.#log;
  }

  /** A new history, if there is anything in the old one. @returns whether an old one stays */
  beginAnew(id: DatabaseId, reason: string): boolean {
    if (this.#log.last === undefined) return false;
    const stays = !hasOnlyBegun(this.#log);
    this.#log = this.#store.newIncarnation(id, reason);
    this.#firstStates = new FirstStates();
    return stays;
  }

  /** The first of them, at least one. @returns how many */
  append(commits: readonly ReadCommit[]): number {
    let before = this.#log.last;
    room.clear();
    const made = commits.map((commit): Commit => {
      const { record, pageBytes, databasePages, pages, position } = commit;
      const pagesBefore = before?.databasePages;
      const kind = before === undefined ? 'base' : 'commit';
      const timeMs = Math.max(commit.timeMs, before?.timeMs ?? 0);
      before = { number: 0, timeMs, position, databasePages };
      const writer = record?.writer() ?? null;
      const { pageNumbers, pages: content } = pageSetOf(pages, pageBytes, databasePages, pagesBefore, takeRoom);
      return { kind, timeMs, writer, pageBytes, databasePages, pageNumbers, pages: content, position };
    });
    this.#expectRoomFor(made);
    this.#needsSync = true;
    const taken = this.#log.appendSome(made);
    for (const commit of made.slice(0, taken)) this.#firstStates?.add(commit);
    return taken;
  }

  /** The base becomes that of the log. @returns from which commit on states can be had */
  baseIsThere(setBase: (validFrom: number) => void): number {
    const validFrom = this.#firstStates?.validFrom ?? this.#log.last?.number ?? 0;
    setBase(validFrom);
    this.#firstStates = undefined;
    return validFrom;
  }

  /** All is in the main file: the history begins with what its header says, and the base brings the rest. */
  appendWithoutLog(path: string, inode: string): void {
    const main = openMainFile(path, inode);
    const header = readMainHeader(path);
    if (main === undefined || header === undefined) return;
    try {
      const { pageBytes, databasePages } = header;
      this.#add({
        kind: 'base',
        timeMs: Date.now(),
        writer: null,
        pageBytes,
        databasePages: Math.max(1, databasePages),
        pageNumbers: Uint32Array.of(1),
        pages: readMainPage(main, 1, pageBytes),
        position: noPosition,
      });
    } finally {
      closeSync(main);
    }
  }

  /** @returns whether there is any */
  appendDifference(reason: string, { pageBytes, databasePages, pages, position = noPosition }: Difference): boolean {
    const before = this.#log.last?.databasePages;
    if (pages.size === 0 && databasePages === before) return false;
    this.#add({
      kind: 'resync',
      timeMs: Date.now(),
      writer: null,
      reason,
      pageBytes,
      databasePages,
      ...pageSetOf(pages, pageBytes, databasePages, before),
      position,
    });
    return true;
  }

  /** @throws NodeJS.ErrnoException: no disk is filled up to its end */
  #expectRoomFor(commits: readonly Commit[]): void {
    const bytes = commits.reduce((sum, { pages }) => sum + pages.length, 0);
    if (!this.#store.fits(bytes))
      throw Object.assign(new Error('ENOSPC: the rest is left to programs'), { code: 'ENOSPC' });
  }

  #add(commit: Commit): void {
    this.#expectRoomFor([commit]);
    this.#log.append({ ...commit, timeMs: Math.max(commit.timeMs, this.#log.last?.timeMs ?? 0) });
    this.#firstStates?.add(commit);
    this.#needsSync = true;
  }

  async sync(): Promise<void> {
    if (!this.#needsSync) return;
    this.#needsSync = false;
    await this.#log.sync();
  }
}
