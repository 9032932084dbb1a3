// The one way in which the API changes a key: the statement runs, the triggers write it down, and the log row they made
// is completed with what only the API knows (log-row.ts). ManyWrites does the same for many keys of one request.
import type { Conditions } from '../../../messages/conditions.ts';
import { ApiError } from '../../../messages/errors.ts';
import { isExpired, type KvRow, readRow } from '../table/row.ts';
import type { StoredValue } from '../table/values.ts';
import { requireConditions } from './conditions.ts';
import { completeLog, type LoggedOperation, sayExpired } from './log-row.ts';
import { type WriteSql, writeSql } from './write-sql.ts';
import type { Writer } from './writer.ts';

interface ConditionalArgs {
  readonly key: string;
  readonly conditions: Conditions;
}

export interface NewValue {
  readonly value: StoredValue;
  readonly contentType: string;
  readonly expireAt: number | null;
}

/**
 * The row that a write starts from. A row whose time is over is removed first (as the background would have done), so
 * that the log says the key expired before it was written again.
 */
export function rowForWrite(writer: Pick<Writer, 'connection' | 'table'>, key: string): KvRow | null {
  const { connection, table } = writer;
  const row = readRow(connection, table, key);
  if (row === null || !isExpired(row, connection.nowMs())) return row;
  connection.statement(writeSql(table).remove).run(key);
  sayExpired(connection, table, key);
  return null;
}

/** The row that a conditional write starts from. @throws ApiError PRECONDITION_FAILED */
export function checkedRow(writer: Writer, { key, conditions }: ConditionalArgs): KvRow | null {
  const row = rowForWrite(writer, key);
  requireConditions(conditions, row);
  return row;
}

/** As checkedRow, for a write that needs one. @throws ApiError KEY_NOT_FOUND too */
export function existingRow(writer: Writer, args: ConditionalArgs): KvRow {
  const row = checkedRow(writer, args);
  if (row === null) throw new ApiError('KEY_NOT_FOUND', 'Key not found');
  return row;
}

/** Writes the value, whether the key exists or not, and answers the new ETag. */
export function putValue(
  writer: Writer,
  key: string,
  current: KvRow | null,
  next: NewValue,
  operation: LoggedOperation,
): string {
  if (current === null) insertValue(writer, key, next);
  else {
    const now = writer.connection.nowSeconds();
    change(writer, 'update', next.value, next.contentType, now, next.expireAt, key);
  }
  return completeLog(writer, key, operation);
}

/** As putValue for the value of a key that is there or not, which is not looked at first. */
export function overwriteValue(writer: Writer, key: string, next: NewValue, operation: LoggedOperation): string {
  if (replaceValue(writer, key, next)) return completeLog(writer, key, operation);
  return putValue(writer, key, rowForWrite(writer, key), next, operation);
}

/** Replaces the value of a key whose time is not over. False: there is none, or it cannot be done without a look. */
export function replaceValue({ connection, table }: Writer, key: string, next: NewValue): boolean {
  if (!table.isPlain) return false;
  const [now, nowMs] = [connection.nowSeconds(), connection.nowMs()];
  const replace = connection.statement(writeSql(table).replace);
  return replace.run(next.value, next.contentType, now, next.expireAt, key, now, nowMs / 1000).changes === 1;
}

/** Of a key that is not there. */
export function insertValue(writer: Writer, key: string, next: NewValue): void {
  const now = writer.connection.nowSeconds();
  change(writer, 'insert', key, next.value, next.contentType, now, now, next.expireAt);
}

/** Sets or (null) removes the time to live; value and `updated_at` stay. */
export function putExpiry(writer: Writer, key: string, expireAt: number | null): string {
  change(writer, 'expire', expireAt, key);
  return completeLog(writer, key, { op: expireAt === null ? 'PERSIST' : 'EXPIRE' });
}

export function deleteKey(writer: Writer, key: string): string {
  change(writer, 'remove', key);
  return completeLog(writer, key, { op: 'DELETE' });
}

/**
 * Makes the key what it was. Content type and time to live come back with the value. Nothing is written where nothing
 * differs.
 */
export function restoreState(writer: Writer, key: string, current: KvRow | null, state: 'absent' | NewValue): void {
  if (state !== 'absent') putValue(writer, key, current, state, { op: 'SET' });
  else if (current !== null) deleteKey(writer, key);
}

/**
 * Changes one row. @throws ApiError CONFLICT where the table's own rules (RAISE(IGNORE), ON CONFLICT IGNORE) let
 * nothing happen
 */
function change({ connection, table }: Writer, what: keyof WriteSql, ...values: (StoredValue | number)[]): void {
  if (connection.statement(writeSql(table)[what]).run(...values).changes === 1) return;
  throw new ApiError('CONFLICT', `a trigger or a conflict clause of "${table.names.table}" let the write be ignored`);
}
