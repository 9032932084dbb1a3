// How much room values, their history, the change feed and free pages take in a database.

import { database } from '../../../messages/operations/database.ts';
import { json } from '../../../messages/reply.ts';
import type { Connection } from '../../connection.ts';
import { implement } from '../../implementation.ts';
import { metaTable, quoteName } from '../table/names.ts';
import { findTable, hasTable, type KvTable } from '../table/table.ts';

export const databaseStats = implement(database.stats, (connection) => {
  const pageBytes = Number(connection.database.pragma('page_size', { simple: true }));
  const pages = Number(connection.database.pragma('page_count', { simple: true }));
  const freePages = Number(connection.database.pragma('freelist_count', { simple: true }));
  const tables = kvTableNames(connection).map((name) => tableStats(connection, findTable(connection, name)));
  const sum = (member: 'value_bytes' | 'history_bytes' | 'feed_bytes') =>
    tables.reduce((total, table) => total + table[member], 0);
  return json({
    success: true,
    size_bytes: pages * pageBytes,
    free_bytes: freePages * pageBytes,
    value_bytes: sum('value_bytes'),
    history_bytes: sum('history_bytes'),
    feed_bytes: sum('feed_bytes'),
    tables,
  });
});

function kvTableNames(connection: Connection): string[] {
  if (!hasTable(connection, metaTable)) return [];
  const sql = `SELECT name FROM ${quoteName(metaTable)} WHERE name <> '' ORDER BY name`;
  return connection.statement(sql).pluck().all() as string[];
}

function tableStats(connection: Connection, table: KvTable) {
  const { names } = table;
  const one = (sql: string) => Number(connection.statement(sql).pluck().get() ?? 0);
  const log = quoteName(names.log);
  const oldBytes = one(`SELECT total(octet_length(old_value)) FROM ${log}`);
  const own = quoteName(names.table);
  return {
    table: names.table,
    keys: table.exists ? one(`SELECT count(*) FROM ${own}`) : 0,
    operations: one(`SELECT count(*) FROM ${log} WHERE in_history`),
    value_bytes: table.exists ? one(`SELECT total(octet_length(value)) FROM ${own}`) : 0,
    /** Old values: what history alone needs. */
    history_bytes: oldBytes,
    /** The rest of the log, which serves history and feed alike. */
    feed_bytes: Math.max(0, pagesOf(connection, [names.log, names.logIndex, names.keys]) - oldBytes),
  };
}

function pagesOf(connection: Connection, names: readonly string[]): number {
  const marks = names.map(() => '?').join(', ');
  const sql = `SELECT total(pgsize) FROM dbstat WHERE aggregate AND name IN (${marks})`;
  return Number(
    connection
      .statement(sql)
      .pluck()
      .get(...names) ?? 0,
  );
}
