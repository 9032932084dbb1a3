// The background work of one database: keys whose time is over are removed, history beyond its age or count and changes
// beyond the feed's reach are dropped.

import { kvLimits } from '../../../messages/kv-limits.ts';
import { kvUpkeep, type RetentionArgs, type TableProgress } from '../../../messages/operations/kv-upkeep.ts';
import type { Connection } from '../../connection.ts';
import { implement } from '../../implementation.ts';
import { feedFloor } from '../feed/changes.ts';
import { lastSeq } from '../log/cursor.ts';
import { firstSeqAfter } from '../past/past.ts';
import { forgetReply, oldReplies } from '../store/request.ts';
import { oldTypeCodes } from '../table/codes.ts';
import { idempotencyTable, metaTable, quoteName } from '../table/names.ts';
import { hasTable, type KvTable, watchedTables } from '../table/table.ts';
import { SmallTransactions } from './small-transactions.ts';

const rowsRead = 500;

export const kvRetain = implement(kvUpkeep.retain, (connection, args) => {
  const worker = new SmallTransactions(connection);
  const progress: Record<string, TableProgress> = {};
  let nextExpiry: number | null = null;
  for (const table of watchedTables(connection)) {
    expireKeys(connection, table, worker);
    const start = args.progress[table.id] ?? { aged: 0, counted: 0, swept: 0 };
    progress[table.id] = prune(connection, table, worker, args, start);
    const next = connection.statement(
      `SELECT min(expire_at) FROM ${quoteName(table.names.table)} WHERE expire_at IS NOT NULL`,
    );
    const expiry = next.pluck().get();
    if (typeof expiry === 'number') nextExpiry = Math.min(expiry + 1, nextExpiry ?? expiry + 1);
  }
  if (hasTable(connection, idempotencyTable)) {
    worker.write(oldReplies(connection), (id) => forgetReply(connection, id));
  }
  return { progress, hasMore: worker.isOverdue(), nextExpiry };
});

function expireKeys(connection: Connection, table: KvTable, worker: SmallTransactions): void {
  const own = quoteName(table.names.table);
  const now = connection.nowSeconds();
  const select = connection
    .statement(
      `SELECT key FROM ${own} WHERE expire_at IS NOT NULL AND expire_at < ? ORDER BY expire_at LIMIT ${rowsRead}`,
    )
    .pluck();
  // Asked again inside the transaction: the key may have been written since it was found.
  const remove = connection.statement(`DELETE FROM ${own} WHERE key = ? AND expire_at < ?`);
  for (let keys = select.all(now); keys.length > 0 && worker.hasTime(); keys = select.all(now)) {
    let removed = 0;
    worker.write(keys, (key) => {
      removed += remove.run(key, now).changes;
    });
    // Somebody wrote them meanwhile, or a trigger of the table keeps them: the next call looks again.
    if (removed === 0) break;
  }
}

interface PrunedRow {
  readonly seq: number;
  readonly keyId: number;
  readonly opNumber: number;
  readonly ts: number;
  readonly inHistory: number;
}

const prunedColumns = 'seq, key_id AS keyId, op_number AS opNumber, ts, in_history AS inHistory';

function prune(
  connection: Connection,
  table: KvTable,
  worker: SmallTransactions,
  args: RetentionArgs,
  start: TableProgress,
): TableProgress {
  const log = quoteName(table.names.log);
  const floor = feedFloor(connection, table);
  const last = lastSeq(connection, table);
  const drop = (row: PrunedRow) => dropRow(connection, table, row, floor);

  /** Looks at log rows in their order; answers how far it came. */
  const walk = (from: number, to: number, condition: string): number => {
    const select = connection.statement(
      `SELECT ${prunedColumns} FROM ${log} WHERE seq > ? AND seq <= ? AND ${condition} ORDER BY seq LIMIT ${rowsRead}`,
    );
    let at = from;
    while (at < to && worker.hasTime()) {
      const rows = select.all(at, to) as PrunedRow[];
      const done = worker.write(rows, drop);
      const lastDone = rows[done - 1];
      if (lastDone !== undefined) at = lastDone.seq;
      if (done === rows.length && rows.length < rowsRead) at = to;
    }
    return at;
  };

  const agedTo =
    args.maxAgeSeconds === 0 ? 0 : firstSeqAfter(connection, table, connection.nowSeconds() - args.maxAgeSeconds) - 1;
  const aged = walk(start.aged, agedTo, 'in_history');
  const swept = walk(start.swept, floor, 'NOT in_history');
  const counted =
    args.maxOps === 0 ? last : pruneCounts(connection, table, worker, args.maxOps, start.counted, last, drop);
  return { aged, counted, swept };
}

function pruneCounts(
  connection: Connection,
  table: KvTable,
  worker: SmallTransactions,
  maxOps: number,
  from: number,
  last: number,
  drop: (row: PrunedRow) => void,
): number {
  const log = quoteName(table.names.log);
  const busyKeys = connection
    .statement(`SELECT DISTINCT +key_id FROM ${log} WHERE seq > ? AND seq <= ? AND op_number > ?`)
    .pluck();
  const cutoff = connection
    .statement(`SELECT op_number FROM ${log} WHERE key_id = ? AND in_history ORDER BY op_number DESC LIMIT 1 OFFSET ?`)
    .pluck();
  const beyond = connection.statement(
    `SELECT ${prunedColumns} FROM ${log} WHERE key_id = ? AND in_history AND op_number <= ? ORDER BY op_number LIMIT ${rowsRead}`,
  );
  let at = from;
  while (at < last && worker.hasTime()) {
    const to = Math.min(last, at + kvLimits.scannedChanges);
    for (const id of busyKeys.all(at, to, maxOps)) {
      const upTo = cutoff.get(id, maxOps);
      if (typeof upTo !== 'number') continue;
      for (let rows = beyond.all(id, upTo); rows.length > 0; rows = beyond.all(id, upTo)) {
        if (worker.write(rows as PrunedRow[], drop) < rows.length) return at;
      }
    }
    at = to;
  }
  return at;
}

/** Takes a row out of the history, and out of the log once the feed is past it. */
function dropRow(connection: Connection, table: KvTable, row: PrunedRow, floor: number): void {
  const [log, keys] = [quoteName(table.names.log), quoteName(table.names.keys)];
  const { statement } = connection;
  if (row.inHistory === 1) {
    statement(`UPDATE ${keys} SET pruned_at = max(coalesce(pruned_at, 0), ?) WHERE id = ?`).run(row.ts, row.keyId);
    statement(`UPDATE ${log} SET in_history = 0, old_value = NULL, old_type = ${oldTypeCodes.unknown}, path = NULL,
      delta = NULL, client = NULL WHERE seq = ?`).run(row.seq);
  }
  if (row.seq > floor) return;
  statement(`UPDATE ${quoteName(metaTable)} SET feed_floor = ? WHERE name = ? AND feed_floor < ?`).run(
    floor,
    table.names.table,
    floor,
  );
  const newest = statement(`SELECT max(op_number) FROM ${log} WHERE key_id = ?`).pluck().get(row.keyId);
  if (newest !== row.opNumber) {
    // With it goes what an earlier pass had to leave, because it was the key's newest row then.
    statement(`DELETE FROM ${log} WHERE key_id = ? AND op_number <= ? AND NOT in_history`).run(row.keyId, row.opNumber);
    return;
  }
  forgetKey(connection, table, row);
}

/**
 * The key's last trace goes, unless the key is there or the row is the newest of all, from which the next number is
 * made.
 */
function forgetKey(connection: Connection, table: KvTable, row: PrunedRow): void {
  const [log, keys, own] = [table.names.log, table.names.keys, table.names.table].map(quoteName);
  const { statement } = connection;
  const isThere = statement(`SELECT 1 FROM ${own} WHERE key = (SELECT key FROM ${keys} WHERE id = ?)`).get(row.keyId);
  if (isThere !== undefined || row.seq === lastSeq(connection, table)) return;
  statement(`DELETE FROM ${log} WHERE key_id = ?`).run(row.keyId);
  statement(`DELETE FROM ${keys} WHERE id = ?`).run(row.keyId);
  // Operation numbers are never used again, also not by a key of the same name.
  statement(`UPDATE ${quoteName(metaTable)} SET op_floor = max(op_floor, ?), forgotten_at = max(forgotten_at, ?)
    WHERE name = ?`).run(row.opNumber, row.ts, table.names.table);
}
