// One whole value, by the key of its row.
import { ApiError } from '../../messages/errors.ts';
import { limits } from '../../messages/limits.ts';
import type { StudioCellRequest } from '../../messages/studio/rows.ts';
import type { StudioRowKey, StudioValue } from '../../messages/studio/values.ts';
import { bytesOf } from '../../messages/studio-values.ts';
import type { Connection } from '../connection.ts';
import type { Cell } from '../sql/cells.ts';
import { cellSql, encodingOf, readCell } from './cells.ts';
import { asReader, prepareRows } from './reading.ts';
import { type Condition, equals, fromSql, orderOf, whereSql } from './selection.ts';
import { columnSql, findColumn, findTable, type Table } from './tables.ts';

/** The bytes alone. NULL has none; numbers are as SQLite writes them. */
export function bytesOfValue(value: StudioValue): Buffer {
  if (value === null) return Buffer.alloc(0);
  if (typeof value === 'string') return Buffer.from(value);
  if ('blob' in value) return bytesOf(value.blob);
  if ('badText' in value) return bytesOf(value.badText);
  return Buffer.from('int' in value ? value.int : 'real' in value ? value.real : value.text);
}

/** The condition that a row has this key. @throws ApiError for a key of another shape, or a table without one */
export function hasKey(table: Table, key: StudioRowKey): Condition {
  const terms = orderOf(table, { table: table.name }).key;
  if (terms.length === 0) {
    throw new ApiError('INVALID_PARAMETERS', `the rows of ${JSON.stringify(table.name)} cannot be told apart`);
  }
  if (terms.length !== key.length) {
    const names = table.key?.columns.join(', ');
    throw new ApiError('INVALID_PARAMETERS', `a key of ${JSON.stringify(table.name)} has the values of ${names}`);
  }
  return whereSql(terms.map((term, at) => equals(term, key[at] ?? null)));
}

/** Inside a read transaction. @throws ApiError NOT_FOUND */
export function readValue(connection: Connection, { table: name, key, column }: StudioCellRequest): StudioValue {
  const table = findTable(connection, name);
  findColumn(table, column);
  const where = hasKey(table, key);
  const sql = `SELECT ${cellSql(columnSql(table, column), limits.responseBytes)} ${fromSql(table)} ${where.sql}`;
  const row = asReader(connection, () => prepareRows(connection, sql).get(...where.values)) as Cell[] | undefined;
  if (row === undefined) throw new ApiError('NOT_FOUND', 'there is no row with this key any more');
  return readCell(row, 0, encodingOf(connection));
}
