// The keys of a table that may differ between two times, each with what it was at both. One query walks the log since
// the first time and finds for almost every key both states at once; the few that it cannot tell are looked up one by
// one.

import { kvLimits } from '../../../messages/kv-limits.ts';
import type { Connection } from '../../connection.ts';
import { keyId, type LogRow, oldState } from '../log/log.ts';
import { oldTypeCodes, opCodes, opName } from '../table/codes.ts';
import { quoteName } from '../table/names.ts';
import { isTrueKey, mayBeFalse, toSeconds } from '../table/row.ts';
import type { KvTable } from '../table/table.ts';
import type { StoredValue } from '../table/values.ts';
import { firstSeqAfter, forgottenAt, isOver, type SeenState, stateAt } from './past.ts';

export interface TouchedKey {
  readonly key: string;
  readonly before: SeenState;
  readonly after: SeenState;
  /** It is in the table now, and its time to live was not over at the second time. */
  readonly isInTable: boolean;
  /** What happened in between, oldest first, up to a limit. */
  readonly operations: () => OperationBetween[];
}

export type OperationBetween = Pick<LogRow, 'opNumber' | 'op' | 'path' | 'delta' | 'ts'>;

interface Row {
  readonly key: string;
  /** null: only its time to live ended in between. */
  readonly id: number | null;
  /** Whether the row holds both states: its history reaches that far back, and no clock was set back meanwhile. */
  readonly isTold: number;
  /** Operations in between. */
  readonly count: number;
  readonly firstOp: number;
  readonly firstCode: number;
  readonly firstPath: string | null;
  readonly firstDelta: string | null;
  readonly firstTs: number;
  readonly fromType: string | number | null;
  readonly fromValue: StoredValue;
  readonly fromExpireAt: number | null;
  readonly toType: string | number | null;
  readonly toValue: StoredValue;
  readonly toExpireAt: unknown;
  readonly isInTable: number;
}

/** In the order of the keys, from `afterKey` (exclusive) on. No key may be written while they are walked. */
export function* touchedBetween(
  connection: Connection,
  table: KvTable,
  from: number,
  to: number,
  afterKey: string,
  limit: number,
): Generator<TouchedKey> {
  if (!table.hasLog || !table.exists) return;
  const bound = { seq: firstSeqAfter(connection, table, from), from, to, afterKey, limit };
  const isForgotten = from < forgottenAt(connection, table);
  for (const row of connection.database.prepare(touchedSql(table)).iterate(bound) as IterableIterator<Row>) {
    if (!isTrueKey(connection, table, row.key)) continue;
    const states = isForgotten || !table.isCaptured ? null : statesOf(row, from, to);
    if (states === null) yield touchedKey(connection, table, row.key, from, to);
    else {
      const operations = () => (row.count === 1 ? [firstOperation(row)] : between(connection, table, row.id, from, to));
      yield { key: row.key, ...states, isInTable: row.isInTable === 1, operations };
    }
  }
}

/** One key, looked up step by step. */
export function touchedKey(connection: Connection, table: KvTable, key: string, from: number, to: number): TouchedKey {
  const id = keyId(connection, table, key);
  const before = stateAt(connection, table, key, from, id).state;
  const after = stateAt(connection, table, key, to, id).state;
  const isInTable = isInTableAt(connection, table, key, to);
  return { key, before, after, isInTable, operations: () => between(connection, table, id, from, to) };
}

/** null: the row does not tell. */
function statesOf(row: Row, from: number, to: number): Pick<TouchedKey, 'before' | 'after'> | null {
  if (row.isTold === 0 || mayBeFalse(row.fromValue) || mayBeFalse(row.toValue)) return null;
  const before = oldState({ oldType: row.fromType, oldValue: row.fromValue, oldExpireAt: row.fromExpireAt });
  const after = oldState({ oldType: row.toType, oldValue: row.toValue, oldExpireAt: toSeconds(row.toExpireAt) });
  if (before === 'same' || after === 'same') return null;
  return { before: isOver(before, from) ? 'expired' : before, after: isOver(after, to) ? 'expired' : after };
}

/**
 * The state at a time is what the key's first operation after it (`f` and `x`) found, or the row of the table.
 * `+key_id`: the walk goes along the log's own order, not along the index, which would read all of it.
 */
function touchedSql(table: KvTable): string {
  const [log, keys, own] = [table.names.log, table.names.keys, table.names.table].map(quoteName);
  const value = (column: string) =>
    `CASE typeof(${column}) WHEN 'blob' THEN ${column} ELSE CAST(${column} AS TEXT) END`;
  return `SELECT c.key AS key, c.id AS id, c.isTold AS isTold, c.count AS count,
      c.firstOp AS firstOp, f.op AS firstCode, f.path AS firstPath, CAST(f.delta AS TEXT) AS firstDelta, f.ts AS firstTs,
      f.old_type AS fromType, ${value('f.old_value')} AS fromValue, f.old_expire_at AS fromExpireAt,
      CASE WHEN c.laterOp IS NOT NULL THEN x.old_type
        WHEN ${opCodes.UNRECORDED} = (SELECT y.op FROM ${log} y WHERE y.key_id = c.id ORDER BY y.op_number DESC LIMIT 1)
          THEN ${oldTypeCodes.unknown}
        WHEN t.key IS NOT NULL THEN coalesce(t.content_type, ${oldTypeCodes.octetStream}) END AS toType,
      CASE WHEN c.laterOp IS NULL THEN ${value('t.value')} ELSE ${value('x.old_value')} END AS toValue,
      CASE WHEN c.laterOp IS NULL THEN t.expire_at ELSE x.old_expire_at END AS toExpireAt,
      t.key IS NOT NULL AND (t.expire_at IS NULL OR t.expire_at >= :to) AS isInTable
    FROM (
      SELECT k.key AS key, g.id AS id, g.firstOp AS firstOp, g.laterOp AS laterOp, g.count AS count,
        g.isInOrder AND coalesce(k.pruned_at, 0) <= :from AS isTold
      FROM (
        SELECT key_id AS id, min(op_number) AS firstOp, min(CASE WHEN ts > :to THEN op_number END) AS laterOp,
          sum(ts <= :to) AS count, min(ts) > :from AND coalesce(
            min(CASE WHEN ts > :to THEN op_number END) > max(CASE WHEN ts <= :to THEN op_number END), 1) AS isInOrder
        FROM ${log} WHERE seq >= :seq AND in_history GROUP BY +key_id
      ) g CROSS JOIN ${keys} k ON k.id = g.id WHERE typeof(k.key) = 'text' AND k.key > :afterKey
      UNION ALL
      SELECT e.key, NULL, NULL, NULL, 0, 0 FROM ${own} e
      WHERE e.expire_at >= :from AND e.expire_at < :to AND typeof(e.key) = 'text' AND e.key > :afterKey
        AND NOT EXISTS (SELECT 1 FROM ${keys} k CROSS JOIN ${log} l ON l.key_id = k.id
          WHERE k.key = e.key AND l.seq >= :seq AND l.in_history)
      ORDER BY 1 LIMIT :limit
    ) c
    LEFT JOIN ${log} f ON f.key_id = c.id AND f.op_number = c.firstOp
    LEFT JOIN ${log} x ON x.key_id = c.id AND x.op_number = c.laterOp
    LEFT JOIN ${own} t ON t.key = c.key`;
}

function firstOperation(row: Row): OperationBetween {
  const delta = row.firstDelta === null ? null : BigInt(row.firstDelta);
  return { opNumber: row.firstOp, op: opName(row.firstCode), path: row.firstPath, delta, ts: row.firstTs };
}

interface BetweenRow {
  readonly opNumber: number;
  readonly code: number;
  readonly path: string | null;
  readonly delta: string | null;
  readonly ts: number;
}

function between(
  connection: Connection,
  table: KvTable,
  id: number | null,
  from: number,
  to: number,
): OperationBetween[] {
  const sql = `SELECT op_number AS opNumber, op AS code, path, CAST(delta AS TEXT) AS delta, ts
    FROM ${quoteName(table.names.log)} WHERE key_id = ? AND in_history AND ts > ? AND ts <= ?
    ORDER BY op_number LIMIT ${kvLimits.operationsBetween}`;
  const rows = connection.statement(sql).all(id, from, to) as BetweenRow[];
  return rows.map(({ code, delta, ...row }) => ({
    ...row,
    op: opName(code),
    delta: delta === null ? null : BigInt(delta),
  }));
}

function isInTableAt(connection: Connection, table: KvTable, key: string, seconds: number): boolean {
  if (!table.exists) return false;
  const sql = `SELECT 1 FROM ${quoteName(table.names.table)} WHERE key = ? AND (expire_at IS NULL OR expire_at >= ?)`;
  return connection.statement(sql).get(key, seconds) !== undefined;
}
