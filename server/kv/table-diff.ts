// The differences of a table between two times. Contract section 7.

import { ApiError } from '../errors.ts';
import type { Connection } from '../executors/connection.ts';
import type { Operation } from '../executors/operation.ts';
import { jsonAnswer, type KvAnswer } from './answer.ts';
import { opName } from './codes.ts';
import { kvLimits } from './kv-limits.ts';
import { type KnownState, keyId } from './log.ts';
import { quoteName } from './names.ts';
import { checkMoment, forgottenAt, stateAt } from './past.ts';
import { valueMembers } from './row.ts';
import { findTable, type KvTable } from './table.ts';
import { AnswerBudget, gapMembers, inTableAt, isSameState, type SeenState, touchedKeys } from './table-past.ts';

export interface DiffArgs {
  readonly table: string;
  readonly fromSeconds: number;
  readonly toSeconds: number;
  /** Empty: the whole table. */
  readonly keys: readonly string[];
}

export const kvDiff: Operation<DiffArgs, KvAnswer> = {
  name: 'kv.diff',
  lane: 'kv-read',
  run(connection, args) {
    const { fromSeconds: from, toSeconds: to } = args;
    checkMoment(connection, 'from', from);
    checkMoment(connection, 'to', to);
    if (from >= to) throw new ApiError('INVALID_PARAMETERS', '"from" must be before "to"');
    const table = findTable(connection, args.table);
    // One more than are looked at, to see whether that is all of them.
    const limit = kvLimits.scannedKeys + 1;
    const candidates = args.keys.length > 0 ? new Set(args.keys) : touchedKeys(connection, table, from, to, limit);
    const budget = new AnswerBudget();
    const changes: Record<string, unknown>[] = [];
    const gapKeys: string[] = [];
    const stats = { created: 0, modified: 0, deleted: 0, unchanged: 0, total_changes: 0 };
    let candidatesNow = 0;
    let scanned = 0;
    let isTruncated = false;
    for (const key of candidates) {
      if (scanned === kvLimits.scannedKeys) {
        isTruncated = true;
        break;
      }
      scanned += 1;
      if (isInTableAt(connection, table, key, to)) candidatesNow += 1;
      const id = keyId(connection, table, key);
      const before = stateAt(connection, table, key, from, id).state;
      const after = stateAt(connection, table, key, to, id).state;
      if (before === 'unknown' || after === 'unknown') {
        if (gapKeys.length < kvLimits.listedGaps) gapKeys.push(key);
        continue;
      }
      const kind = kindOfChange(before, after);
      if (kind === 'none') continue;
      stats[kind] += 1;
      if (kind === 'unchanged') continue;
      stats.total_changes += 1;
      budget.take(before, after);
      changes.push({
        key,
        change_type: kind,
        ...(typeof before === 'string' ? {} : sideMembers('from', before)),
        ...(typeof after === 'string' ? {} : sideMembers('to', after)),
        ...expiryMembers(before, after),
        ...(kind === 'modified' ? { operations_between: operationsBetween(connection, table, id, from, to) } : {}),
      });
    }
    // A key that nobody touched since `from` is what it was: no need to look at it.
    if (args.keys.length === 0) stats.unchanged += inTableAt(connection, table, to) - candidatesNow;
    return jsonAnswer({
      success: true,
      from_timestamp: from,
      to_timestamp: to,
      stats,
      changes: changes.length === 0 ? null : changes,
      ...gapMembers(gapKeys, isTruncated, from < forgottenAt(connection, table)),
    });
  },
};

function kindOfChange(before: SeenState, after: SeenState): 'created' | 'modified' | 'deleted' | 'unchanged' | 'none' {
  if (typeof before === 'string') return typeof after === 'string' ? 'none' : 'created';
  if (typeof after === 'string') return 'deleted';
  return isSameState(before, after) ? 'unchanged' : 'modified';
}

function sideMembers(side: 'from' | 'to', state: KnownState): Record<string, unknown> {
  return { ...valueMembers(state.value, state.contentType, `${side}_`), [`${side}_content_type`]: state.contentType };
}

function expiryMembers(before: SeenState, after: SeenState): Record<string, unknown> {
  const expiry = (state: SeenState) => (typeof state === 'string' ? null : state.expireAt);
  const [old, next] = [expiry(before), expiry(after)];
  return {
    ...(old === null ? {} : { old_expire_at: old }),
    ...(next === null ? {} : { new_expire_at: next }),
  };
}

interface BetweenRow {
  readonly op_number: number;
  readonly operation: number;
  readonly path: string | null;
  readonly delta: string | null;
  readonly timestamp: number;
}

function operationsBetween(
  connection: Connection,
  table: KvTable,
  id: number | null,
  from: number,
  to: number,
): unknown[] {
  const sql = `SELECT op_number, op AS operation, coalesce(path, '') AS path, CAST(delta AS TEXT) AS delta, ts AS timestamp
    FROM ${quoteName(table.names.log)} WHERE key_id = ? AND in_history AND ts > ? AND ts <= ?
    ORDER BY op_number LIMIT ${kvLimits.operationsBetween}`;
  const rows = connection.statement(sql).all(id, from, to) as BetweenRow[];
  return rows.map((row) => ({
    ...row,
    operation: opName(row.operation),
    delta: row.delta === null ? null : BigInt(row.delta),
  }));
}

function isInTableAt(connection: Connection, table: KvTable, key: string, seconds: number): boolean {
  if (!table.exists) return false;
  const sql = `SELECT 1 FROM ${quoteName(table.names.table)} WHERE key = ? AND (expire_at IS NULL OR expire_at > ?)`;
  return connection.statement(sql).get(key, seconds) !== undefined;
}
