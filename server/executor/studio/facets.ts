// What stands in one column of a selection: the most frequent values, how many there are, the least and the greatest.
// Looks at so many rows, and for so long, as a person waits for it.
import type { StudioFacets, StudioFacetsRequest } from '../../messages/studio/rows.ts';
import type { StudioValue } from '../../messages/studio/values.ts';
import type { Connection } from '../connection.ts';
import type { Cell } from '../sql/cells.ts';
import { cellSql, encodingOf, readCell } from './cells.ts';
import { asReader, prepareRows } from './reading.ts';
import { admittedConditions } from './rows.ts';
import { fromSql, whereSql } from './selection.ts';
import { columnSql, findColumn, findTable } from './tables.ts';

const lookMs = 700;
const rowsPerLook = 1_000;
const mostRows = 200_000;
const mostValues = 20;
/** Bytes of a value. Longer ones of one length that begin alike are one. */
const cutBytes = 256;

/** Inside a read transaction. */
export function facets(connection: Connection, request: StudioFacetsRequest): StudioFacets {
  const table = findTable(connection, request.table);
  findColumn(table, request.column);
  const where = whereSql(admittedConditions(connection, table, request));
  const column = columnSql(table, request.column);
  const from = `${fromSql(table)} ${where.sql}`;
  return asReader(connection, () => {
    const encoding = encodingOf(connection);
    const counts = new Map<string, { readonly value: StudioValue; rows: number }>();
    const found = prepareRows(connection, `SELECT ${cellSql(column, cutBytes)} ${from}`).iterate(...where.values);
    const endMs = performance.now() + lookMs;
    let rows = 0;
    let isWhole = true;
    for (const row of found as IterableIterator<Cell[]>) {
      if (rows === mostRows || (rows % rowsPerLook === 0 && performance.now() > endMs)) {
        isWhole = false;
        break;
      }
      rows += 1;
      const value = readCell(row, 0, encoding);
      const key = JSON.stringify(value);
      const known = counts.get(key);
      if (known === undefined) counts.set(key, { value, rows: 1 });
      else known.rows += 1;
    }
    // The same rows: nothing asks for another order.
    const ends = `SELECT min(v) AS least, max(v) AS greatest FROM (SELECT ${column} AS v ${from} LIMIT ${rows})`;
    const sql = `SELECT ${cellSql('least', cutBytes)}, ${cellSql('greatest', cutBytes)} FROM (${ends})`;
    const [least, greatest] = rows === 0 ? [null, null] : endsOf(prepareRows(connection, sql).get(...where.values));
    const nulls = counts.get('null')?.rows ?? 0;
    const values = [...counts.values()].sort((a, b) => b.rows - a.rows).slice(0, mostValues);
    const distinct = counts.size - (nulls > 0 ? 1 : 0);
    return { values, rows, distinct, nulls, least, greatest, exact: isWhole };

    function endsOf(row: unknown): [StudioValue, StudioValue] {
      return [readCell(row as Cell[], 0, encoding), readCell(row as Cell[], 1, encoding)];
    }
  });
}
