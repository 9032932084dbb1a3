// The differences of a table between two times.

import { ApiError } from '../../../messages/errors.ts';
import { kvLimits } from '../../../messages/kv-limits.ts';
import { type DiffArgs, kvPast } from '../../../messages/operations/kv-past.ts';
import { json, ReplyBudget } from '../../../messages/reply.ts';
import type { Connection } from '../../connection.ts';
import { implement } from '../../implementation.ts';
import type { KnownState } from '../log/log.ts';
import { lastSecond } from '../table/row.ts';
import { findTable, type KvTable } from '../table/table.ts';
import { type StoredValue, valueMembers } from '../table/values.ts';
import { checkMoment, forgottenAt, type SeenState } from './past.ts';
import { gapMembers, inTableAt, isSameState } from './table-past.ts';
import { type OperationBetween, type TouchedKey, touchedBetween, touchedKey } from './touched.ts';

export const kvDiff = implement(kvPast.diff, (connection, args) => {
  const { fromSeconds: from, toSeconds: to } = args;
  checkMoment(connection, 'from', from);
  checkMoment(connection, 'to', to);
  if (from >= to) throw new ApiError('INVALID_PARAMETERS', '"from" must be before "to"');
  const table = findTable(connection, args.table);
  // One more than are looked at, to see whether that is all of them.
  const limit = kvLimits.scannedKeys + 1;
  const candidates =
    args.keys.length > 0
      ? namedKeys(connection, table, args)
      : touchedBetween(connection, table, from, to, args.after, limit);
  const budget = new ReplyBudget();
  const changes: Record<string, unknown>[] = [];
  const gapKeys: string[] = [];
  const stats = { created: 0, modified: 0, deleted: 0, unchanged: 0, total_changes: 0 };
  let candidatesNow = 0;
  let scanned = 0;
  let isTruncated = false;
  let last = '';
  for (const { key, before, after, isInTable, operations } of candidates) {
    if (scanned === kvLimits.scannedKeys) {
      isTruncated = true;
      break;
    }
    scanned += 1;
    last = key;
    if (isInTable) candidatesNow += 1;
    if (before === 'unknown' || after === 'unknown') {
      if (gapKeys.length < kvLimits.listedGaps) gapKeys.push(key);
      continue;
    }
    const kind = kindOfChange(before, after);
    if (kind === 'none') continue;
    stats[kind] += 1;
    if (kind === 'unchanged') continue;
    stats.total_changes += 1;
    budget.take(key, storedValue(before), storedValue(after));
    changes.push({
      key,
      change_type: kind,
      ...(typeof before === 'string' ? {} : sideMembers('from', before)),
      ...(typeof after === 'string' ? {} : sideMembers('to', after)),
      ...expiryMembers(before, after),
      ...(kind === 'modified' ? { operations_between: operations().map(shownBetween) } : {}),
    });
  }
  // A key that nobody touched since `from` is what it was: no need to look at it.
  if (args.keys.length === 0) {
    const end = isTruncated ? last : null;
    stats.unchanged += inTableAt(connection, table, to, args.after, end) - candidatesNow;
  }
  return json({
    success: true,
    from_timestamp: from,
    to_timestamp: to,
    stats,
    changes: changes.length === 0 ? null : changes,
    ...gapMembers(gapKeys, isTruncated, from < forgottenAt(connection, table)),
    next_after: isTruncated ? last : null,
  });
});

function kindOfChange(before: SeenState, after: SeenState): 'created' | 'modified' | 'deleted' | 'unchanged' | 'none' {
  if (typeof before === 'string') return typeof after === 'string' ? 'none' : 'created';
  if (typeof after === 'string') return 'deleted';
  return isSameState(before, after) ? 'unchanged' : 'modified';
}

function storedValue(state: SeenState): StoredValue {
  return typeof state === 'string' ? null : state.value;
}

function sideMembers(side: 'from' | 'to', state: KnownState): Record<string, unknown> {
  return { ...valueMembers(state.value, state.contentType, `${side}_`), [`${side}_content_type`]: state.contentType };
}

function expiryMembers(before: SeenState, after: SeenState): Record<string, unknown> {
  const expiry = (state: SeenState) => (typeof state === 'string' ? null : lastSecond(state.expireAt));
  const [old, next] = [expiry(before), expiry(after)];
  return {
    ...(old === null ? {} : { old_expire_at: old }),
    ...(next === null ? {} : { new_expire_at: next }),
  };
}

function* namedKeys(connection: Connection, table: KvTable, args: DiffArgs): Generator<TouchedKey> {
  for (const key of new Set(args.keys)) yield touchedKey(connection, table, key, args.fromSeconds, args.toSeconds);
}

function shownBetween({ opNumber, op, path, delta, ts }: OperationBetween): Record<string, unknown> {
  return { op_number: opNumber, operation: op, path: path ?? '', delta, timestamp: ts };
}
