// Prepares a statement, with the one kindness that stock SQLite has and better-sqlite3 is compiled without: a
// double-quoted token that names no column is a string literal.
import type { Database, Statement as Prepared } from 'better-sqlite3';
import { ApiError } from '../../messages/errors.ts';
import type { Statement } from './statements.ts';
import { unquote } from './tokens.ts';

const notAColumn = /^no such column: "([\s\S]*)" - should this be a string literal in single-quotes\?$/;

/** @throws SqliteError, ApiError */
export function prepare(database: Database, statement: Statement): Prepared {
  if (statement.sql.includes('\0')) throw new ApiError('SQL_ERROR', 'the statement contains a NUL character');
  const literals = new Set<string>();
  for (;;) {
    try {
      const prepared = database.prepare(withLiterals(statement, literals));
      prepared.safeIntegers(true);
      return prepared;
    } catch (error) {
      const name = error instanceof Error ? notAColumn.exec(error.message)?.[1] : undefined;
      if (name === undefined || literals.has(name)) throw error;
      literals.add(name);
    }
  }
}

/** The text with each double-quoted token of `literals` in single quotes. */
function withLiterals({ sql, tokens, offset }: Statement, literals: ReadonlySet<string>): string {
  if (literals.size === 0) return sql;
  let text = '';
  let at = offset;
  for (const token of tokens) {
    if (token.kind !== 'quoted' || !token.text.startsWith('"') || !literals.has(unquote(token))) continue;
    text += `${sql.slice(at - offset, token.start - offset)}'${unquote(token).replaceAll("'", "''")}'`;
    at = token.end;
  }
  return text + sql.slice(at - offset);
}
