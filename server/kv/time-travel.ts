// The past of a whole table: its keys at a time, the differences between two times, and the return to a time.
// Contract section 7, second half.

import { ApiError } from '../errors.ts';
import type { Connection } from '../executors/connection.ts';
import type { Operation } from '../executors/operation.ts';
import { jsonAnswer, type KvAnswer } from './answer.ts';
import { opName } from './codes.ts';
import { prefixEnd } from './keys.ts';
import { kvLimits } from './kv-limits.ts';
import { currentState, type KeyState, type KnownState, keyId } from './log.ts';
import { quoteName } from './names.ts';
import { chainGap, checkMoment, firstSeqAfter, forgottenAt, isOver, keysAt, stateAt } from './past.ts';
import { runWrite, type WriteArgs } from './request.ts';
import { valueBytes, valueMembers } from './row.ts';
import { findTable, type KvTable } from './table.ts';
import { restoreState, rowForWrite } from './write.ts';

export interface TableAtArgs {
  readonly table: string;
  readonly atSeconds: number;
  readonly prefix: string;
  /** 0 for all. */
  readonly limit: number;
  readonly offset: number;
}

/** The keys of a table at a time, without values: GET /kv with at_timestamp. */
export const kvListAt: Operation<TableAtArgs, KvAnswer> = {
  name: 'kv.listAt',
  lane: 'kv-read',
  run(connection, args) {
    checkMoment(connection, 'at_timestamp', args.atSeconds);
    const found = scan(connection, findTable(connection, args.table), args);
    const items = found.page.map(({ key, opNumber, contentType, size }) => ({
      key,
      content_type: contentType,
      op_number: opNumber,
      size_estimate: size,
      existed_at_timestamp: true,
    }));
    return jsonAnswer({
      success: true,
      timestamp: args.atSeconds,
      items: items.length === 0 ? null : items,
      count: items.length,
      offset: args.offset,
      ...found.gaps,
    });
  },
};

/** The keys of a table at a time, with values: GET /kv/snapshot. */
export const kvTableSnapshot: Operation<TableAtArgs, KvAnswer> = {
  name: 'kv.tableSnapshot',
  lane: 'kv-read',
  run(connection, args) {
    checkMoment(connection, 'timestamp', args.atSeconds);
    const table = findTable(connection, args.table);
    const found = scan(connection, table, args);
    const budget = new AnswerBudget();
    const keys = found.page.map(({ key, opNumber }) => {
      const { state } = stateAt(connection, table, key, args.atSeconds);
      if (typeof state === 'string') throw new Error(`the log disagrees with itself about ${JSON.stringify(key)}`);
      budget.take(state);
      return {
        key,
        ...valueMembers(state.value, state.contentType),
        content_type: state.contentType,
        op_number: opNumber,
      };
    });
    return jsonAnswer({
      success: true,
      timestamp: args.atSeconds,
      snapshot_time: new Date(args.atSeconds * 1000).toISOString(),
      count: keys.length,
      total_keys_at_snapshot: found.total,
      keys: keys.length === 0 ? null : keys,
      ...found.gaps,
    });
  },
};

interface Scan {
  readonly page: { key: string; opNumber: number; contentType: string | null; size: number }[];
  readonly total: number;
  readonly gaps: { has_gaps: boolean; gap_keys: string[] | null; candidate_truncated: boolean };
}

function scan(connection: Connection, table: KvTable, args: TableAtArgs): Scan {
  const page: Scan['page'] = [];
  const gapKeys: string[] = [];
  let candidates = 0;
  let total = 0;
  let isTruncated = false;
  for (const found of keysAt(connection, table, args.atSeconds, args.prefix, prefixEnd(args.prefix))) {
    if (candidates >= kvLimits.scannedKeys) {
      isTruncated = true;
      break;
    }
    candidates += 1;
    if (found.isGap && gapKeys.length < kvLimits.listedGaps) gapKeys.push(found.key);
    if (!found.existed) continue;
    total += 1;
    if (total > args.offset && (args.limit === 0 || page.length < args.limit)) page.push(found);
  }
  return { page, total, gaps: gapMembers(gapKeys, isTruncated, args.atSeconds < forgottenAt(connection, table)) };
}

function gapMembers(gapKeys: string[], isTruncated: boolean, isForgotten: boolean): Scan['gaps'] {
  return {
    has_gaps: gapKeys.length > 0 || isForgotten,
    gap_keys: gapKeys.length === 0 ? null : gapKeys,
    candidate_truncated: isTruncated,
  };
}

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
    const candidates = args.keys.length > 0 ? new Set(args.keys) : touchedKeys(connection, table, from, to);
    const budget = new AnswerBudget();
    const changes: Record<string, unknown>[] = [];
    const gapKeys: string[] = [];
    const stats = { created: 0, modified: 0, deleted: 0, unchanged: 0, total_changes: 0 };
    let candidatesNow = 0;
    for (const key of candidates) {
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
      ...gapMembers(gapKeys, candidates.size >= kvLimits.scannedKeys, from < forgottenAt(connection, table)),
    });
  },
};

type SeenState = KeyState | 'expired';

function kindOfChange(before: SeenState, after: SeenState): 'created' | 'modified' | 'deleted' | 'unchanged' | 'none' {
  if (typeof before === 'string') return typeof after === 'string' ? 'none' : 'created';
  if (typeof after === 'string') return 'deleted';
  return isSameState(before, after) ? 'unchanged' : 'modified';
}

function isSameState(one: KnownState, other: KnownState): boolean {
  return (
    one.contentType === other.contentType &&
    one.expireAt === other.expireAt &&
    valueBytes(one.value).equals(valueBytes(other.value))
  );
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

/**
 * Keys that may differ between two times: those with an operation since the first, and those whose time to live ended in
 * between. At most `scannedKeys`.
 */
function touchedKeys(connection: Connection, table: KvTable, from: number, to: number): Set<string> {
  if (!table.hasLog || !table.exists) return new Set();
  const [log, keys, own] = [table.names.log, table.names.keys, table.names.table].map(quoteName);
  const sql = `SELECT k.key FROM ${log} l CROSS JOIN ${keys} k ON k.id = l.key_id WHERE l.seq >= ? AND l.in_history AND typeof(k.key) = 'text'
    UNION SELECT key FROM ${own} WHERE expire_at > ? AND expire_at <= ? AND typeof(key) = 'text' LIMIT ${kvLimits.scannedKeys}`;
  const seq = firstSeqAfter(connection, table, from);
  return new Set(connection.statement(sql).pluck().all(seq, from, to) as string[]);
}

function isInTableAt(connection: Connection, table: KvTable, key: string, seconds: number): boolean {
  if (!table.exists) return false;
  const sql = `SELECT 1 FROM ${quoteName(table.names.table)} WHERE key = ? AND (expire_at IS NULL OR expire_at > ?)`;
  return connection.statement(sql).get(key, seconds) !== undefined;
}

/** Keys of the table as it stands now whose time is not over at a second. Counted on indexes: values are not read. */
function inTableAt(connection: Connection, table: KvTable, seconds: number): number {
  if (!table.exists) return 0;
  const own = quoteName(table.names.table);
  const sql = `SELECT (SELECT count(*) FROM ${own}) -
    (SELECT count(*) FROM ${own} WHERE expire_at IS NOT NULL AND expire_at <= ?)`;
  return connection.statement(sql).pluck().get(seconds) as number;
}

export interface TableRollbackArgs extends WriteArgs {
  readonly toSeconds: number;
  /** Empty: every key. */
  readonly keys: readonly string[];
  readonly excludeKeys: readonly string[];
}

/**
 * Makes every key what it was at a time. Each change is an ordinary recorded operation, so that going back to just before
 * the rollback undoes it.
 */
export const kvTableRollback: Operation<TableRollbackArgs, KvAnswer> = {
  name: 'kv.tableRollback',
  lane: 'kv-write',
  run(connection, args) {
    const startedMs = Date.now();
    checkMoment(connection, 'to_timestamp', args.toSeconds);
    return runWrite(connection, args, (writer) => {
      const plan = planRollback(connection, writer.table, args);
      for (const { key } of plan.changes) {
        const { state } = stateAt(connection, writer.table, key, args.toSeconds);
        restoreState(writer, key, rowForWrite(writer, key), targetOf(state, connection.nowSeconds()));
      }
      const count = (action: Action) => plan.changes.filter((change) => change.action === action).length;
      return jsonAnswer({
        success: true,
        to_timestamp: args.toSeconds,
        rolled_back: count('rollback'),
        deleted: count('delete'),
        restored: count('restore'),
        total_operations_reversed: plan.operations,
        duration_ms: Date.now() - startedMs,
        untouched_keys: plan.untouched,
      });
    });
  },
};

/** What kvTableRollback would do. */
export const kvTableRollbackPreview: Operation<TableRollbackArgs, KvAnswer> = {
  name: 'kv.tableRollbackPreview',
  lane: 'kv-read',
  run(connection, args) {
    checkMoment(connection, 'to_timestamp', args.toSeconds);
    const table = findTable(connection, args.table);
    const plan = planRollback(connection, table, args);
    const now = connection.nowSeconds();
    const budget = new AnswerBudget();
    const shown = plan.changes.slice(0, kvLimits.previewedChanges).map(({ key, action, operations }) => {
      const current = currentState(connection, table, key);
      const target = targetOf(stateAt(connection, table, key, args.toSeconds).state, now);
      const isThere = typeof current !== 'string' && !isOver(current, now);
      budget.take(current, target);
      return {
        key,
        action,
        operations_to_undo: operations,
        ...(isThere
          ? {
              ...valueMembers(current.value, current.contentType, 'current_'),
              current_content_type: current.contentType,
            }
          : {}),
        ...(target === 'absent'
          ? {}
          : {
              ...valueMembers(target.value, target.contentType, 'rollback_'),
              rollback_content_type: target.contentType,
            }),
        ...(action === 'delete' ? { reason: 'the key did not exist then' } : {}),
      };
    });
    const count = (action: Action) => plan.changes.filter((change) => change.action === action).length;
    return jsonAnswer({
      success: true,
      dry_run: true,
      to_timestamp: args.toSeconds,
      preview: {
        total_keys: inTableAt(connection, table, now),
        keys_to_rollback: count('rollback'),
        keys_to_delete: count('delete'),
        keys_to_restore: count('restore'),
        operations_to_reverse: plan.operations,
        untouched_keys: plan.untouched,
        discovery_truncated: shown.length < plan.changes.length,
        changes: shown.length === 0 ? null : shown,
      },
    });
  },
};

type Action = 'rollback' | 'delete' | 'restore';

interface Plan {
  readonly changes: { readonly key: string; readonly action: Action; readonly operations: number }[];
  /** Operations of all these keys since then. */
  readonly operations: number;
  /** Keys asked for that have no recorded history: they stay as they are. */
  readonly untouched: string[];
}

function planRollback(connection: Connection, table: KvTable, args: TableRollbackArgs): Plan {
  const { toSeconds } = args;
  const now = connection.nowSeconds();
  const excluded = new Set(args.excludeKeys);
  if (toSeconds < forgottenAt(connection, table)) {
    throw new ApiError('TIME_TRAVEL_CHAIN_GAP', 'the history of that time is no longer kept');
  }
  const all = args.keys.length > 0 ? args.keys : touchedKeys(connection, table, toSeconds, toSeconds);
  const changes: Plan['changes'] = [];
  const untouched: string[] = [];
  let reversed = 0;
  for (const key of all) {
    if (excluded.has(key)) continue;
    const { state, hasHistory } = stateAt(connection, table, key, toSeconds);
    if (!hasHistory) {
      untouched.push(key);
      continue;
    }
    if (state === 'unknown') throw chainGap(key);
    const current = currentState(connection, table, key);
    const target = targetOf(state, now);
    const action = actionFor(current, target, now);
    if (action === null) continue;
    const operations = operationsSince(connection, table, key, toSeconds);
    reversed += operations;
    changes.push({ key, action, operations });
  }
  if (changes.length >= kvLimits.scannedKeys) {
    throw new ApiError(
      'PAYLOAD_TOO_LARGE',
      `more than ${kvLimits.scannedKeys} keys changed since; name some with "keys"`,
    );
  }
  return { changes, operations: reversed, untouched };
}

/** What was there then and whose time is over now stays gone. */
function targetOf(state: SeenState, now: number): 'absent' | KnownState {
  return typeof state === 'string' || isOver(state, now) ? 'absent' : state;
}

function actionFor(current: KeyState, target: 'absent' | KnownState, now: number): Action | null {
  const isThere = typeof current !== 'string' && !isOver(current, now);
  if (target === 'absent') return isThere ? 'delete' : null;
  if (!isThere) return 'restore';
  return isSameState(current, target) ? null : 'rollback';
}

function operationsSince(connection: Connection, table: KvTable, key: string, seconds: number): number {
  const sql = `SELECT count(*) FROM ${quoteName(table.names.log)} WHERE key_id = ? AND in_history AND ts > ?`;
  return connection
    .statement(sql)
    .pluck()
    .get(keyId(connection, table, key), seconds) as number;
}

/** Counts the bytes of values that go into one answer. */
class AnswerBudget {
  #bytes = 0;

  /** @throws ApiError RESPONSE_TOO_LARGE */
  take(...states: SeenState[]): void {
    for (const state of states) this.#bytes += typeof state === 'string' ? 0 : (state.value?.length ?? 0);
    if (this.#bytes > kvLimits.answerBytes) {
      throw new ApiError('RESPONSE_TOO_LARGE', 'the values of the answer are too large; ask for fewer keys');
    }
  }
}
