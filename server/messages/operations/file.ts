// Work on database files as files. executor/databases/file-operations.ts does it.
import { declareOnFile, type NoArgs } from '../operation.ts';

export interface CreatedDatabase {
  readonly sizeBytes: number;
  readonly tables: readonly string[];
}

export interface ListedDatabase {
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly isValid: boolean;
}

/** Which names of a directory are looked at: those after `after`, at most `limit` of them. */
export interface ListPage {
  readonly limit: number;
  readonly after: string;
}

export interface ListedDatabases {
  readonly databases: readonly ListedDatabase[];
  /** Where the next page begins; null: this is the end, or all. */
  readonly nextAfter: string | null;
}

/** A state of the past: pages of a file, zeros where it is shorter, and over them those of a patch. */
export interface StateParts {
  readonly base: {
    readonly path: string;
    readonly bytes: number;
    /** Decimal. If it is another one afterwards, what was read is worth nothing. */
    readonly modifiedNs: string;
  };
  /** Of each page its number (4 bytes, little-endian) and content. The file is not there where `pages` is 0. */
  readonly patch: { readonly path: string; readonly pages: number };
  readonly pageBytes: number;
  readonly databasePages: number;
}

export const file = {
  /** @throws ApiError DATABASE_EXISTS, CONFLICT when something else has the name, FORBIDDEN outside the root */
  create: declareOnFile<{ readonly kvTable: string | null }, CreatedDatabase>('file.create'),

  /**
   * Makes a database of a state of the past, beside its place until it is whole. Its change cursors and ETags are
   * others than those of the original.
   * @throws ApiError as `create`, SERVICE_UNAVAILABLE where the state went meanwhile
   */
  fork: declareOnFile<{ readonly parts: StateParts; readonly unfinishedName: string }, { readonly sizeBytes: number }>(
    'file.fork',
  ),

  /** What a fork that was killed has left beside the path. Nothing where it left nothing. */
  removeUnfinished: declareOnFile<{ readonly name: string }, null>('file.remove-unfinished'),

  /** Sidecars first, then the file. @throws ApiError DATABASE_NOT_FOUND (404), DATABASE_BUSY, DELETE_INCOMPLETE */
  delete: declareOnFile<NoArgs, { readonly filesRemoved: number }>('file.delete'),

  /** Does nothing: no executor has the file open afterwards, until the next request. */
  release: declareOnFile<NoArgs, null>('file.release'),

  /** `path` is the directory. Newest first; a page by name. */
  list: declareOnFile<{ readonly page: ListPage | null }, ListedDatabases>('file.list'),
} as const;
