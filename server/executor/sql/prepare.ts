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
  if (database.inTransaction) learnSchema(database);
  return database.prepare(sql).safeIntegers(true);
}

const looks = new WeakMap<Database, Prepared>();

/**
 * SQLite compares its picture of the schema with the file when a statement runs, and only then: what is prepared from
 * an old one names the columns of that. In a transaction it stays true.
 */
function learnSchema(database: Database): void {
  const look = looks.get(database) ?? database.prepare('SELECT 1 FROM sqlite_master');
  looks.set(database, look);
  look.get();
}
