// What an executor that has a database open for reading cannot do is done by one that may write: SQLite wants to write,
// or cannot open or recover the database without it. Its client sees one answer.
import { ApiError, type ErrorCode } from './errors.ts';

/** Whether work that failed so, on a connection that can only read, is to be done again by one that may write. */
export function mayNeedWriter(code: ErrorCode): boolean {
  return code === 'DATABASE_READONLY' || code === 'DATABASE_ERROR';
}

/** Thrown where work on such a connection turns out to be none of reading. */
export function needsWriter(): ApiError {
  return new ApiError('DATABASE_READONLY', 'the work may write');
}
