// What SQL may not do through the API: control transactions, reach other files, change how the shared connection works,
// or touch the tables that the program keeps for itself.
import { ApiError } from '../../messages/errors.ts';
import type { Statement } from './statements.ts';
import { type Token, unquote } from './tokens.ts';

const refusedKeywords: Readonly<Record<string, string>> = {
  BEGIN: 'the request is one transaction already',
  COMMIT: 'the request is one transaction already',
  END: 'the request is one transaction already',
  ROLLBACK: 'the request is one transaction already',
  SAVEPOINT: 'the request is one transaction already',
  RELEASE: 'the request is one transaction already',
  VACUUM: 'use POST /maintenance with vacuum_into',
  ATTACH: 'one request works on one database',
  DETACH: 'one request works on one database',
};

/**
 * `read`: only answers. `set`: may also be set, and is undone by closing the connection. `outside`: as `set`, and SQLite
 * ignores or refuses it inside a transaction, so at the head of a request it runs before BEGIN. `file`: sets a field of the
 * database file, inside the transaction.
 */
type PragmaRule = 'read' | 'set' | 'outside' | 'file';

const pragmas: Readonly<Record<string, PragmaRule>> = {
  application_id: 'file',
  user_version: 'file',
  journal_mode: 'outside',
  foreign_keys: 'outside',
  synchronous: 'outside',
  defer_foreign_keys: 'set',
  recursive_triggers: 'set',
  cache_size: 'set',
  busy_timeout: 'read',
  auto_vacuum: 'read',
  collation_list: 'read',
  compile_options: 'read',
  data_version: 'read',
  database_list: 'read',
  encoding: 'read',
  foreign_key_check: 'read',
  foreign_key_list: 'read',
  freelist_count: 'read',
  function_list: 'read',
  index_info: 'read',
  index_list: 'read',
  index_xinfo: 'read',
  integrity_check: 'read',
  journal_size_limit: 'read',
  max_page_count: 'read',
  module_list: 'read',
  optimize: 'file',
  page_count: 'read',
  page_size: 'read',
  pragma_list: 'read',
  query_only: 'read',
  quick_check: 'read',
  schema_version: 'read',
  secure_delete: 'read',
  table_info: 'read',
  table_list: 'read',
  table_xinfo: 'read',
  temp_store: 'read',
  wal_autocheckpoint: 'read',
};

/** Read pragmas whose parenthesised argument is a name or a count, not a new value. */
const asksInParentheses = /^(foreign_key_|index_|table_|integrity_check|quick_check|optimize)/;

export interface Verdict {
  /** The connection must not be reused: settings or the TEMP schema may have changed. */
  readonly taints: boolean;
  /** At the head of a request it runs before BEGIN. */
  readonly isOutside: boolean;
}

/** @throws ApiError for what is refused */
export function guard(statement: Statement): Verdict {
  const reason = refusedKeywords[statement.keyword];
  if (reason !== undefined) throw new ApiError('SQL_ERROR', `${statement.keyword} is not allowed here: ${reason}`);
  refuseOwnTables(statement.tokens);
  if (statement.keyword === 'PRAGMA') return guardPragma(statement.tokens);
  const taints = statement.tokens.some(
    (token) =>
      (token.kind === 'word' && /^(TEMP|TEMPORARY|SQLITE_TEMP_MASTER|SQLITE_TEMP_SCHEMA)$/.test(token.text)) ||
      (token.kind === 'quoted' && /^temp$/i.test(unquote(token))),
  );
  return { taints, isOutside: false };
}

function guardPragma(tokens: readonly Token[]): Verdict {
  const at = tokens[2]?.text === '.' ? 3 : 1;
  const token = tokens[at];
  const name = (token?.kind === 'word' ? token.text : '').toLowerCase();
  const rule = Object.hasOwn(pragmas, name) ? pragmas[name] : undefined;
  if (rule === undefined) throw new ApiError('SQL_ERROR', `PRAGMA ${name} is not allowed here`);
  const sign = tokens[at + 1]?.text;
  const isSetting = sign === '=' || (sign === '(' && !asksInParentheses.test(name));
  if (rule === 'read' && isSetting) throw new ApiError('SQL_ERROR', `PRAGMA ${name} can only be read here`);
  return {
    taints: isSetting && (rule === 'set' || rule === 'outside'),
    isOutside: rule === 'outside',
  };
}

/** A name is a word or a quoted name; SQLite also takes a string for a name where only a name fits. */
const namePlaces: ReadonlySet<string> = new Set(['FROM', 'JOIN', 'INTO', 'UPDATE', 'TABLE', 'EXISTS', 'ON', '.', 'TO']);

function refuseOwnTables(tokens: readonly Token[]): void {
  tokens.forEach((token, index) => {
    const isName =
      token.kind === 'word' ||
      token.kind === 'quoted' ||
      (token.kind === 'string' && namePlaces.has(tokens[index - 1]?.text ?? ''));
    if (!isName) return;
    const name = (token.kind === 'word' ? token.text : unquote(token)).toLowerCase();
    if (name === 'sqlite_sequence' || name.startsWith('hoody:kv_')) {
      throw new ApiError('CONFLICT', `the table ${name} belongs to the server and cannot be used in SQL`);
    }
  });
}
