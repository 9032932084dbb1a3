// How the studio reads: one read transaction, in which SQLite itself writes nothing, under the rules for a reading
// user.
import type { Statement as Prepared } from 'better-sqlite3';
import { ApiError } from '../../messages/errors.ts';
import { unicodeProblem } from '../../messages/unicode.ts';
import type { Connection } from '../connection.ts';
import { endInterrupts } from '../interrupts.ts';
import { runAs } from '../sql/admit.ts';

export function inRead<Result>(connection: Connection, work: () => Result): Result {
  const { database } = connection;
  database.pragma('query_only=ON');
  try {
    database.exec('BEGIN');
    const result = work();
    endInterrupts();
    database.exec('COMMIT');
    return result;
  } finally {
    connection.rollBack();
    database.pragma('query_only=OFF');
  }
}

/** As a user who may only read. @throws ApiError for what is refused */
export function asReader<Result>(connection: Connection, work: () => Result): Result {
  return runAs(connection, 'query', work);
}

/** Rows as lists; integers are bigint. @throws SqliteError, ApiError */
export function prepareRows({ database }: Connection, sql: string): Prepared {
  // SQLite would run the part before it.
  const problem = sql.includes('\0') ? 'contains a NUL character' : unicodeProblem(sql);
  if (problem !== null) throw new ApiError('SQL_ERROR', `the statement ${problem}`);
  return database.prepare(sql).safeIntegers(true).raw(true);
}
