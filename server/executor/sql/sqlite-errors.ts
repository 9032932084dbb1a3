// Translates what better-sqlite3 throws into the API's errors. SQLite's own words reach the client only where the
// client's statement is at fault (4xx).
import { ApiError, needsTooMuchMemory } from '../../messages/errors.ts';

const databaseFailure = 'internal database error';

/** `code` of a better-sqlite3 SqliteError, or '' for anything else. */
export function sqliteCode(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' && error.code.startsWith('SQLITE_') ? error.code : '';
}

export function isBusy(error: unknown): boolean {
  return /^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(sqliteCode(error));
}

/** Anything thrown by a job -> what its client is told. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const code = sqliteCode(error);
  const text = error instanceof Error ? error.message : String(error);
  if (code !== '') return fromSqlite(code, text, error);
  if (isOutOfMemory(error, text)) return needsTooMuchMemory(error);
  if (isPermissionError(error)) {
    return new ApiError('FORBIDDEN', 'the user that the HTTP server runs as may not use this file', { cause: error });
  }
  if (error instanceof Error && 'code' in error && error.code === 'EROFS') {
    return new ApiError('DATABASE_READONLY', 'the file system is read-only', { cause: error });
  }
  return new ApiError('INTERNAL_ERROR', 'internal error', { cause: error });
}

/** What an interrupted job comes to; the server knows whether it was late. */
export function interrupted(cause?: unknown): ApiError {
  return new ApiError('REQUEST_TIMEOUT', 'the work was interrupted; nothing was committed', { cause });
}

/** Buffers and strings that could not be made. */
function isOutOfMemory(error: unknown, text: string): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  if (code === 'ERR_MEMORY_ALLOCATION_FAILED' || code === 'ERR_STRING_TOO_LONG') return true;
  return error instanceof RangeError && /allocation failed|Invalid string length|Invalid array/.test(text);
}

function isPermissionError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM');
}

function fromSqlite(code: string, text: string, cause: unknown): ApiError {
  if (isBusy(cause)) {
    return new ApiError('DATABASE_BUSY', 'another program holds the database; try again', { cause });
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
  return new ApiError('DATABASE_ERROR', databaseFailure, { cause });
}
