// The change feed: what happened to the keys of a table after a cursor, oldest first, at least once. It reads the log
// that the triggers write, so it knows of SQL and of native clients as well.

import { ApiError, type ErrorCode } from '../../../messages/errors.ts';
import { stringifyJson } from '../../../messages/json.ts';
import { prefixEnd } from '../../../messages/kv-keys.ts';
import { kvLimits } from '../../../messages/kv-limits.ts';
import { type ChangeEvent, type ChangesArgs, kvFeed } from '../../../messages/operations/kv-feed.ts';
import type { Connection } from '../../connection.ts';
import { implement } from '../../implementation.ts';
import { cursorAt, cursorOf, isBeforeCapture, lastSeq, parseCursor, versionAt } from '../log/cursor.ts';
import { firstSeqAfter } from '../past/past.ts';
import { changeNames } from '../table/codes.ts';
import { metaTable, quoteName } from '../table/names.ts';
import { etagOf, isExpired, isTrueKey, lastSecond, readRow, versionSql } from '../table/row.ts';
import { findTable, type KvTable } from '../table/table.ts';
import { valueMembers } from '../table/values.ts';

interface EventRow {
  readonly seq: number;
  readonly version: string;
  readonly ts: number;
  readonly key: string;
  readonly keyId: number;
  readonly change: number;
  /** The key's next change, if there is one. */
  readonly nextSeq: number | null;
  readonly nextOldExpireAt: number | null;
}

export const kvChanges = implement(kvFeed.changes, (connection, args) => {
  const table = findTable(connection, args.table);
  const last = lastSeq(connection, table);
  const oldest = table.isCaptured ? feedFloor(connection, table) : 0;
  const oldestCursor = cursorAt(connection, table, oldest);
  if (args.since === undefined) {
    return { events: [], cursor: cursorAt(connection, table, last), oldestCursor, hasMore: false, skipped: 0 };
  }
  const since = checkedSeq(connection, table, args.since, oldest, last);
  if (!table.isCaptured) return { events: [], cursor: args.since, oldestCursor, hasMore: false, skipped: 0 };
  const scanEnd = Math.min(last, since + kvLimits.scannedChanges);
  const rows = readRows(connection, table, args, since, scanEnd);
  const events = eventsOf(connection, table, rows.slice(0, args.limit), args.includeValues);
  const hasMoreRows = rows.length > events.length;
  const seq = hasMoreRows ? (rows[events.length - 1]?.seq ?? since) : scanEnd;
  return {
    events,
    cursor: cursorAt(connection, table, seq),
    oldestCursor,
    hasMore: hasMoreRows || scanEnd < last,
    skipped: seq - since - events.length,
  };
});

/** The newest change that is no longer served: everything after it still is. */
export function feedFloor(connection: Connection, table: KvTable): number {
  const stored = connection
    .statement(`SELECT feed_floor FROM ${quoteName(metaTable)} WHERE name = ?`)
    .pluck()
    .get(table.names.table);
  const byAge = firstSeqAfter(connection, table, connection.nowSeconds() - kvLimits.feedSeconds) - 1;
  const byCount = lastSeq(connection, table) - kvLimits.feedChanges;
  return Math.max(Number(stored ?? 0), byAge, byCount, 0);
}

/** @throws ApiError 410 for a cursor that cannot be continued */
function checkedSeq(connection: Connection, table: KvTable, text: string, oldest: number, last: number): number {
  const cursor = parseCursor(text);
  if (isBeforeCapture(cursor)) {
    if (oldest > 0) throw gone('CHANGE_CURSOR_EXPIRED', 'cursor_expired');
    return 0;
  }
  if (!table.hasLog || cursor.databaseId !== table.databaseId) throw gone('CHANGE_CURSOR_INVALID', 'database_replaced');
  if (!table.isCaptured || cursor.tableId !== table.id) throw gone('CHANGE_CURSOR_INVALID', 'table_changed');
  if (cursor.seq > last) throw gone('CHANGE_CURSOR_INVALID', 'future_cursor');
  if (cursor.seq < oldest) throw gone('CHANGE_CURSOR_EXPIRED', 'cursor_expired');
  const version = versionAt(connection, table, cursor.seq);
  if (version !== null && version !== cursor.version) throw gone('CHANGE_CURSOR_INVALID', 'database_replaced');
  return cursor.seq;
}

const sentences = {
  cursor_expired: 'changes after this cursor are no longer kept',
  database_replaced: 'the cursor belongs to another database file',
  table_changed: 'changes of this table may have gone unseen since the cursor',
  future_cursor: 'the cursor is ahead of this database, which was perhaps restored from a copy',
} as const;

function gone(code: ErrorCode, reason: keyof typeof sentences): ApiError {
  const message = `${sentences[reason]}; read the keys anew and continue from the current cursor`;
  return new ApiError(code, message, { members: { reason } });
}

/** One more than the limit, where there is one. */
function readRows(
  connection: Connection,
  table: KvTable,
  args: ChangesArgs,
  since: number,
  scanEnd: number,
): EventRow[] {
  const [log, keys] = [quoteName(table.names.log), quoteName(table.names.keys)];
  const end = prefixEnd(args.prefix);
  // CROSS JOIN: SQLite must walk the log in its order and not the keys of the prefix.
  const sql = `SELECT l.seq AS seq, ${versionSql(table, 'l.')} AS version, k.key AS key, k.id AS keyId, l.ts AS ts, l.change AS change,
      n.seq AS nextSeq, n.old_expire_at AS nextOldExpireAt
    FROM ${log} l CROSS JOIN ${keys} k ON k.id = l.key_id
    LEFT JOIN ${log} n ON n.key_id = l.key_id AND n.op_number =
      (SELECT min(x.op_number) FROM ${log} x WHERE x.key_id = l.key_id AND x.op_number > l.op_number)
    WHERE l.seq > ? AND l.seq <= ? AND typeof(k.key) = 'text' AND k.key >= ? ${end === null ? '' : 'AND k.key < ?'}
    ORDER BY l.seq LIMIT ?`;
  const range = end === null ? [args.prefix] : [args.prefix, end];
  return connection.statement(sql).all(since, scanEnd, ...range, args.limit + 1) as EventRow[];
}

/** As many as one answer holds, at least one. */
function eventsOf(
  connection: Connection,
  table: KvTable,
  rows: readonly EventRow[],
  includeValues: boolean,
): ChangeEvent[] {
  const events: ChangeEvent[] = [];
  let bytes = 0;
  for (const row of rows) {
    const event = toEvent(connection, table, row, includeValues);
    bytes += Buffer.byteLength(event.json);
    if (events.length > 0 && bytes > kvLimits.feedAnswerBytes) break;
    events.push(event);
  }
  return events;
}

function toEvent(connection: Connection, table: KvTable, row: EventRow, includeValues: boolean): ChangeEvent {
  const op = changeNames[row.change] ?? 'set';
  const isThere = op === 'set' || op === 'ttl';
  const current = isThere && row.nextSeq === null ? readRow(connection, table, row.key) : null;
  const cursor = cursorOf(table, row.version);
  const event = {
    cursor,
    seq: row.seq,
    table: table.names.table,
    ...keyMembers(connection, table, row),
    op,
    ts: row.ts,
    expire_at: isThere ? lastSecond(row.nextSeq === null ? (current?.expireAt ?? null) : row.nextOldExpireAt) : null,
    etag: isThere ? etagOf(table, row.version) : null,
    ...(isThere && includeValues ? valuePart(connection, current) : {}),
  };
  return { cursor, json: stringifyJson(event) };
}

/** A key that a native client wrote may be no text: then its bytes, too. */
function keyMembers(connection: Connection, table: KvTable, { key, keyId }: EventRow): Record<string, string> {
  if (isTrueKey(connection, table, key)) return { key };
  const sql = `SELECT CAST(key AS BLOB) FROM ${quoteName(table.names.keys)} WHERE id = ?`;
  const bytes = connection.statement(sql).pluck().get(keyId) as Buffer;
  return { key, key_base64: bytes.toString('base64') };
}

function valuePart(connection: Connection, current: ReturnType<typeof readRow>): Record<string, unknown> {
  if (current === null) return { value_omitted: 'superseded' };
  if (isExpired(current, connection.nowMs())) return { value_omitted: 'expired' };
  if ((current.value?.length ?? 0) > kvLimits.feedValueBytes) return { value_omitted: 'too_large' };
  return { ...valueMembers(current.value, current.contentType), content_type: current.contentType };
}
