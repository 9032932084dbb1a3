// GET /query: one reading statement in a URL. The words are checked for a clear answer; that nothing is written is
// SQLite's doing (query_only), and that no other file is touched is the work of guard/.
import { isUtf8 } from 'node:buffer';
import type { Statement as Prepared } from 'better-sqlite3';
import { ApiError } from '../../messages/errors.ts';
import { tokenize } from '../../messages/sql-tokens.ts';
import type { Connection } from '../connection.ts';
import { admit, runAs } from './admit.ts';
import { prepare } from './prepare.ts';
import { ByteBudget, readRows, writeCellReadable } from './rows.ts';
import { isReading, type Statement, splitStatements } from './statements.ts';

export interface ShareableAnswer {
  readonly body: string;
  readonly rowCount: number;
}

const refusal = 'GET /query only accepts read-only SELECT/WITH queries; use POST /db for mutating SQL';

/**
 * The `sql` parameter -> SQL text: base64 or base64url if that decodes to a SELECT or WITH, else the text itself. A `+`
 * of unescaped base64 arrives as a space. What is not UTF-8 is Latin-1, as btoa() makes it of a string.
 */
export function decodeShareable(parameter: string): string {
  const packed = parameter.trim().replaceAll(' ', '+');
  if (/^[A-Za-z0-9+/_-]+={0,2}$/.test(packed)) {
    const bytes = Buffer.from(packed, 'base64');
    const decoded = bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1');
    if (/^(SELECT|WITH)$/.test(tokenize(decoded)[0]?.text ?? '')) return decoded;
  }
  return parameter;
}

/** @throws ApiError, SqliteError */
export function runShareable(connection: Connection, sql: string): ShareableAnswer {
  const statement = readingStatement(sql);
  admit(connection, statement);
  const { database } = connection;
  database.pragma('query_only=ON');
  try {
    return runAs(connection, 'query', () => answer(prepare(database, statement), sql));
  } finally {
    database.pragma('query_only=OFF');
  }
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
  return statement;
}
