// The tables behind one KV table, by name. `kv_store` is an ordinary table that any SQLite client may read and write;
// everything that remembers its changes lies beside it under the prefix `hoody:kv_`, which SQL sent to the API may not
// name.
import { ApiError } from '../../../messages/errors.ts';

export const metaTable = 'hoody:kv_meta';
export const idempotencyTable = 'hoody:kv_idempotency';
const tableNameMaxChars = 128;

export interface KvNames {
  readonly table: string;
  /** A readable view of the log; native clients may select from it. */
  readonly history: string;
  /** One row per change of a key, newest last. */
  readonly log: string;
  /** key <-> small integer, so that a log row costs a few bytes however long the key is. */
  readonly keys: string;
  /** Rows that an INSERT OR REPLACE is about to replace: SQLite fires no DELETE trigger for those. */
  readonly replaced: string;
  readonly logIndex: string;
  readonly expiryIndex: string;
}

/** Refuses names that SQLite or this program keeps for itself. */
export function checkTableName(table: string): void {
  const isReserved = /^(sqlite_|hoody:)/i.test(table) || /^_query_history$/i.test(table);
  if (table === '' || table.length > tableNameMaxChars || table.includes('\0') || isReserved) {
    throw new ApiError(
      'INVALID_PARAMETERS',
      `"table" must be a table name of 1 to ${tableNameMaxChars} characters, not _query_history, ` +
        'that does not begin with "sqlite_" or "hoody:"',
    );
  }
}

export function kvNames(table: string): KvNames {
  return {
    table,
    history: `${table}_history`,
    log: `hoody:kv_log:${table}`,
    keys: `hoody:kv_keys:${table}`,
    replaced: `hoody:kv_replaced:${table}`,
    logIndex: `hoody:kv_log_index:${table}`,
    expiryIndex: `hoody:kv_expiry_index:${table}`,
  };
}

/** Every statement of every request quotes the same few names. */
const quotedNames = new Map<string, string>();
const quotedNamesKept = 1000;

/** An identifier as SQL text. */
export function quoteName(name: string): string {
  const known = quotedNames.get(name);
  if (known !== undefined) return known;
  if (quotedNames.size >= quotedNamesKept) quotedNames.clear();
  const quoted = `"${name.replaceAll('"', '""')}"`;
  quotedNames.set(name, quoted);
  return quoted;
}

/** A string as SQL text. */
export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
