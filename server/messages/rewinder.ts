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

export type ToRewinder =
  | {
      readonly type: 'start';
      /** Of the database, as executors open it. */
      readonly path: string;
      readonly rules: PathRules;
      /** How long to wait for the write lock. */
      readonly busyTimeoutMs: number;
    }
  /** The answer to `locked`. */
  | { readonly type: 'pages'; readonly file: PageFile }
  /** Nothing is to be done: the lock is given back. */
  | { readonly type: 'give-up' };

export type FromRewinder =
  /** It has the write lock, so nobody else commits: what leads from the newest state to the wanted one? */
  | { readonly type: 'locked' }
  /** Committed, and on the disk. */
  | {
      readonly type: 'done';
      /** Pages written. */
      readonly pages: number;
      /** How long others could not write. */
      readonly heldMs: number;
      /** Cursors and ETags of key-value tables are invalid, as they must be. */
      readonly areCursorsReset: boolean;
    }
  /** Nothing was changed. */
  | { readonly type: 'failed'; readonly error: ErrorData };
