// A key's row as it stands in the table.
import { isUtf8 } from 'node:buffer';
import type { Connection } from '../../connection.ts';
import { octetStreamType } from './codes.ts';
import { quoteName } from './names.ts';
import type { KvTable } from './table.ts';
import type { StoredValue } from './values.ts';

export interface KvRow {
  readonly key: string;
  readonly value: StoredValue;
  readonly contentType: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /**
   * Unix seconds: the last second in which the key is there, so that a time to live is never cut short by a part of a
   * second.
   */
  readonly expireAt: number | null;
  /** null: changes of this table are not (yet) captured, so no tag can be vouched for. */
  readonly etag: string | null;
}

interface SqlRow {
  readonly key: string;
  readonly value: StoredValue;
  readonly content_type: string | null;
  readonly created_at: unknown;
  readonly updated_at: unknown;
  readonly expire_at: unknown;
  readonly version: string | null;
}

/** The select list that makes a SqlRow, for a table aliased `t`. Numbers that SQL wrote are read as their text. */
function rowColumns(table: KvTable): string {
  return `t.key AS key, CASE typeof(t.value) WHEN 'blob' THEN t.value ELSE CAST(t.value AS TEXT) END AS value,
    t.content_type AS content_type, t.created_at AS created_at, t.updated_at AS updated_at, t.expire_at AS expire_at,
    ${lastVersionSql(table, 't.key')} AS version`;
}

/** The newest log row of a key, as an SQL expression; NULL where the log does not know the key. */
export function lastSeqSql(table: KvTable, key: string): string {
  return lastRowSql(table, key, 'l.seq');
}

/** The version (`versionSql`) of that row. */
export function lastVersionSql(table: KvTable, key: string): string {
  return lastRowSql(table, key, versionSql(table, 'l.'));
}

/**
 * `<seq>-<mark>` of a log row, as an SQL expression. A database that was restored from a copy makes other rows with the
 * same numbers: the mark tells them apart by their time and by what their trigger drew at random. Rows of the first
 * release have the time alone. `alias` is empty or ends in a dot.
 */
export function versionSql({ hasMarks }: KvTable, alias = ''): string {
  const when = `printf('%x', (${alias}ts * 31 + ${alias}key_id) * 31 + ${alias}op_number)`;
  const drawn = `CASE WHEN ${alias}mark IS NULL THEN '' ELSE printf('%06x', ${alias}mark) END`;
  return `${alias}seq || '-' || ${when}${hasMarks ? ` || ${drawn}` : ''}`;
}

function lastRowSql(table: KvTable, key: string, column: string): string {
  if (!table.hasLog) return 'NULL';
  const [log, keys] = [quoteName(table.names.log), quoteName(table.names.keys)];
  return `(SELECT ${column} FROM ${log} l WHERE l.key_id = (SELECT id FROM ${keys} WHERE key = ${key})
    ORDER BY l.op_number DESC LIMIT 1)`;
}

/** The row, also when its time to live is over (see isExpired). */
export function readRow(connection: Connection, table: KvTable, key: string): KvRow | null {
  if (!table.exists) return null;
  const sql =
    rowSqls.get(table) ?? `SELECT ${rowColumns(table)} FROM ${quoteName(table.names.table)} t WHERE t.key = ?`;
  rowSqls.set(table, sql);
  const row = connection.statement(sql).get(key) as SqlRow | undefined;
  if (row === undefined) return null;
  return toRow(table, { ...row, value: trueValue(connection, row.value, table.names.table, 'value', 'key', key) });
}

/**
 * A value as it was stored. SQLite keeps any bytes as TEXT; where they are no UTF-8, JavaScript gets U+FFFD in their
 * place: then the bytes of `column`, from the row that has `id` in `idColumn`.
 */
export function trueValue(
  { statement }: Connection,
  value: StoredValue,
  table: string,
  column: string,
  idColumn: string,
  id: string | number,
): StoredValue {
  if (!mayBeFalse(value)) return value;
  const sql = `SELECT CAST(${column} AS BLOB) FROM ${quoteName(table)}
    WHERE ${idColumn} = ? AND (SELECT encoding FROM pragma_encoding) = 'UTF-8'`;
  const bytes = statement(sql).pluck().get(id);
  return Buffer.isBuffer(bytes) && !isUtf8(bytes) ? bytes : value;
}

/** Whether a text that was read may not be the one that is stored. */
export function mayBeFalse(value: StoredValue): boolean {
  return typeof value === 'string' && value.includes('\ufffd');
}

/** Whether a key that was read is one that can be asked for: a native client may have written one that is no UTF-8. */
export function isTrueKey({ statement }: Connection, table: KvTable, key: string): boolean {
  if (!mayBeFalse(key)) return true;
  const names = [...(table.exists ? [table.names.table] : []), ...(table.hasLog ? [table.names.keys] : [])];
  return names.some((name) => statement(`SELECT 1 FROM ${quoteName(name)} WHERE key = ?`).get(key) !== undefined);
}

/** Put together once a table: joining and hashing a text of this length costs as much as running it. */
const rowSqls = new WeakMap<KvTable, string>();

/** The row if the key exists now. */
export function readLiveRow(connection: Connection, table: KvTable, key: string): KvRow | null {
  const row = readRow(connection, table, key);
  return row === null || isExpired(row, connection.nowSeconds()) ? null : row;
}

export function isExpired(row: KvRow, nowSeconds: number): boolean {
  return row.expireAt !== null && row.expireAt < nowSeconds;
}

function toRow(table: KvTable, row: SqlRow): KvRow {
  return {
    key: row.key,
    value: row.value,
    contentType: row.content_type ?? octetStreamType,
    createdAt: toSeconds(row.created_at) ?? 0,
    updatedAt: toSeconds(row.updated_at) ?? 0,
    expireAt: toSeconds(row.expire_at),
    etag: etagOf(table, row.version),
  };
}

/** One strong tag per change of a key. 0 stands for "not changed since the table is watched". */
export function etagOf(table: KvTable, version: string | null): string | null {
  if (!table.isCaptured) return null;
  return `"${table.id}-${version ?? 0}"`;
}

/** null: no time, or what SQL wrote there is none. */
export function toSeconds(value: unknown): number | null {
  return typeof value === 'number' ? Math.floor(value) : null;
}
