// What the words of a statement say before SQLite sees it: a clear refusal, and which pragmas run before BEGIN. That
// nothing forbidden runs, however it is spelled, is the work of guard/.
import { ApiError } from '../../messages/errors.ts';
import type { Statement } from '../../messages/sql-statements.ts';
import { nameOf, type Token } from '../../messages/sql-tokens.ts';
import { isOwnName, outsidePragmas, refusalOf, ruleFor } from '../guard/rules.ts';

const isTransaction = 'the request is one transaction already';
const refusedKeywords: Readonly<Record<string, string>> = {
  BEGIN: isTransaction,
  COMMIT: isTransaction,
  END: isTransaction,
  ROLLBACK: isTransaction,
  SAVEPOINT: isTransaction,
  RELEASE: isTransaction,
  VACUUM: 'use POST /maintenance with vacuum_into',
  ATTACH: 'one request works on one database',
  DETACH: 'one request works on one database',
};

/** @throws ApiError for what is refused */
export function checkWords(statement: Statement): void {
  const { keyword, tokens } = statement;
  const reason = refusedKeywords[keyword];
  if (reason !== undefined) throw new ApiError('SQL_ERROR', `${keyword} is not allowed here: ${reason}`);
  const own = tokens.find((token, index) => isName(token, tokens[index + 1], keyword) && isOwnName(nameOf(token)));
  if (own !== undefined) {
    const name = nameOf(own).toLowerCase();
    throw refusalOf(ruleFor('INSERT', name, ''), 'INSERT', name, '');
  }
  const pragma = pragmaOf(statement);
  if (pragma === null) return;
  const rule = ruleFor('PRAGMA', pragma.name, pragma.argument);
  if (rule?.isIgnored !== true && rule?.allowed.includes('sql') !== true)
    throw refusalOf(rule, 'PRAGMA', pragma.name, pragma.argument);
}

/**
 * Whether SQLite ignores or refuses the statement inside a transaction: at the head of a request it runs before BEGIN.
 */
export function isOutsidePragma(statement: Statement): boolean {
  const pragma = pragmaOf(statement);
  return pragma !== null && outsidePragmas.includes(pragma.name);
}

/** Whether the statement sets what the server alone decides: it is answered and does nothing. */
export function isIgnoredPragma(statement: Statement): boolean {
  const pragma = pragmaOf(statement);
  return pragma !== null && ruleFor('PRAGMA', pragma.name, pragma.argument)?.isIgnored === true;
}

/** SQLite's own words for it would be that the table is locked. @throws ApiError */
export function refuseInTransaction(statement: Statement): void {
  if (pragmaOf(statement)?.name !== 'wal_checkpoint') return;
  throw new ApiError(
    'SQL_ERROR',
    'PRAGMA wal_checkpoint cannot run inside a transaction: put it at the head of the request, or use POST /maintenance',
  );
}

export interface Pragma {
  /** Lower case. */
  readonly name: string;
  /** Its first token, without quotes; empty for none, `''` for an empty string. */
  readonly argument: string;
}

export function pragmaOf({ keyword, tokens }: Statement): Pragma | null {
  if (keyword !== 'PRAGMA') return null;
  const at = tokens[2]?.text === '.' ? 3 : 1;
  const name = tokens[at];
  const argument = tokens[at + 2];
  return {
    name: name === undefined ? '' : nameOf(name).toLowerCase(),
    argument: argument === undefined ? '' : nameOf(argument) || "''",
  };
}

/**
 * A string is a name as well where SQLite does not tell the guard: the new name of ALTER TABLE ... RENAME TO, a CTE,
 * and the body of a trigger or view, which is only looked at when it runs.
 */
function isName(token: Token, next: Token | undefined, keyword: string): boolean {
  if (token.kind !== 'string') return token.kind === 'word' || token.kind === 'quoted';
  return keyword === 'ALTER' || keyword === 'CREATE' || next?.text === 'AS' || next?.text === '(';
}
