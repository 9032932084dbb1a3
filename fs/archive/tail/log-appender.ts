// Makes entries of the log out of what was read of a database: single commits, the first one of a history, and all that
// differs after a gap as one. It knows which log is the current one.
import { closeSync } from 'node:fs';
import type { Commit, CommitLog, DatabaseId, LogStore } from '../commit.ts';
import type { Difference } from './compare.ts';
import { openMainFile, readMainHeader, readMainPage } from './main-file.ts';
import { pageSetOf } from './pages.ts';
import { noPosition } from './position.ts';
import type { ReadCommit } from './read-result.ts';

export class LogAppender {
  readonly #store: LogStore;
  #log: CommitLog;
  #needsSync = false;

  constructor(store: LogStore, log: CommitLog) {
    this.#store = store;
    this.#log = log;
  }

  get log(): CommitLog {
    return this.#log;
  }

  /** A new history, if there is anything in the old one. @returns whether there was */
  beginAnew(id: DatabaseId, reason: string): boolean {
    if (this.#log.last === undefined) return false;
    this.#log = this.#store.newIncarnation(id, reason);
    return true;
  }

  /** The first of them, at least one. @returns how many */
  append(commits: readonly ReadCommit[]): number {
    let before = this.#log.last;
    const made = commits.map((commit): Commit => {
      const { record, pageBytes, databasePages, pages, position } = commit;
      const pagesBefore = before?.databasePages;
      const kind = before === undefined ? 'base' : 'commit';
      const timeMs = Math.max(commit.timeMs, before?.timeMs ?? 0);
      before = { number: 0, timeMs, position, databasePages };
      const writer = record?.writer() ?? null;
      const { pageNumbers, pages: content } = pageSetOf(pages, pageBytes, databasePages, pagesBefore);
      return { kind, timeMs, writer, pageBytes, databasePages, pageNumbers, pages: content, position };
    });
    this.#needsSync = true;
    return this.#log.appendSome(made);
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

  appendDifference(reason: string, { pageBytes, databasePages, pages, position = noPosition }: Difference): void {
    const before = this.#log.last?.databasePages;
    if (pages.size === 0 && databasePages === before) return;
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
  }

  #add(commit: Commit): void {
    this.#log.append({ ...commit, timeMs: Math.max(commit.timeMs, this.#log.last?.timeMs ?? 0) });
    this.#needsSync = true;
  }

  async sync(): Promise<void> {
    if (!this.#needsSync) return;
    this.#needsSync = false;
    await this.#log.sync();
  }
}
