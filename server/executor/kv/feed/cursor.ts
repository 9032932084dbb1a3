// Change cursors: which database, which life of which table, and the last change seen.

import { ApiError } from '../../../messages/errors.ts';
import type { Connection } from '../../connection.ts';
import { quoteName } from '../table/names.ts';
import type { KvTable } from '../table/table.ts';

export interface Cursor {
  readonly databaseId: string;
  readonly tableId: string;
  /** The log row last seen; 0 = before the first. */
  readonly seq: number;
  /** What that row was: a database restored from a copy has other rows with the same numbers. */
  readonly mark: string;
}

/** Of a table whose changes nobody captures yet: everything that will ever be captured comes after it. */
const beforeCapture = '0';
const noMark = '0';

export function cursorOf(table: KvTable, seq: number, mark: string): string {
  return table.isCaptured
    ? `${table.databaseId}-${table.id}-${seq}-${mark}`
    : `${beforeCapture}-${beforeCapture}-0-${noMark}`;
}

export function cursorAt(connection: Connection, table: KvTable, seq: number): string {
  return cursorOf(table, seq, (table.hasLog ? markAt(connection, table, seq) : null) ?? noMark);
}

export interface MarkedRow {
  readonly ts: number;
  readonly keyId: number;
  readonly opNumber: number;
}

export function markOf({ ts, keyId, opNumber }: MarkedRow): string {
  return ((ts * 31 + keyId) * 31 + opNumber).toString(16);
}

/** null: there is no such row, or no longer. */
export function markAt(connection: Connection, table: KvTable, seq: number): string | null {
  const sql = `SELECT ts, key_id AS keyId, op_number AS opNumber FROM ${quoteName(table.names.log)} WHERE seq = ?`;
  const row = connection.statement(sql).get(seq) as MarkedRow | undefined;
  return row === undefined ? null : markOf(row);
}

/** @throws ApiError INVALID_PARAMETERS */
export function parseCursor(text: string): Cursor {
  const match = /^([0-9a-f]{1,32})-([0-9a-f]{1,32})-(\d{1,15})-([0-9a-f]{1,16})$/.exec(text);
  if (match === null) throw new ApiError('INVALID_PARAMETERS', 'the change cursor is malformed');
  return { databaseId: match[1] ?? '', tableId: match[2] ?? '', seq: Number(match[3]), mark: match[4] ?? '' };
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
