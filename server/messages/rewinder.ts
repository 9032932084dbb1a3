// What the server process and the rewinder say to each other. One rewinder makes one rewind, then ends.
import type { ErrorData } from './errors.ts';
import type { PathRules } from './paths.ts';

/** Pages that make the newest state another one, in a file: of each its number (4 bytes, little-endian) and content. */
export interface PageFile {
  readonly path: string;
  readonly pages: number;
  readonly pageBytes: number;
  /** Of the state that is to be. */
  readonly databasePages: number;
}

/** A whole state, page after page. */
export interface StateFile {
  readonly path: string;
  readonly pageBytes: number;
  readonly databasePages: number;
}

/** How the database commits. */
export type Journal = 'wal' | 'rollback';

export type ToRewinder =
  | {
      readonly type: 'start';
      /** Of the database, as executors open it. */
      readonly path: string;
      readonly rules: PathRules;
      /** How long to wait for the write lock. */
      readonly busyTimeoutMs: number;
    }
  /** The answer to `locked` with `wal`. */
  | { readonly type: 'pages'; readonly file: PageFile }
  /** The answer to `locked` with `rollback`. */
  | { readonly type: 'state'; readonly file: StateFile }
  /** Nothing is to be done: the lock is given back. */
  | { readonly type: 'give-up' };

export type FromRewinder =
  /** It has the write lock, so nobody else commits: what leads from the newest state to the wanted one? */
  | { readonly type: 'locked'; readonly journal: Journal }
  /** Committed, and on the disk. */
  | {
      readonly type: 'done';
      /** Pages written; 0: the newest state was the wanted one. */
      readonly pages: number;
      /** How long others could not write. */
      readonly heldMs: number;
      /** Cursors and ETags of key-value tables are invalid, as they must be. */
      readonly areCursorsReset: boolean;
    }
  /** Nothing was changed. */
  | { readonly type: 'failed'; readonly error: ErrorData };
