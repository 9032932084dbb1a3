// The one way in which the API changes a key: the statement runs, the triggers write it down, and the log row they made
// is completed with what only the API knows (which operation, for whom, recorded or not).
import type { Conditions } from '../../../messages/conditions.ts';
import { ApiError } from '../../../messages/errors.ts';
import type { Connection } from '../../connection.ts';
import { changeCodes, type OpName, octetStreamType, oldTypeCodes, opCodes } from '../table/codes.ts';
import { quoteName } from '../table/names.ts';
import { etagOf, isExpired, type KvRow, lastSeqSql, readRow, versionSql } from '../table/row.ts';
import type { KvTable } from '../table/table.ts';
import type { StoredValue } from '../table/values.ts';
import { requireConditions } from './conditions.ts';

/** Common to all writes of one request. */
export interface Writer {
  readonly connection: Connection;
  readonly table: KvTable;
  /** history=false is false: the log then says UNRECORDED and nothing of the value. */
  readonly isRecorded: boolean;
  readonly clientIp: string;
}

/** What the log is to say of a write, beyond what its triggers see. */
interface LoggedOperation {
  readonly op: OpName;
  /** As the client sent it; absent for the whole value. */
  readonly path?: string;
  /** Signed: a DECR by 5 is -5. */
  readonly delta?: bigint;
}

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
  if (row === null || !isExpired(row, connection.nowSeconds())) return row;
  connection.statement(`DELETE FROM ${quoteName(table.names.table)} WHERE key = ?`).run(key);
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
  const { connection, table } = writer;
  const name = quoteName(table.names.table);
  const now = connection.nowSeconds();
  if (current === null) {
    const sql = `INSERT INTO ${name} (key, value, content_type, created_at, updated_at, expire_at) VALUES (?, ?, ?, ?, ?, ?)`;
    change(writer, sql, key, next.value, next.contentType, now, now, next.expireAt);
  } else {
    const sql = `UPDATE ${name} SET value = ?, content_type = ?, updated_at = ?, expire_at = ? WHERE key = ?`;
    change(writer, sql, next.value, next.contentType, now, next.expireAt, key);
  }
  return completeLog(writer, key, operation);
}

/** Sets or (null) removes the time to live; value and `updated_at` stay. */
export function putExpiry(writer: Writer, key: string, expireAt: number | null): string {
  change(writer, `UPDATE ${quoteName(writer.table.names.table)} SET expire_at = ? WHERE key = ?`, expireAt, key);
  return completeLog(writer, key, { op: expireAt === null ? 'PERSIST' : 'EXPIRE' });
}

export function deleteKey(writer: Writer, key: string): string {
  change(writer, `DELETE FROM ${quoteName(writer.table.names.table)} WHERE key = ?`, key);
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
function change({ connection, table }: Writer, sql: string, ...values: (StoredValue | number)[]): void {
  if (connection.statement(sql).run(...values).changes === 1) return;
  throw new ApiError('CONFLICT', `a trigger or a conflict clause of "${table.names.table}" let the write be ignored`);
}

function completeLog(writer: Writer, key: string, operation: LoggedOperation): string {
  const { connection, table, isRecorded } = writer;
  const op = isRecorded ? operation.op : 'UNRECORDED';
  if (!isRecorded) keepOldValue(table, connection, key);
  const sql = `UPDATE ${quoteName(table.names.log)} SET op = ?, change = ?, path = ?, delta = ?, client = ?
    WHERE seq = ${lastSeqSql(table, '?')} RETURNING ${versionSql(table)}`;
  const path = isRecorded ? (operation.path ?? null) : null;
  const delta = isRecorded ? (operation.delta ?? null) : null;
  const version = connection
    .statement(sql)
    .pluck()
    .get(opCodes[op], changeOf(operation.op), path, delta, writer.clientIp, key) as string;
  return etagOf(table, version) ?? '';
}

/**
 * An unrecorded write that left the value as it was must keep the value before it all the same: what comes after an
 * unrecorded write is not kept, so nobody else would.
 */
function keepOldValue(table: KvTable, connection: Connection, key: string): void {
  const own = quoteName(table.names.table);
  const sql = `UPDATE ${quoteName(table.names.log)} SET
      old_type = (SELECT coalesce(content_type, '${octetStreamType}') FROM ${own} WHERE key = :key),
      old_value = (SELECT value FROM ${own} WHERE key = :key)
    WHERE seq = ${lastSeqSql(table, ':key')} AND old_type = ${oldTypeCodes.same}`;
  connection.statement(sql).run({ key });
}

function changeOf(op: OpName): number {
  if (op === 'DELETE') return changeCodes.delete;
  return op === 'EXPIRE' || op === 'PERSIST' ? changeCodes.ttl : changeCodes.set;
}
