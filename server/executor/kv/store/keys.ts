// The keys of a table below a prefix, in byte order, a bounded number at a time; and their removal.
import { prefixEnd } from '../../../messages/kv-keys.ts';
import { kvKeys } from '../../../messages/operations/kv-keys.ts';
import type { Connection } from '../../connection.ts';
import { implement } from '../../implementation.ts';
import { octetStreamType } from '../table/codes.ts';
import { quoteName } from '../table/names.ts';
import { isLiveSql, isTrueKey } from '../table/row.ts';
import { findTable, forgetTables, type KvTable, openTable } from '../table/table.ts';
import type { StoredValue } from '../table/values.ts';
import { deleteKey, rowForWrite } from './write.ts';
import type { Writer } from './writer.ts';

interface PageArgs {
  readonly prefix: string;
  readonly after: string;
  readonly limit: number;
  /** With content types and values: what tells the type of Redis. */
  readonly withTypes: boolean;
}

export interface ListedKey {
  readonly key: string;
  readonly contentType: string;
  readonly value: StoredValue;
}

/**
 * Looks at no more than `limit` rows. `next`: the last key that was looked at; null behind the last one. Keys that a
 * native client wrote and that are no text are left out: nobody could ask for them.
 */
export function keysPage(
  connection: Connection,
  table: KvTable,
  args: PageArgs,
): { readonly rows: ListedKey[]; readonly next: string | null } {
  if (!table.exists) return { rows: [], next: null };
  const end = prefixEnd(args.prefix);
  const isCollection = "t.content_type LIKE 'application/json%type=%'";
  const type = args.withTypes ? `coalesce(t.content_type, '${octetStreamType}')` : "''";
  const value = args.withTypes ? `CASE WHEN ${isCollection} THEN substr(t.value, 1, 64) END` : 'NULL';
  const sql = `SELECT t.key AS key, ${type} AS contentType, ${value} AS value, ${isLiveSql('t.expire_at')} AS isLive
    FROM ${quoteName(table.names.table)} t
    WHERE t.key >= ? AND t.key > ? AND typeof(t.key) = 'text' ${end === null ? '' : 'AND t.key < ?'}
    ORDER BY t.key LIMIT ?`;
  const bounds = end === null ? [args.prefix, args.after] : [args.prefix, args.after, end];
  const now = [connection.nowSeconds(), connection.nowMs() / 1000];
  const found = connection.statement(sql).all(...now, ...bounds, args.limit) as (ListedKey & { isLive: number })[];
  const rows = found.filter(({ key, isLive }) => isLive === 1 && isTrueKey(connection, table, key));
  return { rows, next: found.length < args.limit ? null : (found.at(-1)?.key ?? null) };
}

export function countKeys({ statement, nowSeconds, nowMs }: Connection, table: KvTable): number {
  if (!table.exists) return 0;
  const sql = `SELECT count(*) FROM ${quoteName(table.names.table)} t
    WHERE typeof(t.key) = 'text' AND ${isLiveSql('t.expire_at')}`;
  return statement(sql)
    .pluck()
    .get(nowSeconds(), nowMs() / 1000) as number;
}

/** Deletes at most so many keys below a prefix; answers how many. */
export function clearKeys(writer: Writer, prefix: string, limit: number): number {
  const { connection, table } = writer;
  let deleted = 0;
  for (let after: string | null = ''; after !== null && deleted < limit; ) {
    const page = keysPage(connection, table, { prefix, after, limit: limit - deleted, withTypes: false });
    for (const { key } of page.rows) {
      if (rowForWrite(writer, key) === null) continue;
      deleteKey(writer, key);
      deleted += 1;
    }
    after = page.next;
  }
  return deleted;
}

export const kvKeysPage = implement(kvKeys.page, (connection, args) => {
  const table = findTable(connection, args.table);
  const { rows, next } = keysPage(connection, table, { ...args, withTypes: false });
  return { keys: rows.map(({ key }) => key), next };
});

export const kvKeysClear = implement(kvKeys.clear, (connection, { table, prefix, clientIp, limit }) => {
  try {
    const writer = { connection, table: openTable(connection, table), isRecorded: true, clientIp };
    return clearKeys(writer, prefix, limit);
  } catch (error) {
    forgetTables(connection);
    throw error;
  }
});
