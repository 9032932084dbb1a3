// Change cursors: which database, which life of which table, and the last change seen.

import { ApiError } from '../../../messages/errors.ts';
import type { Connection } from '../../connection.ts';
import { quoteName } from '../table/names.ts';
import { versionSql } from '../table/row.ts';
import type { KvTable } from '../table/table.ts';

export interface Cursor {
  readonly databaseId: string;
  readonly tableId: string;
  /** The log row last seen; 0 = before the first. */
  readonly seq: number;
  /** That row's version: a database restored from a copy has other rows with the same numbers. */
  readonly version: string;
}

/** Of a table whose changes nobody captures yet: everything that will ever be captured comes after it. */
const beforeCapture = '0';
const noMark = '0';

/** `version` is that of a log row: versionSql. */
export function cursorOf(table: KvTable, version: string): string {
  return table.isCaptured
    ? `${table.databaseId}-${table.id}-${version}`
    : `${beforeCapture}-${beforeCapture}-0-${noMark}`;
}

export function cursorAt(connection: Connection, table: KvTable, seq: number): string {
  return cursorOf(table, versionAt(connection, table, seq) ?? `${seq}-${noMark}`);
}

/** null: there is no such row, or no longer. */
export function versionAt(connection: Connection, table: KvTable, seq: number): string | null {
  if (!table.hasLog) return null;
  const sql = `SELECT ${versionSql(table)} FROM ${quoteName(table.names.log)} WHERE seq = ?`;
  return (connection.statement(sql).pluck().get(seq) as string | undefined) ?? null;
}

/** @throws ApiError INVALID_PARAMETERS */
export function parseCursor(text: string): Cursor {
  const match = /^([0-9a-f]{1,32})-([0-9a-f]{1,32})-(\d{1,15})-([0-9a-f]{1,32})$/.exec(text);
  if (match === null) throw new ApiError('INVALID_PARAMETERS', 'the change cursor is malformed');
  return {
    databaseId: match[1] ?? '',
    tableId: match[2] ?? '',
    seq: Number(match[3]),
    version: `${match[3]}-${match[4]}`,
  };
}

/** The log row that a cursor of this server names, or null where the database or the table is another one since. */
export function seqOf(connection: Connection, table: KvTable, text: string): number | null {
  const cursor = parseCursor(text);
  if (!table.isCaptured || cursor.databaseId !== table.databaseId || cursor.tableId !== table.id) return null;
  return versionAt(connection, table, cursor.seq) === cursor.version ? cursor.seq : null;
}

export function isBeforeCapture(cursor: Cursor): boolean {
  return cursor.databaseId === beforeCapture;
}

export function lastSeq(connection: Connection, table: KvTable): number {
  if (!table.hasLog) return 0;
  const seq = connection
    .statement(`SELECT max(seq) FROM ${quoteName(table.names.log)}`)
    .pluck()
    .get();
  return typeof seq === 'number' ? seq : 0;
}

export function currentCursor(connection: Connection, table: KvTable): string {
  return cursorAt(connection, table, lastSeq(connection, table));
}
