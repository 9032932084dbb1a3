// The keys of a table at a time, with and without their values.

import { prefixEnd } from '../../../messages/kv-keys.ts';
import { kvLimits } from '../../../messages/kv-limits.ts';
import { kvPast, type TableAtArgs } from '../../../messages/operations/kv-past.ts';
import { json, ReplyBudget } from '../../../messages/reply.ts';
import type { Connection } from '../../connection.ts';
import { implement } from '../../implementation.ts';
import { findTable, type KvTable } from '../table/table.ts';
import { valueMembers } from '../table/values.ts';
import { checkMoment, forgottenAt, keysAt, stateAt } from './past.ts';
import { type Gaps, gapMembers } from './table-past.ts';

/** The keys of a table at a time, without values: GET /kv with at_timestamp. */
export const kvListAt = implement(kvPast.listAt, (connection, args) => {
  checkMoment(connection, 'at_timestamp', args.atSeconds);
  const found = scan(connection, findTable(connection, args.table), args);
  const items = found.page.map(({ key, opNumber, contentType, size }) => ({
    key,
    content_type: contentType,
    op_number: opNumber,
    size_estimate: size,
    existed_at_timestamp: true,
  }));
  return json({
    success: true,
    timestamp: args.atSeconds,
    items: items.length === 0 ? null : items,
    count: items.length,
    offset: args.offset,
    ...found.gaps,
  });
});

/** The keys of a table at a time, with values: GET /kv/snapshot. */
export const kvTableSnapshot = implement(kvPast.tableSnapshot, (connection, args) => {
  checkMoment(connection, 'timestamp', args.atSeconds);
  const table = findTable(connection, args.table);
  const found = scan(connection, table, args);
  const budget = new ReplyBudget();
  const keys = found.page.map(({ key, opNumber }) => {
    const { state } = stateAt(connection, table, key, args.atSeconds);
    if (typeof state === 'string') throw new Error(`the log disagrees with itself about ${JSON.stringify(key)}`);
    budget.take(state.value);
    return {
      key,
      ...valueMembers(state.value, state.contentType),
      content_type: state.contentType,
      op_number: opNumber,
    };
  });
  return json({
    success: true,
    timestamp: args.atSeconds,
    snapshot_time: new Date(args.atSeconds * 1000).toISOString(),
    count: keys.length,
    total_keys_at_snapshot: found.total,
    keys: keys.length === 0 ? null : keys,
    ...found.gaps,
    next_after: found.nextAfter,
  });
});

interface Scan {
  readonly page: { key: string; opNumber: number; contentType: string | null; size: number }[];
  readonly total: number;
  readonly gaps: Gaps;
  /** The key after which the next call finds more; null: this was all. */
  readonly nextAfter: string | null;
}

function scan(connection: Connection, table: KvTable, args: TableAtArgs): Scan {
  const page: Scan['page'] = [];
  const gapKeys: string[] = [];
  let candidates = 0;
  let total = 0;
  let last = '';
  let isTruncated = false;
  const budget = new ReplyBudget();
  const range = { prefix: args.prefix, end: prefixEnd(args.prefix), after: args.after };
  for (const found of keysAt(connection, table, args.atSeconds, range)) {
    if (candidates >= kvLimits.scannedKeys + args.offset) {
      isTruncated = true;
      break;
    }
    candidates += 1;
    last = found.key;
    if (found.isGap && gapKeys.length < kvLimits.listedGaps) gapKeys.push(found.key);
    if (!found.existed) continue;
    total += 1;
    if (total > args.offset && (args.limit === 0 || page.length < args.limit)) {
      budget.take(found.key);
      page.push(found);
    }
  }
  const gaps = gapMembers(gapKeys, isTruncated, args.atSeconds < forgottenAt(connection, table));
  const hasMore = total > args.offset + page.length;
  return { page, total, gaps, nextAfter: hasMore ? (page.at(-1)?.key ?? null) : isTruncated ? last : null };
}
