// The query history inside a database: table _query_history, its newest entries only. Readers also get what the
// server has recorded and not written yet. Runs in the executor.

import { ApiError } from '../messages/errors.ts';
import { limits } from '../messages/limits.ts';
import {
  type HistoryStats,
  queryHistory,
  type Recorded,
  type RecordedEntry,
} from '../messages/operations/query-history.ts';
import { secondsText } from '../messages/time-text.ts';
import { wellFormed } from '../messages/unicode.ts';
import type { Connection } from './connection.ts';
import { type AnyImplementation, implement } from './implementation.ts';

const historyTable = '_query_history';

export const historyTableSql = `CREATE TABLE IF NOT EXISTS ${historyTable} (
  id INTEGER PRIMARY KEY,
  sql TEXT NOT NULL,
  timestamp_ms INTEGER NOT NULL,
  execution_time_ms INTEGER NOT NULL,
  row_count INTEGER NOT NULL,
  success INTEGER NOT NULL,
  error TEXT,
  is_statement INTEGER NOT NULL,
  source TEXT NOT NULL,
  client_ip TEXT NOT NULL
)`;

interface HistoryRow {
  readonly id: number;
  readonly sql: string;
  readonly timestamp_ms: number;
  readonly execution_time_ms: number;
  readonly row_count: number;
  readonly success: number;
  readonly error: string | null;
  readonly is_statement: number;
  readonly source: string;
  readonly client_ip: string;
}

type CountedRow = Pick<HistoryRow, 'success' | 'execution_time_ms' | 'timestamp_ms'>;

/** Adds entries; the table is only made for entries of a write. */
const historyAppend = implement(queryHistory.append, (connection, recorded) => {
  const { database, statement } = connection;
  if (!recorded.mayCreate && !hasHistory(connection)) return null;
  database.exec('BEGIN IMMEDIATE');
  database.exec(historyTableSql);
  const insert = statement(
    `INSERT INTO ${historyTable}
        (id, sql, timestamp_ms, execution_time_ms, row_count, success, error, is_statement, source, client_ip)
       VALUES (max(?, coalesce((SELECT max(id) + 1 FROM ${historyTable}), 0)), ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  for (const row of recorded.entries.map(toRow)) {
    insert.run(
      BigInt(row.id),
      row.sql,
      BigInt(row.timestamp_ms),
      BigInt(row.execution_time_ms),
      BigInt(row.row_count),
      BigInt(row.success),
      row.error,
      BigInt(row.is_statement),
      row.source,
      row.client_ip,
    );
  }
  statement(
    `DELETE FROM ${historyTable} WHERE id <= (SELECT id FROM ${historyTable} ORDER BY id DESC LIMIT 1 OFFSET ?)`,
  ).run(limits.queryHistoryKept);
  database.exec('COMMIT');
  return null;
});

const historyList = implement(queryHistory.list, (connection, { limit, offset, recorded }) => {
  const unwritten = unwrittenRows(connection, recorded);
  const writtenKept = limits.queryHistoryKept - unwritten.length;
  const page = unwritten.slice(offset, offset + limit);
  if (!hasHistory(connection)) return { total: unwritten.length, entries: page.map(toEntry) };
  const { written } = connection
    .statement(`SELECT min(count(*), ?) AS written FROM ${historyTable}`)
    .get(writtenKept) as { written: number };
  const skipped = Math.max(0, offset - unwritten.length);
  const rows = connection
    .statement(`SELECT * FROM ${historyTable} ORDER BY id DESC LIMIT ? OFFSET ?`)
    .all(Math.max(0, Math.min(limit - page.length, written - skipped)), skipped) as HistoryRow[];
  return { total: unwritten.length + written, entries: [...page, ...rows].map(toEntry) };
});

export const historyStats = implement(queryHistory.stats, (connection, { recorded }) => {
  const unwritten = unwrittenRows(connection, recorded);
  const written = hasHistory(connection)
    ? (connection
        .statement(`SELECT success, execution_time_ms, timestamp_ms FROM ${historyTable} ORDER BY id DESC LIMIT ?`)
        .all(limits.queryHistoryKept - unwritten.length) as CountedRow[])
    : [];
  return statsOf([...unwritten, ...written], connection.nowMs());
});

const historyClear = implement(queryHistory.clear, (connection) => {
  if (hasHistory(connection)) connection.statement(`DELETE FROM ${historyTable}`).run();
  return null;
});

const historyDelete = implement(queryHistory.delete, (connection, { id }) => {
  const isGone =
    hasHistory(connection) && connection.statement(`DELETE FROM ${historyTable} WHERE id = ?`).run(id).changes > 0;
  if (!isGone) throw new ApiError('HISTORY_ENTRY_NOT_FOUND', 'there is no history entry with this id');
  return null;
});

export const historyOperations: readonly AnyImplementation[] = [
  historyAppend,
  historyList,
  historyStats,
  historyClear,
  historyDelete,
];

function hasHistory(connection: Connection): boolean {
  const found = connection.statement(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?`).get(historyTable);
  return found !== undefined;
}

/** What is recorded and not in the table, newest first. Without a table there may be nothing to wait for. */
function unwrittenRows(connection: Connection, { entries, mayCreate }: Recorded): HistoryRow[] {
  const newestFirst = [...entries].reverse();
  if (!hasHistory(connection)) return mayCreate ? newestFirst.map(toRow) : [];
  const find = connection.statement(`SELECT 1 FROM ${historyTable} WHERE id = ?`);
  return newestFirst.filter(({ id }) => find.get(id) === undefined).map(toRow);
}

function statsOf(rows: readonly CountedRow[], nowMs: number): HistoryStats {
  const succeeded = rows.filter(({ success }) => success === 1).length;
  const durationMs = rows.reduce((sum, row) => sum + row.execution_time_ms, 0);
  const since = (ageMs: number) => rows.filter((row) => row.timestamp_ms > nowMs - ageMs).length;
  return {
    total_queries: rows.length,
    success_count: succeeded,
    failure_count: rows.length - succeeded,
    avg_exec_time_ms: rows.length === 0 ? 0 : Math.round((100 * durationMs) / rows.length) / 100,
    last_minute: since(60_000),
    last_hour: since(3_600_000),
  };
}

function toRow(entry: RecordedEntry): HistoryRow {
  return {
    id: entry.id,
    sql: wellFormed(entry.sql),
    timestamp_ms: Math.round(entry.timestampMs),
    execution_time_ms: Math.round(entry.durationMs),
    row_count: entry.rowCount,
    success: entry.error === null ? 1 : 0,
    error: entry.error === null ? null : wellFormed(entry.error),
    is_statement: entry.isStatement ? 1 : 0,
    source: entry.source,
    client_ip: entry.clientIp,
  };
}

function toEntry(row: HistoryRow): Record<string, unknown> {
  return {
    id: row.id,
    sql: row.sql,
    timestamp: secondsText(new Date(row.timestamp_ms)),
    execution_time_ms: row.execution_time_ms,
    row_count: row.row_count,
    success: row.success === 1,
    is_statement: row.is_statement === 1,
    source: row.source,
    client_ip: row.client_ip,
    ...(row.error === null ? {} : { error: row.error }),
  };
}
