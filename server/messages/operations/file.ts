// Work on database files as files, as the server process asks for it: names and types. executor/databases/file-operations.ts does it.
import type { FileRequest } from '../operation.ts';

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

/** @throws ApiError DATABASE_EXISTS, CONFLICT when something else has the name, FORBIDDEN outside the root */
export const createDatabase: FileRequest<{ readonly kvTable: string | null }, CreatedDatabase> = {
  name: 'file.create',
};

/** Sidecars first, then the file. @throws ApiError DATABASE_NOT_FOUND (404), DATABASE_BUSY, DELETE_INCOMPLETE */
export const deleteDatabase: FileRequest<Record<string, never>, { readonly filesRemoved: number }> = {
  name: 'file.delete',
};

/** `path` is the directory. Newest first. */
export const listDatabases: FileRequest<Record<string, never>, readonly ListedDatabase[]> = { name: 'file.list' };
