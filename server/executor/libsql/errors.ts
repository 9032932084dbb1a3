// What a libSQL client is told of an error: a message and a code. Codes of SQLite are its primary ones, which is what
// clients compare with.
import type { ErrorCode } from '../../messages/errors.ts';
import { jobToApiError, sqliteCode } from '../sql/sqlite-errors.ts';

export interface HranaError {
  readonly message: string;
  readonly code: string;
}

const codes: Partial<Readonly<Record<ErrorCode, string>>> = {
  SQL_ERROR: 'SQLITE_ERROR',
  SQL_BIND_ERROR: 'SQLITE_ERROR',
  SQL_CONSTRAINT: 'SQLITE_CONSTRAINT',
  CONFLICT: 'SQLITE_AUTH',
  FORBIDDEN: 'SQLITE_AUTH',
  DATABASE_BUSY: 'SQLITE_BUSY',
  DATABASE_READONLY: 'SQLITE_READONLY',
  INVALID_SQLITE_HEADER: 'SQLITE_NOTADB',
  REQUEST_TIMEOUT: 'SQLITE_INTERRUPT',
};

export function toHranaError(thrown: unknown): HranaError {
  const { message, code } = jobToApiError(thrown);
  const primary = /^SQLITE_[A-Z]+/.exec(sqliteCode(thrown))?.[0];
  return { message, code: primary ?? codes[code] ?? code };
}
