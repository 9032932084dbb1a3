// What keys were at a moment: one key, or all keys of a prefix in one pass. A moment is a whole second, and everything
// that happened in that second has happened.

import { ApiError } from '../../../messages/errors.ts';
import type { Connection } from '../../connection.ts';
import { type KeyState, keyId, type LogRow, rowAt, stateAfter, stateOf } from '../log/log.ts';
import { oldTypeCodes, opCodes } from '../table/codes.ts';
import { metaTable, quoteName } from '../table/names.ts';
import { isTrueKey, readRow } from '../table/row.ts';
import type { KvTable } from '../table/table.ts';

/** `expired`: the key existed, and its time to live was over. */
export type SeenState = KeyState | 'expired';

export interface PastState {
  readonly state: SeenState;
  /** The operation that made it so; null: none that is recorded. */
  readonly row: LogRow | null;
  /** Whether the key has any history at all. */
  readonly hasHistory: boolean;
}

/** @throws ApiError INVALID_PARAMETERS unless 1 <= time <= now */
export function checkMoment(connection: Connection, name: string, seconds: number): void {
  if (seconds < 1) throw new ApiError('INVALID_PARAMETERS', `${name} must be a Unix time in seconds, at least 1`);
  if (seconds > connection.nowSeconds()) {
    throw new ApiError('INVALID_PARAMETERS', `${name} is in the future (it is in seconds, not milliseconds)`);
  }
}

export function chainGap(key: string): ApiError {
  return new ApiError(
    'TIME_TRAVEL_CHAIN_GAP',
    `TIME_TRAVEL_CHAIN_GAP: the history of ${JSON.stringify(key)} has a gap there: it was written with history=false, or pruned`,
  );
}

export function stateAt(
  connection: Connection,
  table: KvTable,
  key: string,
  seconds: number,
  id = keyId(connection, table, key),
): PastState {
  if (id === null) return { state: withoutHistory(connection, table, key, seconds), row: null, hasHistory: false };
  const row = rowAt(connection, table, id, seconds);
  if (row?.op === 'UNRECORDED') return { state: 'unknown', row, hasHistory: true };
  if (row === null && isPruned(connection, table, id, seconds)) return { state: 'unknown', row, hasHistory: true };
  const state = stateAfter(connection, table, key, id, row?.opNumber ?? 0);
  const hasEnded = row?.op === 'EXPIRED' || isOver(state, seconds);
  return { state: hasEnded ? 'expired' : state, row, hasHistory: true };
}

export function isOver(state: KeyState, seconds: number): boolean {
  return typeof state !== 'string' && state.expireAt !== null && state.expireAt < seconds;
}

/** A key that was never written since the table is watched: it is what it was, if it is old enough. */
function withoutHistory(connection: Connection, table: KvTable, key: string, seconds: number): SeenState {
  if (seconds < forgottenAt(connection, table)) return 'unknown';
  const row = readRow(connection, table, key);
  if (row === null || row.createdAt > seconds) return 'absent';
  const state = stateOf(row);
  return isOver(state, seconds) ? 'expired' : state;
}

function isPruned(connection: Connection, table: KvTable, id: number, seconds: number): boolean {
  const prunedAt = connection
    .statement(`SELECT pruned_at FROM ${quoteName(table.names.keys)} WHERE id = ?`)
    .pluck()
    .get(id);
  return (typeof prunedAt === 'number' && seconds < prunedAt) || seconds < forgottenAt(connection, table);
}

/** Before this second keys may have existed that nothing is known of any more. */
export function forgottenAt(connection: Connection, table: KvTable): number {
  if (!table.hasLog) return 0;
  const sql = `SELECT forgotten_at FROM ${quoteName(metaTable)} WHERE name = ?`;
  return Number(connection.statement(sql).pluck().get(table.names.table) ?? 0);
}

/** A key at a moment, without its value: `stateAt` reads that. */
export interface KeyAt {
  readonly key: string;
  readonly opNumber: number;
  /** Bytes of the value as far as known without rebuilding it. */
  readonly size: number;
  readonly contentType: string | null;
  readonly existed: boolean;
  readonly isGap: boolean;
}

interface ScanRow {
  readonly key: string;
  readonly atOp: number | null;
  readonly atCode: number | null;
  /** null: never written since the table is watched. */
  readonly id: number | null;
  readonly prunedAt: number | null;
  readonly nextOp: number | null;
  readonly nextType: number | string | null;
  readonly nextExpireAt: number | null;
  readonly nextSize: number | null;
  readonly hasRow: number;
  readonly size: number | null;
  readonly contentType: string | null;
  readonly createdAt: number | null;
  readonly expireAt: number | null;
  /** The key's newest log row, in the history or not, where no later one tells the state. */
  readonly lastCode: number | null;
}

export interface KeyRange {
  readonly prefix: string;
  /** The prefix's end (exclusive); null: none. */
  readonly end: string | null;
  /** Exclusive; '' for the first key. */
  readonly after: string;
}

/** All keys of the range that are known now, in byte order, as they were then. */
export function* keysAt(connection: Connection, table: KvTable, seconds: number, keyRange: KeyRange): Generator<KeyAt> {
  if (!table.hasLog || !table.exists) return;
  const [log, keys, own] = [table.names.log, table.names.keys, table.names.table].map(quoteName);
  const { prefix, end, after } = keyRange;
  // SQLite compares bytes, JavaScript does not.
  const isAfter = Buffer.compare(Buffer.from(after), Buffer.from(prefix)) > 0;
  const range = (column: string) =>
    `${column} ${isAfter ? '> :after' : '>= :prefix'} ${end === null ? '' : `AND ${column} < :end`} AND typeof(${column}) = 'text'`;
  const sql = `SELECT c.key AS key, a.op_number AS atOp, a.op AS atCode, k.id AS id, k.pruned_at AS prunedAt,
      n.op_number AS nextOp, n.old_type AS nextType, n.old_expire_at AS nextExpireAt,
      octet_length(n.old_value) AS nextSize, t.key IS NOT NULL AS hasRow,
      octet_length(t.value) AS size, t.content_type AS contentType, t.created_at AS createdAt,
      t.expire_at AS expireAt,
      CASE WHEN n.op_number IS NULL THEN (SELECT x.op FROM ${log} x WHERE x.key_id = k.id
        ORDER BY x.op_number DESC LIMIT 1) END AS lastCode
    FROM (SELECT key FROM ${keys} WHERE ${range('key')} UNION SELECT key FROM ${own} WHERE ${range('key')} ORDER BY key) c
    LEFT JOIN ${keys} k ON k.key = c.key
    LEFT JOIN ${log} a ON a.key_id = k.id AND a.op_number = (SELECT x.op_number FROM ${log} x
      WHERE x.key_id = k.id AND x.in_history AND x.ts <= :seconds ORDER BY x.op_number DESC LIMIT 1)
    LEFT JOIN ${log} n ON n.key_id = k.id AND n.op_number = (SELECT x.op_number FROM ${log} x
      WHERE x.key_id = k.id AND x.in_history AND x.op_number > coalesce(a.op_number, 0)
      ORDER BY x.op_number LIMIT 1)
    LEFT JOIN ${own} t ON t.key = c.key`;
  const bound = { seconds, ...(isAfter ? { after } : { prefix }), ...(end === null ? {} : { end }) };
  const forgotten = forgottenAt(connection, table);
  for (const row of connection.database.prepare(sql).iterate(bound) as IterableIterator<ScanRow>) {
    if (isTrueKey(connection, table, row.key)) yield toKeyAt(row, seconds, forgotten);
  }
}

function toKeyAt(row: ScanRow, seconds: number, forgotten: number): KeyAt {
  const opNumber = row.atOp ?? 0;
  const wasPruned = row.atOp === null && ((row.prunedAt ?? 0) > seconds || seconds < forgotten);
  const isKnownNext = row.nextOp === null ? row.lastCode !== opCodes.UNRECORDED : row.nextType !== oldTypeCodes.unknown;
  const isGap = row.atCode === opCodes.UNRECORDED || wasPruned || !isKnownNext;
  const expireAt = row.nextOp === null ? row.expireAt : row.nextExpireAt;
  const isThere = row.nextOp === null ? row.hasRow === 1 : row.nextType !== null;
  // A row that nobody recorded: as old as it says it is.
  const isOldEnough = row.id !== null || (row.createdAt ?? 0) <= seconds;
  const existed =
    isThere && isOldEnough && row.atCode !== opCodes.EXPIRED && (expireAt === null || expireAt >= seconds);
  return {
    key: row.key,
    opNumber,
    size: (row.nextOp === null || row.nextType === oldTypeCodes.same ? row.size : row.nextSize) ?? 0,
    contentType: row.contentType,
    existed: existed && !isGap,
    isGap,
  };
}

/**
 * The first log row later than a second, by halving: row numbers and times rise together. One past the end if there is
 * none.
 */
export function firstSeqAfter(connection: Connection, table: KvTable, seconds: number): number {
  const log = quoteName(table.names.log);
  // Two queries in one: SQLite finds a minimum or a maximum at once, but scans for both together.
  const sql = `SELECT (SELECT min(seq) FROM ${log}) AS low, (SELECT max(seq) FROM ${log}) AS high`;
  const range = connection.statement(sql).get() as {
    low: number | null;
    high: number | null;
  };
  let low = range.low ?? 1;
  let high = (range.high ?? 0) + 1;
  const probe = connection.statement(`SELECT seq, ts FROM ${log} WHERE seq >= ? ORDER BY seq LIMIT 1`);
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const row = probe.get(middle) as { seq: number; ts: number } | undefined;
    if (row !== undefined && row.ts <= seconds) low = row.seq + 1;
    else high = middle;
  }
  return low;
}
