// The statements that begin and end transactions, recognised by their tokens. SQL of clients may not hold them
// elsewhere (guard/rules.ts); a stream runs them itself.
import { ApiError } from '../../messages/errors.ts';
import type { Statement } from '../../messages/sql-statements.ts';
import { nameOf, type Token } from '../../messages/sql-tokens.ts';

export type Control =
  /** `write`: whoever says only BEGIN wants to write. `deferred`: writes if it comes to it. */
  | { readonly kind: 'begin'; readonly as: 'write' | 'exclusive' | 'deferred' | 'read' }
  | { readonly kind: 'commit' | 'rollback' }
  | { readonly kind: 'savepoint' | 'release' | 'rollback-to'; readonly name: string };

const beginnings: Readonly<Record<string, 'write' | 'exclusive' | 'deferred' | 'read'>> = {
  '': 'write',
  IMMEDIATE: 'write',
  EXCLUSIVE: 'exclusive',
  DEFERRED: 'deferred',
  // libSQL's own word. SQLite takes it for the name of the transaction, and ignores it.
  READONLY: 'read',
};

/** @returns null for any other statement. @throws ApiError SQL_ERROR for one that is not complete */
export function controlOf({ keyword, tokens }: Statement): Control | null {
  const rest = tokens.slice(1);
  switch (keyword) {
    case 'BEGIN':
      return { kind: 'begin', as: beginningOf(rest) };
    case 'COMMIT':
    case 'END':
      skipTransaction(rest);
      return { kind: 'commit' };
    case 'ROLLBACK':
      return rollbackOf(rest);
    case 'SAVEPOINT':
      return { kind: 'savepoint', name: onlyName(rest) };
    case 'RELEASE':
      return { kind: 'release', name: onlyName(skipWord(rest, 'SAVEPOINT')) };
    default:
      return null;
  }
}

/** As controlOf(); null also for what is not complete, which is refused when it runs. */
export function controlOrNull(statement: Statement): Control | null {
  try {
    return controlOf(statement);
  } catch {
    return null;
  }
}

/** BEGIN [kind] [TRANSACTION [name]]; the name may be READONLY, which is a kind. */
function beginningOf(tokens: readonly Token[]): 'write' | 'exclusive' | 'deferred' | 'read' {
  const [first] = tokens;
  const kind = first?.kind === 'word' && Object.hasOwn(beginnings, first.text) ? first.text : '';
  const rest = kind === '' ? tokens : tokens.slice(1);
  const name = skipTransaction(rest);
  if (name?.kind === 'word' && name.text === 'READONLY') return 'read';
  return beginnings[kind] ?? 'write';
}

function rollbackOf(tokens: readonly Token[]): Control {
  const rest = skipWord(tokens, 'TRANSACTION');
  const at = rest.findIndex(({ kind, text }) => kind === 'word' && text === 'TO');
  // ROLLBACK [TRANSACTION [name]] TO [SAVEPOINT] name
  if (at === 0 || (at === 1 && isName(rest[0]) && rest !== tokens)) {
    return { kind: 'rollback-to', name: onlyName(skipWord(rest.slice(at + 1), 'SAVEPOINT')) };
  }
  skipTransaction(tokens);
  return { kind: 'rollback' };
}

/** [TRANSACTION [name]] and nothing else. @returns the name */
function skipTransaction(tokens: readonly Token[]): Token | undefined {
  const rest = skipWord(tokens, 'TRANSACTION');
  const [name] = rest;
  const most = rest === tokens ? 0 : 1;
  const odd = rest.length > most ? rest[most] : name;
  if (odd !== undefined && (rest.length > most || !isName(odd))) throw syntaxError(odd);
  return name;
}

/** SAVEPOINT SAVEPOINT is a savepoint of that name. */
function skipWord(tokens: readonly Token[], word: string): readonly Token[] {
  const [first] = tokens;
  const isSkipped = first?.kind === 'word' && first.text === word && (tokens.length > 1 || word === 'TRANSACTION');
  return isSkipped ? tokens.slice(1) : tokens;
}

function onlyName(tokens: readonly Token[]): string {
  const [name, odd] = tokens;
  if (name === undefined) throw new ApiError('SQL_ERROR', 'incomplete input');
  if (odd !== undefined || !isName(name)) throw syntaxError(odd ?? name);
  return nameOf(name).toLowerCase();
}

function isName(token: Token | undefined): boolean {
  return token?.kind === 'word' || token?.kind === 'quoted' || token?.kind === 'string';
}

function syntaxError({ text }: Token): ApiError {
  return new ApiError('SQL_ERROR', `near "${text}": syntax error`);
}
