// Translates what better-sqlite3 throws into the API's errors. SQLite's own words reach the client only where the
// client's statement is at fault (4xx).
import { ApiError, needsTooMuchMemory, toApiError } from '../../messages/errors.ts';

/** `code` of a better-sqlite3 SqliteError, or '' for anything else. */
export function sqliteCode(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' && error.code.startsWith('SQLITE_') ? error.code : '';
}

export function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(sqliteCode(error));
}

/** Anything thrown by a job -> what its client is told. */
export function jobToApiError(error: unknown): ApiError {
  const code = sqliteCode(error);
  return error instanceof Error && code !== '' ? fromSqlite(code, error.message, error) : toApiError(error);
}

/** What an interrupted job comes to; the server knows whether it was late. */
export function interrupted(cause?: unknown): ApiError {
  return new ApiError('REQUEST_TIMEOUT', 'the work was interrupted; nothing was committed', { cause });
}

function failureOf(code: string): string {
  if (code === 'SQLITE_FULL') return 'there is no room on the disk';
  if (/^SQLITE_(CORRUPT|IOERR_CORRUPTFS)/.test(code)) return 'the database file is damaged; quick_check tells more';
  return 'internal database error';
}

function fromSqlite(code: string, text: string, cause: unknown): ApiError {
  if (isBusy(cause)) {
    return new ApiError('DATABASE_BUSY', 'the database is locked; try again', { cause });
  }
  if (code.startsWith('SQLITE_NOMEM')) return needsTooMuchMemory(cause);
  if (code === 'SQLITE_INTERRUPT') return interrupted(cause);
  if (code.startsWith('SQLITE_CONSTRAINT')) return new ApiError('SQL_CONSTRAINT', text, { cause });
  if (code.startsWith('SQLITE_READONLY')) {
    return new ApiError('DATABASE_READONLY', 'the database cannot be written', { cause });
  }
  if (code.startsWith('SQLITE_NOTADB')) {
    return new ApiError('INVALID_SQLITE_HEADER', 'the file is not an SQLite database', { cause });
  }
  if (/^SQLITE_(ERROR|MISMATCH|TOOBIG|RANGE|AUTH|MISUSE|ABORT)/.test(code))
    return new ApiError('SQL_ERROR', text, { cause });
  return new ApiError('DATABASE_ERROR', failureOf(code), { cause });
}
