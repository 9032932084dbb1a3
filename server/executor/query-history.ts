// The query history inside a database: table _query_history, its newest entries only. Runs in the executor.

import { ApiError } from '../messages/errors.ts';
import { limits } from '../messages/limits.ts';
import { type HistoryStats, queryHistory } from '../messages/operations/query-history.ts';
import { secondsText } from '../messages/time-text.ts';
import { wellFormed } from '../messages/unicode.ts';
import type { Connection } from './connection.ts';
import { type AnyImplementation, implement } from './implementation.ts';

export const historyTable = '_query_history';

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

/** Adds entries; the table is only made for entries of a write. */
export const historyAppend = implement(queryHistory.append, (connection, { entries, mayCreate }) => {
  const { database, statement } = connection;
  if (!mayCreate && !hasHistory(connection)) return null;
  database.exec('BEGIN IMMEDIATE');
  database.exec(historyTableSql);
  const insert = statement(
    `INSERT INTO ${historyTable}
        (id, sql, timestamp_ms, execution_time_ms, row_count, success, error, is_statement, source, client_ip)
       VALUES (max(?, coalesce((SELECT max(id) + 1 FROM ${historyTable}), 0)), ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  // No id comes twice: not for an entry that was deleted, nor in a database that was restored from a copy.
  const leastId = BigInt(Date.now());
  for (const entry of entries) {
    insert.run(
      leastId,
      wellFormed(entry.sql),
      BigInt(Math.round(entry.timestampMs)),
      BigInt(Math.round(entry.durationMs)),
      BigInt(entry.rowCount),
      entry.error === null ? 1n : 0n,
      entry.error === null ? null : wellFormed(entry.error),
      entry.isStatement ? 1n : 0n,
      entry.source,
      entry.clientIp,
    );
  }
  statement(
    `DELETE FROM ${historyTable} WHERE id <= (SELECT id FROM ${historyTable} ORDER BY id DESC LIMIT 1 OFFSET ?)`,
  ).run(limits.queryHistoryKept);
  database.exec('COMMIT');
  return null;
});

export const historyList = implement(queryHistory.list, (connection, { limit, offset }) => {
  if (!hasHistory(connection)) return { total: 0, entries: [] };
  const total = connection.statement(`SELECT count(*) AS total FROM ${historyTable}`).get() as { total: number };
  const rows = connection
    .statement(`SELECT * FROM ${historyTable} ORDER BY id DESC LIMIT ? OFFSET ?`)
    .all(limit, offset) as HistoryRow[];
  return { total: total.total, entries: rows.map(toEntry) };
});

export const historyStats = implement(queryHistory.stats, (connection) => {
  if (!hasHistory(connection)) {
    return {
      total_queries: 0,
      success_count: 0,
      failure_count: 0,
      avg_exec_time_ms: 0,
      last_minute: 0,
      last_hour: 0,
    };
  }
  return connection
    .statement(
      `SELECT count(*) AS total_queries, ifnull(sum(success), 0) AS success_count,
         ifnull(sum(NOT success), 0) AS failure_count, ifnull(round(avg(execution_time_ms), 2), 0) AS avg_exec_time_ms,
         ifnull(sum(timestamp_ms > :now - 60000), 0) AS last_minute, ifnull(sum(timestamp_ms > :now - 3600000), 0) AS last_hour
         FROM ${historyTable}`,
    )
    .get({ now: connection.nowMs() }) as HistoryStats;
});

export const historyClear = implement(queryHistory.clear, (connection) => {
  if (hasHistory(connection)) connection.statement(`DELETE FROM ${historyTable}`).run();
  return null;
});

export const historyDelete = implement(queryHistory.delete, (connection, { id }) => {
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
