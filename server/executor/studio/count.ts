// How many rows a selection has: counted for a bounded time, then at least so many, or estimated.
import type { StudioCount, StudioSelection } from '../../messages/studio/rows.ts';
import type { Connection } from '../connection.ts';
import { asReader, prepareRows } from './reading.ts';
import { admittedConditions } from './rows.ts';
import { fromSql, whereSql } from './selection.ts';
import { columnSql, findTable } from './tables.ts';

const countMs = 500;
const rowsPerLook = 1_000;

/** Inside a read transaction, like all here. */
export function count(connection: Connection, selection: StudioSelection): StudioCount {
  const table = findTable(connection, selection.table);
  const where = whereSql(admittedConditions(connection, table, selection));
  return asReader(connection, () => {
    if (where.sql === '') {
      const rows = prepareRows(connection, `SELECT count(*) ${fromSql(table)}`)
        .pluck()
        .get();
      return { rows: Number(rows), exact: true };
    }
    const endMs = performance.now() + countMs;
    let rows = 0;
    const found = prepareRows(connection, `SELECT 1 ${fromSql(table)} ${where.sql}`).iterate(...where.values);
    for (const _ of found) {
      rows += 1;
      if (rows % rowsPerLook === 0 && performance.now() > endMs) return { rows, exact: false };
    }
    return { rows, exact: true };
  });
}

/** By the highest number of a row, where rows have one and there is no condition. */
export function estimate(connection: Connection, selection: StudioSelection): StudioCount {
  const table = findTable(connection, selection.table);
  const [column] = table.keyColumns;
  const isFiltered = selection.where !== undefined || (selection.filters?.length ?? 0) > 0;
  if (isFiltered || !table.hasIntegerKey || column === undefined) return { rows: 0, exact: false };
  const sql = `SELECT max(${columnSql(table, column.name)}) ${fromSql(table)}`;
  const most = asReader(connection, () => prepareRows(connection, sql).pluck().get());
  return { rows: Math.max(0, Number(most ?? 0)), exact: false };
}
