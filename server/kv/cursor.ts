// Change cursors: which database, which life of which table, and the last change seen.

import { ApiError } from '../errors.ts';
import type { Connection } from '../executors/connection.ts';
import { quoteName } from './names.ts';
import type { KvTable } from './table.ts';

export interface Cursor {
  readonly databaseId: string;
  readonly tableId: string;
  /** The log row last seen; 0 = before the first. */
  readonly seq: number;
}

/** Of a table whose changes nobody captures yet: everything that will ever be captured comes after it. */
const beforeCapture = '0';

export function cursorAt(table: KvTable, seq: number): string {
  return table.isCaptured ? `${table.databaseId}-${table.id}-${seq}` : `${beforeCapture}-${beforeCapture}-0`;
}

/** @throws ApiError INVALID_PARAMETERS */
export function parseCursor(text: string): Cursor {
  const match = /^([0-9a-f]{1,32})-([0-9a-f]{1,32})-(\d{1,15})$/.exec(text);
  if (match === null) throw new ApiError('INVALID_PARAMETERS', 'the change cursor is malformed');
  return { databaseId: match[1] ?? '', tableId: match[2] ?? '', seq: Number(match[3]) };
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
  return cursorAt(table, lastSeq(connection, table));
}
