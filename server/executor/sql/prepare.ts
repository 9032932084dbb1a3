// Prepares a statement of a user.
import type { Database, Statement as Prepared } from 'better-sqlite3';
import { ApiError } from '../../messages/errors.ts';
import type { Statement } from '../../messages/sql-statements.ts';
import { unicodeProblem } from '../../messages/unicode.ts';

/** @throws SqliteError, ApiError */
export function prepare(database: Database, { sql }: Statement): Prepared {
  // SQLite would run the part before it.
  if (sql.includes('\0')) throw new ApiError('SQL_ERROR', 'the statement contains a NUL character');
  const problem = unicodeProblem(sql);
  if (problem !== null) throw new ApiError('SQL_ERROR', `the statement ${problem}`);
  return database.prepare(sql).safeIntegers(true);
}
