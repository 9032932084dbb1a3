// Reads a key's past out of the undo log: the state after an operation is the `old` of the next one, and after the
// newest it is the row of the table itself.
import type { Connection } from '../../connection.ts';
import { type OpName, oldContentType, oldTypeCodes, opName } from '../table/codes.ts';
import { quoteName } from '../table/names.ts';
import { type KvRow, readRow, trueValue } from '../table/row.ts';
import type { KvTable } from '../table/table.ts';
import type { StoredValue } from '../table/values.ts';

/** What a key was at some moment. `unknown`: written with history=false, or by somebody unseen. */
export type KeyState = 'absent' | 'unknown' | KnownState;

export interface KnownState {
  readonly value: StoredValue;
  readonly contentType: string;
  readonly expireAt: number | null;
}

export interface LogRow {
  readonly seq: number;
  readonly opNumber: number;
  readonly ts: number;
  readonly op: OpName;
  readonly path: string | null;
  readonly delta: bigint | null;
  readonly client: string | null;
  readonly oldType: string | number | null;
  readonly oldValue: StoredValue;
  readonly oldExpireAt: number | null;
}

interface SqlRow {
  readonly seq: number;
  readonly opNumber: number;
  readonly ts: number;
  readonly op: number;
  readonly path: string | null;
  readonly delta: string | null;
  readonly client: string | null;
  readonly oldType: string | number | null;
  readonly oldValue: StoredValue;
  readonly oldExpireAt: number | null;
}

/** For a log aliased `l`. A delta crosses as text: it may be any 64-bit integer. */
const logColumns = `l.seq AS seq, l.op_number AS opNumber, l.ts AS ts, l.op AS op, l.path AS path,
  CAST(l.delta AS TEXT) AS delta, l.client AS client, l.old_type AS oldType, l.old_expire_at AS oldExpireAt,
  CASE typeof(l.old_value) WHEN 'blob' THEN l.old_value ELSE CAST(l.old_value AS TEXT) END AS oldValue`;

export function keyId(connection: Connection, table: KvTable, key: string): number | null {
  if (!table.hasLog) return null;
  const id = connection
    .statement(`SELECT id FROM ${quoteName(table.names.keys)} WHERE key = ?`)
    .pluck()
    .get(key);
  return typeof id === 'number' ? id : null;
}

/** null: nothing is known of it any more. */
export function keyOf(connection: Connection, table: KvTable, id: number): string | null {
  const key = connection
    .statement(`SELECT key FROM ${quoteName(table.names.keys)} WHERE id = ?`)
    .pluck()
    .get(id);
  return typeof key === 'string' ? key : null;
}

/** The newest thing that happened to the key, undone or not. */
export function lastOp(connection: Connection, table: KvTable, id: number | null): OpName | null {
  if (id === null) return null;
  const sql = `SELECT op FROM ${quoteName(table.names.log)} WHERE key_id = ? ORDER BY op_number DESC LIMIT 1`;
  const op = connection.statement(sql).pluck().get(id);
  return typeof op === 'number' ? opName(op) : null;
}

/** The key's state now, as its past sees it: a row whose time is over still counts until it is removed. */
export function currentState(connection: Connection, table: KvTable, key: string): KeyState {
  if (!table.isCaptured) return 'unknown';
  const row = readRow(connection, table, key);
  return row === null ? 'absent' : stateOf(row);
}

export function stateOf({ value, contentType, expireAt }: KvRow): KnownState {
  return { value, contentType, expireAt };
}

/** Rows of the key's history, newest first. */
export function* newestRows(connection: Connection, table: KvTable, id: number): Generator<LogRow> {
  let row = oneRow(connection, table, 'ORDER BY l.op_number DESC LIMIT 1', id);
  while (row !== null) {
    yield row;
    row = oneRow(connection, table, 'AND l.op_number < ? ORDER BY l.op_number DESC LIMIT 1', id, row.opNumber);
  }
}

/** The row of one operation, or null if it is not in the history (never was, undone, or pruned). */
export function rowOf(connection: Connection, table: KvTable, id: number, opNumber: number): LogRow | null {
  return oneRow(connection, table, 'AND l.op_number = ?', id, opNumber);
}

/**
 * The newest row at or before the time, or null. Operations of one second are one moment. Looked for from the newest
 * row on: most questions are about a recent time.
 */
export function rowAt(connection: Connection, table: KvTable, id: number, atSeconds: number): LogRow | null {
  return oneRow(connection, table, 'AND l.ts <= ? ORDER BY l.op_number DESC LIMIT 1', id, atSeconds);
}

/** The state after operation `opNumber` (0: before the oldest that is kept). */
export function stateAfter(
  connection: Connection,
  table: KvTable,
  key: string,
  id: number,
  opNumber: number,
): KeyState {
  let expireAt: number | null | undefined;
  const next = (after: number) =>
    oneRow(connection, table, 'AND l.op_number > ? ORDER BY l.op_number LIMIT 1', id, after);
  for (let row = next(opNumber); row !== null; row = next(row.opNumber)) {
    const state = oldState(row);
    // The first later row knows the time to live; where it says that the value stayed, a later one knows the value.
    if (expireAt === undefined) expireAt = row.oldExpireAt;
    if (state !== 'same') return typeof state === 'string' ? state : { ...state, expireAt };
  }
  // An unrecorded write that was pruned since: the row is what it wrote.
  if (lastOp(connection, table, id) === 'UNRECORDED') return 'unknown';
  const state = currentState(connection, table, key);
  return typeof state === 'string' || expireAt === undefined ? state : { ...state, expireAt };
}

/** The state before a row, given the state after it. */
export function stateBefore(row: LogRow, after: KeyState): KeyState {
  const state = oldState(row);
  if (state !== 'same') return state;
  return typeof after === 'string' ? 'unknown' : { ...after, expireAt: row.oldExpireAt };
}

/** What a row says of the state before it. `same`: its value and content type are those after it. */
export function oldState(row: Pick<LogRow, 'oldType' | 'oldValue' | 'oldExpireAt'>): KeyState | 'same' {
  if (row.oldType === null) return 'absent';
  if (row.oldType === oldTypeCodes.unknown) return 'unknown';
  if (row.oldType === oldTypeCodes.same) return 'same';
  return { value: row.oldValue, contentType: oldContentType(row.oldType), expireAt: row.oldExpireAt };
}

/** One row at a time: a page of rows could hold many big values. */
function oneRow(connection: Connection, table: KvTable, rest: string, ...bound: number[]): LogRow | null {
  const row = connection.statement(oneRowSql(table, rest)).get(...bound) as SqlRow | undefined;
  if (row === undefined) return null;
  return {
    ...row,
    op: opName(row.op),
    delta: row.delta === null ? null : BigInt(row.delta),
    oldValue: trueValue(connection, row.oldValue, table.names.log, 'old_value', 'seq', row.seq),
  };
}

const oneRowSqls = new WeakMap<KvTable, Map<string, string>>();

/** Put together once a table: a text of this length takes as long to join and to hash as the statement takes to run. */
function oneRowSql(table: KvTable, rest: string): string {
  const known = oneRowSqls.get(table) ?? new Map<string, string>();
  const sql =
    known.get(rest) ??
    `SELECT ${logColumns} FROM ${quoteName(table.names.log)} l WHERE l.key_id = ? AND l.in_history ${rest}`;
  oneRowSqls.set(table, known.set(rest, sql));
  return sql;
}
