// The return of a table to a time, and what it would do.

import { ApiError } from '../../../messages/errors.ts';
import { kvLimits } from '../../../messages/kv-limits.ts';
import {
  kvPast,
  type PlannedChange,
  type PlannedRollbackArgs,
  type TableRollbackArgs,
} from '../../../messages/operations/kv-past.ts';
import { json, ReplyBudget } from '../../../messages/reply.ts';
import type { Connection } from '../../connection.ts';
import { implement } from '../../implementation.ts';
import { currentCursor, seqOf } from '../log/cursor.ts';
import { currentState, type KeyState, type KnownState, keyId, keyOf } from '../log/log.ts';
import { runWrite } from '../store/request.ts';
import { restoreState, rowForWrite } from '../store/write.ts';
import { quoteName } from '../table/names.ts';
import { findTable, type KvTable } from '../table/table.ts';
import { valueMembers } from '../table/values.ts';
import { chainGap, checkMoment, forgottenAt, isOver, type SeenState, stateAt } from './past.ts';
import { inTableAt, isSameState, touchedAfter, touchedKeys } from './table-past.ts';

/** Done ahead of the rollback, which then looks only at what it changes, and at what was written in between. */
export const kvPlanTableRollback = implement(kvPast.planTableRollback, (connection, args) => {
  checkMoment(connection, 'to_timestamp', args.toSeconds);
  const table = findTable(connection, args.table);
  const { changes, untouched } = planRollback(connection, table, args);
  const planned = changes.map(({ key, action, operations }) => {
    const id = keyId(connection, table, key);
    if (id === null) throw new Error(`a key without history has a past: ${JSON.stringify(key)}`);
    return { keyId: id, action, operations };
  });
  return { cursor: currentCursor(connection, table), changes: planned, untouched };
});

/**
 * Makes every key what it was at a time. Each change is an ordinary recorded operation, so that going back to just
 * before the rollback undoes it.
 */
export const kvTableRollback = implement(kvPast.tableRollback, (connection, args) => {
  const startedMs = Date.now();
  checkMoment(connection, 'to_timestamp', args.toSeconds);
  return runWrite(connection, args, (writer) => {
    const { changes, untouched } = currentPlan(connection, writer.table, args);
    for (const { key } of changes) {
      const { state } = stateAt(connection, writer.table, key, args.toSeconds);
      if (state === 'unknown') throw chainGap(key);
      restoreState(writer, key, rowForWrite(writer, key), targetOf(state, connection.nowSeconds()));
    }
    const count = (action: Action) => changes.filter((change) => change.action === action).length;
    return json({
      success: true,
      to_timestamp: args.toSeconds,
      rolled_back: count('rollback'),
      deleted: count('delete'),
      restored: count('restore'),
      total_operations_reversed: reversedBy(changes),
      duration_ms: Date.now() - startedMs,
      untouched_keys: untouched,
    });
  });
});

/** What kvTableRollback would do. */
export const kvTableRollbackPreview = implement(kvPast.tableRollbackPreview, (connection, args) => {
  checkMoment(connection, 'to_timestamp', args.toSeconds);
  const table = findTable(connection, args.table);
  const plan = planRollback(connection, table, args);
  const now = connection.nowSeconds();
  const budget = new ReplyBudget();
  const shown = plan.changes.slice(0, kvLimits.previewedChanges).map(({ key, action, operations }) => {
    const current = currentState(connection, table, key);
    const target = targetOf(stateAt(connection, table, key, args.toSeconds).state, now);
    const isThere = typeof current !== 'string' && !isOver(current, now);
    budget.take(key, isThere ? current.value : null, target === 'absent' ? null : target.value);
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
  return json({
    success: true,
    dry_run: true,
    to_timestamp: args.toSeconds,
    preview: {
      total_keys: inTableAt(connection, table, now),
      keys_to_rollback: count('rollback'),
      keys_to_delete: count('delete'),
      keys_to_restore: count('restore'),
      operations_to_reverse: reversedBy(plan.changes),
      untouched_keys: plan.untouched,
      // The counts are of all keys; only the list is cut short.
      discovery_truncated: shown.length < plan.changes.length,
      changes: shown.length === 0 ? null : shown,
    },
  });
});

type Action = PlannedChange['action'];

interface Change {
  readonly key: string;
  readonly action: Action;
  readonly operations: number;
}

interface Plan {
  readonly changes: readonly Change[];
  readonly untouched: readonly string[];
}

function reversedBy(changes: readonly Change[]): number {
  return changes.reduce((sum, { operations }) => sum + operations, 0);
}

/** The plan that was made ahead, with the keys that were written since then planned again. */
function currentPlan(connection: Connection, table: KvTable, args: PlannedRollbackArgs): Plan {
  const { plan } = args;
  const since = plan === null ? null : seqOf(connection, table, plan.cursor);
  if (plan === null || since === null) return planRollback(connection, table, args);
  const written = touchedAfter(connection, table, since);
  const kept = plan.changes
    .filter((change) => !written.has(change.keyId))
    .map(({ keyId: id, action, operations }) => {
      const key = keyOf(connection, table, id);
      if (key === null) throw noLongerKept();
      return { key, action, operations };
    });
  const named = new Set(args.keys);
  const keys = [...written.values()].filter((key) => named.size === 0 || named.has(key));
  const again = planRollback(connection, table, args, keys);
  const changes = [...kept, ...again.changes];
  if (changes.length > kvLimits.rolledBackKeys) throw tooManyChanges();
  const isWritten = new Set(keys);
  return { changes, untouched: [...plan.untouched.filter((key) => !isWritten.has(key)), ...again.untouched] };
}

function planRollback(
  connection: Connection,
  table: KvTable,
  args: TableRollbackArgs,
  // All of them, however many: only those that differ are kept in memory.
  keys: Iterable<string> = args.keys.length > 0 ? new Set(args.keys) : touchedKeys(connection, table, args.toSeconds),
): Plan {
  const { toSeconds } = args;
  const now = connection.nowSeconds();
  const excluded = new Set(args.excludeKeys);
  if (toSeconds < forgottenAt(connection, table)) throw noLongerKept();
  const changes: Change[] = [];
  const untouched: string[] = [];
  for (const key of keys) {
    if (excluded.has(key)) continue;
    const { state, hasHistory } = stateAt(connection, table, key, toSeconds);
    if (!hasHistory) {
      untouched.push(key);
      continue;
    }
    if (state === 'unknown') throw chainGap(key);
    const action = actionFor(currentState(connection, table, key), targetOf(state, now), now);
    if (action === null) continue;
    if (changes.length === kvLimits.rolledBackKeys) throw tooManyChanges();
    changes.push({ key, action, operations: operationsSince(connection, table, key, toSeconds) });
  }
  return { changes, untouched };
}

function noLongerKept(): ApiError {
  return new ApiError('TIME_TRAVEL_CHAIN_GAP', 'the history of that time is no longer kept');
}

function tooManyChanges(): ApiError {
  return new ApiError(
    'PAYLOAD_TOO_LARGE',
    `more than ${kvLimits.rolledBackKeys} keys would change; roll back some at a time, named with "keys"`,
  );
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
