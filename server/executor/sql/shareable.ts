// GET /query: one reading statement in a URL. The words are checked for a clear answer; that nothing is written is
// SQLite's doing (query_only), and that no other file is touched is the work of guard/.

import type { Statement as Prepared } from 'better-sqlite3';
import { ApiError } from '../../messages/errors.ts';
import type { ShareableAnswer } from '../../messages/operations/sql.ts';
import { isReading, type Statement, splitStatements } from '../../messages/sql-statements.ts';
import { tokenize } from '../../messages/sql-tokens.ts';
import type { Connection } from '../connection.ts';
import { admit, runAs } from './admit.ts';
import { writeCellReadable } from './cells.ts';
import { prepare } from './prepare.ts';
import { prepareOnce } from './prepared.ts';
import { ByteBudget, readRows } from './rows.ts';
import { scriptOf } from './script.ts';

const refusal = 'GET /query only accepts read-only SELECT/WITH queries; use POST /db for mutating SQL';

/** @throws ApiError, SqliteError */
export function runShareable(connection: Connection, sql: string): ShareableAnswer {
  const statement = readingStatement(sql);
  admit(connection, statement);
  const { database } = connection;
  // Alone it has no transaction, in which the schema stays as it is.
  const prepared = (): Prepared =>
    database.inTransaction ? prepareOnce(connection, 'query', statement) : prepare(database, statement);
  database.pragma('query_only=ON');
  try {
    return runAs(connection, 'query', () => answer(prepared(), sql));
  } finally {
    database.pragma('query_only=OFF');
  }
}

/** Whether it may share a transaction with others. */
export function isPlainQuery(sql: string): boolean {
  const { isPlain, writes } = scriptOf(sql);
  return isPlain && !writes;
}

function answer(prepared: Prepared, sql: string): ShareableAnswer {
  if (!prepared.readonly || !prepared.reader) throw new ApiError('INVALID_PARAMETERS', refusal);
  const budget = new ByteBudget();
  const start = `{"success":true,"query":${JSON.stringify(sql)},"columns":`;
  budget.spend(`${start},"resultSet":[],"rowCount":10000,"truncated":false}`);
  const { columns, rows, isTruncated } = readRows(prepared, [], false, writeCellReadable, budget);
  const resultSet = rows.length === 0 ? 'null' : `[${rows.join(',')}]`;
  return {
    body: `${start}${JSON.stringify(columns)},"resultSet":${resultSet},"rowCount":${rows.length},"truncated":${isTruncated}}`,
    rowCount: rows.length,
  };
}

function readingStatement(sql: string): Statement {
  const hasSemicolon = tokenize(sql).some(({ kind }) => kind === 'semicolon');
  const [statement] = splitStatements(sql);
  if (hasSemicolon || statement === undefined || !/^(SELECT|WITH)$/.test(statement.keyword) || !isReading(statement)) {
    throw new ApiError('INVALID_PARAMETERS', refusal);
  }
  if (statement.tokens.some(({ kind }) => kind === 'parameter')) {
    throw new ApiError('SQL_BIND_ERROR', 'GET /query takes no values: write them into the SQL, or use POST /db');
  }
  return statement;
}
