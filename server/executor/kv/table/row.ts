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
   * Unix seconds. A whole number is the last second in which the key is there, so that a time to live is never cut
   * short by a part of a second. A number with a fraction is the moment of its end: a time to live of milliseconds
   * (`expiryAtMs`).
   */
  readonly expireAt: number | null;
  /** null: changes of this table are not (yet) captured, so no tag can be vouched for. */
  readonly etag: string | null;
}

/** The columns of a row in the order of `rowSql`: as an array, which costs half of an object. */
type SqlRow = readonly [
  key: string,
  value: StoredValue,
  contentType: string | null,
  createdAt: unknown,
  updatedAt: unknown,
  expireAt: unknown,
  ...version: VersionColumns | [null, null, null, null, null],
];

/** What a version is made of. All are null for a row that the log does not know. */
export type VersionColumns = [seq: number, ts: number, keyId: number, opNumber: number, mark: number | null];

/** The select list of VersionColumns, for a log aliased `l`. */
export function versionColumns({ hasMarks }: KvTable): string {
  return `l.seq, l.ts, l.key_id, l.op_number, ${hasMarks ? 'l.mark' : 'NULL'}`;
}

/** Numbers that SQL wrote are read as their text. */
function rowSql(table: KvTable): string {
  const [own, keys, log] = [table.names.table, table.names.keys, table.names.log].map(quoteName);
  const columns = `t.key, CASE typeof(t.value) WHEN 'blob' THEN t.value ELSE CAST(t.value AS TEXT) END,
    t.content_type, t.created_at, t.updated_at, t.expire_at`;
  if (!table.hasLog) return `SELECT ${columns}, NULL, NULL, NULL, NULL, NULL FROM ${own} t WHERE t.key = ?`;
  return `SELECT ${columns}, ${versionColumns(table)} FROM ${own} t LEFT JOIN ${keys} k ON k.key = t.key
    LEFT JOIN ${log} l ON l.seq = (SELECT seq FROM ${log} WHERE key_id = k.id ORDER BY op_number DESC LIMIT 1)
    WHERE t.key = ?`;
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

/** The same, of columns that were read. */
export function versionOf([seq, ts, keyId, opNumber, mark]: VersionColumns): string {
  const when = ((ts * 31 + keyId) * 31 + opNumber).toString(16);
  return `${seq}-${when}${mark === null ? '' : mark.toString(16).padStart(6, '0')}`;
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
  const sql = rowSqls.get(table) ?? rowSql(table);
  rowSqls.set(table, sql);
  const row = connection.statement(sql).raw().get(key) as SqlRow | undefined;
  return row === undefined ? null : toRow(connection, table, row);
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
  return row === null || isExpired(row, connection.nowMs()) ? null : row;
}

export function isExpired({ expireAt }: { readonly expireAt: number | null }, nowMs: number): boolean {
  if (expireAt === null) return false;
  return Number.isInteger(expireAt) ? expireAt < Math.floor(nowMs / 1000) : expireAt * 1000 < nowMs;
}

/** `isExpired` as a condition of SQL that is true while the key is there; takes nowSeconds and nowMs / 1000. */
export function isLiveSql(expireAt: string): string {
  return `(${expireAt} IS NULL OR ${expireAt} >= ?
    AND (${expireAt} >= ? OR ${expireAt} = CAST(${expireAt} AS INTEGER)))`;
}

/** `expireAt` of a key that is there before this moment and not at it. Half a millisecond keeps it a fraction. */
export function expiryAtMs(endMs: number): number {
  return (endMs - 0.5) / 1000;
}

/** What answers say of `expireAt`: the last second in which the key is there, whole or in part. */
export function lastSecond(expireAt: number): number;
export function lastSecond(expireAt: number | null): number | null;
export function lastSecond(expireAt: number | null): number | null {
  return expireAt === null ? null : Math.floor(expireAt);
}

function toRow(connection: Connection, table: KvTable, row: SqlRow): KvRow {
  const [key, value, contentType, createdAt, updatedAt, expireAt, ...version] = row;
  return {
    key,
    value: trueValue(connection, value, table.names.table, 'value', 'key', key),
    contentType: contentType ?? octetStreamType,
    createdAt: toSeconds(createdAt) ?? 0,
    updatedAt: toSeconds(updatedAt) ?? 0,
    expireAt: typeof expireAt === 'number' ? expireAt : null,
    etag: etagOf(table, version[0] === null ? null : versionOf(version)),
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
