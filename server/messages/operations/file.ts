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

export const file = {
  /** @throws ApiError DATABASE_EXISTS, CONFLICT when something else has the name, FORBIDDEN outside the root */
  create: declareOnFile<{ readonly kvTable: string | null }, CreatedDatabase>('file.create'),

  /**
   * Makes a database of a file with one, which is not changed. Its change cursors and ETags are others than those of
   * the original. @throws ApiError as `create`
   */
  fork: declareOnFile<{ readonly source: string }, { readonly sizeBytes: number }>('file.fork'),

  /** Sidecars first, then the file. @throws ApiError DATABASE_NOT_FOUND (404), DATABASE_BUSY, DELETE_INCOMPLETE */
  delete: declareOnFile<NoArgs, { readonly filesRemoved: number }>('file.delete'),

  /** Does nothing: no executor has the file open afterwards, until the next request. */
  release: declareOnFile<NoArgs, null>('file.release'),

  /** `path` is the directory. Newest first; a page by name. */
  list: declareOnFile<{ readonly page: ListPage | null }, ListedDatabases>('file.list'),
} as const;
