// What the server asks about the past of databases, in its own words: the archive process answers by way of the
// supervisor. Databases and pages come as files. Plain data only: it crosses process borders.

export interface Writer {
  readonly pid: number;
  /** The command line, arguments separated by blanks. */
  readonly command: string;
  /** The container's id or name; `host` outside of any. */
  readonly container: string;
}

/** `base`: the first of a history. `resync`: all that differs after a gap, as one commit. */
export type CommitKind = 'commit' | 'base' | 'resync';

/** A moment of a database. A time means the last commit at or before it. */
export type At =
  | { readonly timeMs: number }
  | { readonly bookmark: string }
  | { readonly number: number }
  | { readonly head: true };

export interface Moment {
  /**
   * `<8 hex digits: incarnation>-<12 hex digits: commit number>`; bookmarks of one database sort by time. A question
   * may name a moment by a bookmark of an answer to a write as well (bookmark.ts).
   */
  readonly bookmark: string;
  readonly number: number;
  readonly timeMs: number;
  readonly databasePages: number;
  readonly pageBytes: number;
}

/** `database` is a path below the data directory, such as `app.db`. */
export type ArchiveQuestion =
  | { readonly op: 'status' }
  | {
      readonly op: 'history';
      readonly database: string;
      readonly sinceMs?: number;
      readonly untilMs?: number;
      /** Only commits before this bookmark: the next page of a listing. */
      readonly before?: string;
      readonly limit: number;
      /** Only commits that changed this table. */
      readonly table?: string;
      readonly withTables?: boolean;
    }
  | { readonly op: 'resolve'; readonly database: string; readonly at: At }
  /** Writes a whole database file to `path`, which must not exist. */
  | { readonly op: 'materialise'; readonly database: string; readonly at: At; readonly path: string }
  /**
   * A state as two files, of which neither may exist. `base`: whole pages, a link to a file of the archive where that
   * can be made. `path`: what differs in the state, in the form of a patch; it is not made where there is nothing.
   */
  | {
      readonly op: 'parts';
      readonly database: string;
      readonly at: At;
      readonly base: string;
      readonly path: string;
    }
  /**
   * Writes the pages that make the newest state that of `at`: for each one its number (4 bytes, little-endian) and its
   * content.
   */
  | { readonly op: 'patch'; readonly database: string; readonly at: At; readonly path: string }
  /**
   * Writes pages that were written after `from` and up to `to`, as they are at `to`, in the form of a patch: at most
   * `most` of them behind the first `skip`, by their numbers. `path` is not made where there is none.
   */
  | {
      readonly op: 'changed-pages';
      readonly database: string;
      readonly from: At;
      readonly to: At;
      readonly skip: number;
      readonly most: number;
      readonly path: string;
    }
  /**
   * Pages that differ between two moments, by table. With `excerpts` it writes a database file for each: all
   * definitions, the rows that may differ, and indexes without content. Neither path may exist.
   */
  | {
      readonly op: 'changed-tables';
      readonly database: string;
      readonly from: At;
      readonly to: At;
      readonly excerpts?: { readonly from: string; readonly to: string };
    }
  /** The newest commit is a rewind that led from one moment to the state of another. */
  | { readonly op: 'mark-rewind'; readonly database: string; readonly from: string; readonly to: string }
  | { readonly op: 'last-rewind'; readonly database: string }
  /** Answers when all that was committed before the question is in the log. */
  | { readonly op: 'settle'; readonly database: string }
  | { readonly op: 'verify'; readonly database?: string }
  | { readonly op: 'prune'; readonly database?: string; readonly beforeMs?: number };

export type ArchiveErrorCode =
  | 'not-archived'
  | 'too-old'
  | 'unknown-bookmark'
  | 'gap'
  | 'no-space'
  | 'damaged'
  | 'timeout';

/** Every answer: the value, or why not. */
export type ArchiveAnswer<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly code: ArchiveErrorCode; readonly message: string };

export interface HistoryEntry extends Moment {
  readonly kind: CommitKind;
  readonly writer: Writer | null;
  /** How many pages it wrote. */
  readonly pages: number;
  /** Names of tables and indexes whose pages it wrote; absent where not asked for. */
  readonly tables?: readonly string[];
  readonly reason?: string;
  /** It is a rewind to the state of this bookmark. */
  readonly rewoundTo?: string;
}

export interface HistoryAnswer {
  /** Newest first. */
  readonly entries: readonly HistoryEntry[];
  readonly hasMore: boolean;
  /** The oldest moment whose state can be had; null where there is none yet. */
  readonly oldest: Moment | null;
}

export interface PatchAnswer {
  readonly moment: Moment;
  /** The newest commit: what the patch leads away from. */
  readonly head: Moment;
  /** Pages in the file. */
  readonly pages: number;
}

export interface ChangedPagesAnswer {
  readonly from: Moment;
  readonly to: Moment;
  /** All of them, of which the file has a part. */
  readonly pages: number;
  /** Of the numbers of all of them: thinning the history in between may change which ones they are. */
  readonly digest: string;
  /** In the file. */
  readonly written: number;
  /** Of the database as it is now; null where it is not followed. `off`: there may be commits that are not kept. */
  readonly state: ArchivedDatabase['state'] | null;
}

/** A state: so many pages of the base's file, zeros where it is shorter, and over them those of the patch. */
export interface PartsAnswer {
  readonly moment: Moment;
  /** In the patch. */
  readonly pages: number;
  /** As it is before anything is read. Whoever has copied it and finds the same has what was meant. */
  readonly stamp: BaseStamp;
}

export interface BaseStamp {
  readonly bytes: number;
  /** When it was last written, in nanoseconds. Decimal. */
  readonly modifiedNs: string;
}

export interface MaterialiseAnswer {
  readonly moment: Moment;
  readonly bytes: number;
}

export interface ChangedTablesAnswer {
  readonly from: Moment;
  readonly to: Moment;
  /** Names of tables and indexes with pages that differ. */
  readonly tables: readonly string[];
  readonly pages: number;
  /** Of these the ones that `from` has: what a rewind from `to` writes. */
  readonly pagesOfFrom: number;
  /** They were asked for, and not so much differs that whole states are better. */
  readonly hasExcerpts: boolean;
}

export interface LastRewind {
  /** The moment before the rewind: what `undo` goes back to. */
  readonly from: Moment;
  readonly to: Moment;
  /** The commit that the rewind made. */
  readonly rewind: Moment;
}

export interface ArchivedDatabase {
  readonly name: string;
  /** `off`: why it is not archived says `reason`. `copying`: its base is being made. */
  readonly state: 'current' | 'behind' | 'copying' | 'off';
  readonly reason?: string;
  readonly commits: number;
  readonly oldestMs: number | null;
  readonly newestMs: number | null;
  /** What its log takes on the disk. */
  readonly bytes: number;
  /** Bytes of the write-ahead log that are not read yet. */
  readonly lagBytes: number;
  readonly gaps: number;
}

export interface ArchiveStatus {
  readonly databases: readonly ArchivedDatabase[];
  readonly bytes: number;
  readonly budgetBytes: number;
}

export interface VerifyAnswer {
  readonly commits: number;
  /** One line for each fault: database, commit, what is wrong. Empty: all is well. */
  readonly faults: readonly string[];
}
