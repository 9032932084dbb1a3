// Which statements safe mode asks about before they run: those that change every row of a table, or remove one. Pure.
import type { Statement } from '../../../messages/sql-statements.ts';
import type { Token } from '../../../messages/sql-tokens.ts';

export interface Danger {
  readonly statement: Statement;
  /** What to tell: `DELETE without WHERE changes every row`. */
  readonly reason: string;
}

export function dangersOf(statements: readonly Statement[]): Danger[] {
  return statements.flatMap((statement) => {
    const reason = reasonOf(statement);
    return reason === undefined ? [] : [{ statement, reason }];
  });
}

function reasonOf({ keyword, tokens }: Statement): string | undefined {
  const verb = keyword === 'WITH' ? verbBehindWith(tokens) : keyword;
  if ((verb === 'UPDATE' || verb === 'DELETE') && !hasOuterWhere(tokens, verb)) {
    return `${verb} without WHERE changes every row`;
  }
  if (keyword === 'DROP') return `DROP ${tokens[1]?.text ?? ''} cannot be undone`.replace('  ', ' ');
  if (keyword === 'ALTER' && tokens.some(({ kind, text }) => kind === 'word' && text === 'DROP')) {
    return 'ALTER TABLE ... DROP COLUMN removes the values of every row';
  }
  return undefined;
}

/** The first verb outside of brackets: what WITH ... leads to. */
function verbBehindWith(tokens: readonly Token[]): string | undefined {
  return outer(tokens).find(({ kind, text }) => kind === 'word' && /^(SELECT|INSERT|REPLACE|UPDATE|DELETE)$/.test(text))
    ?.text;
}

/** A WHERE inside brackets belongs to an inner SELECT. */
function hasOuterWhere(tokens: readonly Token[], verb: string): boolean {
  const words = outer(tokens).filter(({ kind }) => kind === 'word');
  const from = words.findIndex(({ text }) => text === verb);
  return words.slice(from).some(({ text }) => text === 'WHERE');
}

function outer(tokens: readonly Token[]): Token[] {
  let depth = 0;
  return tokens.filter(({ text }) => {
    if (text === '(') depth += 1;
    else if (text === ')') depth -= 1;
    else return depth === 0;
    return false;
  });
}
