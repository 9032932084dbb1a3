// The keys of a table as it stands now, a page at a time: GET /kv.

import { isUtf8 } from 'node:buffer';
import { prefixEnd } from '../../../messages/kv-keys.ts';
import { kv, type ListArgs } from '../../../messages/operations/kv.ts';
import { json } from '../../../messages/reply.ts';
import type { Connection } from '../../connection.ts';
import { implement } from '../../implementation.ts';
import { currentCursor } from '../log/cursor.ts';
import { quoteName } from '../table/names.ts';
import { etagOf, isLiveSql, isTrueKey, lastSecond, lastVersionSql } from '../table/row.ts';
import { findTable, type KvTable } from '../table/table.ts';

interface ListedRow {
  readonly key: string;
  readonly content_type: string | null;
  readonly size: number | null;
  readonly created_at: number;
  readonly updated_at: number;
  readonly expire_at: number | null;
  readonly version: string | null;
}

export const kvList = implement(kv.list, (connection, args) => {
  const table = findTable(connection, args.table);
  const { rows, scanErrors } = table.exists ? trueRows(connection, table, args) : { rows: [], scanErrors: [] };
  const page = rows.slice(0, args.limit);
  const hasMore = rows.length > args.limit && args.limit > 0;
  const items = page.map(({ version, expire_at, ...row }) => ({
    ...row,
    size: row.size ?? 0,
    ...(expire_at === null ? {} : { expire_at: lastSecond(expire_at) }),
    etag: etagOf(table, version),
  }));
  return json({
    success: true,
    items: items.length === 0 ? null : items,
    count: items.length,
    limit: args.limit,
    offset: args.offset,
    has_more: hasMore,
    ...(scanErrors.length === 0 ? {} : { scan_errors: scanErrors }),
    next_after: hasMore ? page.at(-1)?.key : null,
    change_cursor: currentCursor(connection, table),
  });
});

/** One more than the limit, where there is one, without keys that a native client wrote and that are no text. */
function trueRows(connection: Connection, table: KvTable, args: ListArgs): { rows: ListedRow[]; scanErrors: string[] } {
  const columns = `t.key AS key, coalesce(t.content_type, '') AS content_type, octet_length(t.value) AS size,
    t.created_at AS created_at, t.updated_at AS updated_at, t.expire_at AS expire_at, ${lastVersionSql(table, 't.key')} AS version`;
  const rows: ListedRow[] = [];
  const scanErrors: string[] = [];
  for (let { offset } = args; ; offset += args.limit + 1) {
    const page = { ...args, offset };
    const found = listRows(connection, table, columns, page) as ListedRow[];
    const good = found.filter(({ key }) => isTrueKey(connection, table, key));
    rows.push(...good);
    if (good.length < found.length) {
      const keys = listRows(connection, table, 'CAST(t.key AS BLOB) AS bytes', page) as { bytes: Buffer }[];
      const bad = keys.filter(({ bytes }) => !isUtf8(bytes));
      scanErrors.push(...bad.map(({ bytes }) => `a key is not UTF-8; in base64: ${bytes.toString('base64')}`));
    }
    if (rows.length > args.limit || found.length <= args.limit) return { rows, scanErrors };
  }
}

/** One more than the limit, where there is one. */
function listRows(connection: Connection, table: KvTable, columns: string, args: ListArgs): unknown[] {
  const end = prefixEnd(args.prefix);
  const sql = `SELECT ${columns}
    FROM ${quoteName(table.names.table)} t
    WHERE t.key >= ? AND t.key > ? AND typeof(t.key) = 'text' ${end === null ? '' : 'AND t.key < ?'}
      AND ${isLiveSql('t.expire_at')}
    ORDER BY t.key LIMIT ? OFFSET ?`;
  const bounds = end === null ? [args.prefix, args.after] : [args.prefix, args.after, end];
  return connection
    .statement(sql)
    .all(...bounds, connection.nowSeconds(), connection.nowMs() / 1000, args.limit + 1, args.offset);
}
