// The statement that a cursor means: what Ctrl+Enter runs and what the editor tints. Pure.
import { type Statement, splitStatements } from '../../../messages/sql-statements.ts';

export interface Span {
  readonly start: number;
  /** Exclusive; without the semicolon. */
  readonly end: number;
}

export function spanOf({ offset, sql }: Statement): Span {
  return { start: offset, end: offset + sql.length };
}

/**
 * The statement around the cursor. Behind a statement's semicolon on the same line it is still that one; between
 * statements it is the next one, and after the last the last.
 */
export function statementAt(script: string, cursor: number): Statement | undefined {
  const statements = splitStatements(script);
  for (const [index, statement] of statements.entries()) {
    const { start, end } = spanOf(statement);
    if (cursor < start) {
      const before = statements[index - 1];
      return before !== undefined && isSameLine(script, spanOf(before).end, cursor) ? before : statement;
    }
    if (cursor <= end) return statement;
  }
  return statements.at(-1);
}

function isSameLine(script: string, from: number, to: number): boolean {
  return !script.slice(from, to).includes('\n');
}
