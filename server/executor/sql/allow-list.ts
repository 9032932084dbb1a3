// The SQL that is allowed where SQLite itself cannot be the guard (guard/README.md): only what its words show to be
// harmless.
import { ApiError } from '../../messages/errors.ts';
import type { Statement } from '../../messages/sql-statements.ts';
import { nameOf, type Token } from '../../messages/sql-tokens.ts';
import { isOwnName, refusalOf, ruleFor } from '../guard/rules.ts';
import { pragmaOf } from './guard.ts';

const keywords: ReadonlySet<string> = new Set([
  'SELECT',
  'VALUES',
  'WITH',
  'INSERT',
  'REPLACE',
  'UPDATE',
  'DELETE',
  'CREATE',
  'DROP',
  'ALTER',
  'ANALYZE',
  'REINDEX',
  'PRAGMA',
]);

/** @throws ApiError for every statement that is not known to be harmless */
export function refuseUnknown({ tokens, keyword }: Statement): void {
  if (!keywords.has(keyword)) throw refusal(`a statement that begins with ${tokens[0]?.text}`);
  for (const token of tokens) refuseToken(token);
  if (keyword === 'CREATE' && tokens.some(({ text }) => text === 'VIRTUAL')) throw refusal('CREATE VIRTUAL TABLE');
}

/** Whether the statement may leave something on the connection. */
export function taints(statement: Statement): boolean {
  const pragma = pragmaOf(statement);
  if (pragma !== null) return ruleFor('PRAGMA', pragma.name, pragma.argument)?.taints === true;
  // A TEMP table, or a table of the schema temp.
  return statement.keyword === 'CREATE';
}

function refuseToken(token: Token): void {
  if (token.kind !== 'word' && token.kind !== 'quoted' && token.kind !== 'string') return;
  const name = nameOf(token).toLowerCase();
  const rule = token.kind === 'string' ? undefined : ruleFor('FUNCTION', name, '');
  if (rule?.allowed.length === 0) throw refusalOf(rule, 'FUNCTION', name, '');
  // A string can be a name in many places.
  if (isOwnName(name)) throw refusalOf(ruleFor('INSERT', name, ''), 'INSERT', name, '');
  // Whatever its argument, which may be a column.
  if (name.startsWith('pragma_') && ruleFor('PRAGMA', name.slice(7), '?')?.allowed.includes('query') !== true) {
    throw refusal(name);
  }
}

function refusal(what: string): ApiError {
  return new ApiError('SQL_ERROR', `${what} is not allowed: this server was built without its SQL guard`);
}
