// Bookmarks of the commits of one connection, made without waiting for the archive. While a transaction has the write
// lock nobody else commits: where the log ends then is the state before it. Where it ends after COMMIT is the state
// with it, unless the change counter tells that somebody else has committed since; then it is the commit after the
// first.
import type { Database, Statement } from 'better-sqlite3';
import { placeBookmark, type WriteBookmarks } from '../messages/bookmark.ts';
import { findGuard, Guard, type LogEnd } from './guard/guard.ts';

export class CommitBookmarks {
  readonly #database: Database;
  readonly #journalMode: Statement;
  #isWanted = false;
  #before: LogEnd | null = null;
  #made: WriteBookmarks | undefined;

  constructor(database: Database) {
    this.#database = database;
    this.#journalMode = database.prepare('PRAGMA journal_mode').pluck();
  }

  /** Before each group: whether anybody wants to know. */
  prepare(isWanted: boolean): void {
    this.#isWanted = isWanted;
    this.#before = null;
    this.#made = undefined;
  }

  /** The transaction has the write lock and has written nothing yet. */
  began(): void {
    this.#before = this.#isWanted && this.#journalMode.get() === 'wal' ? this.#end() : null;
  }

  /** COMMIT has returned. */
  committed(): void {
    const before = this.#before;
    this.#before = null;
    this.#made = before === null ? undefined : bookmarksOf(before, this.#end(), Date.now());
  }

  /** Those of the last commit, once; undefined where there are none. */
  take(): WriteBookmarks | undefined {
    const made = this.#made;
    this.#made = undefined;
    return made;
  }

  #end(): LogEnd | null {
    const guard = findGuard();
    return guard instanceof Guard ? guard.logEnd(this.#database) : null;
  }
}

/**
 * `after`: null where it cannot be known. Pure.
 * @returns undefined where the commit cannot be named: the log was empty, and others have committed since
 */
function bookmarksOf(before: LogEnd, after: LogEnd | null, timeMs: number): WriteBookmarks | undefined {
  if (after === null) return undefined;
  const hasPlace = before.frames > 0;
  const previous = placeBookmark(timeMs, before);
  const isUnchanged = after.change === before.change && after.frames === before.frames;
  if (isUnchanged || after.written === before.written) return hasPlace ? { bookmark: previous, previous } : undefined;
  if (after.frames > 0 && after.change === (before.change + 1) >>> 0) {
    const bookmark = placeBookmark(timeMs, after);
    return { bookmark, previous: hasPlace ? previous : placeBookmark(timeMs - 1, after, 'before') };
  }
  return hasPlace ? { bookmark: placeBookmark(timeMs, before, 'after'), previous } : undefined;
}
