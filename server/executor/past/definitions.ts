// What two states of a database are made of: tables with their columns, and the definitions of all objects. The later
// state is `main`, the earlier one is attached as `earlier`.
import type { ObjectDiff } from '../../messages/operations/time-machine.ts';
import type { Connection } from '../connection.ts';

export const later = 'main';
export const earlier = 'earlier';
export type Side = typeof later | typeof earlier;

export interface TableShape {
  readonly name: string;
  /** Those that are stored, in the table's order. */
  readonly columns: readonly string[];
  /** What tells a row from all others, as SQL; empty: nothing does. */
  readonly key: readonly string[];
  /** No part of the key is NULL. */
  readonly isKeySure: boolean;
}

interface ColumnRow {
  readonly name: string;
  readonly pk: number;
  readonly type: string;
  readonly hidden: number;
}

/** The query history changes with every request, and is no one's data. */
const names =
  "name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'hoody:kv\\_%' ESCAPE '\\' AND name <> '_query_history'";

/** By name: those that hold rows of their own. What SQLite and the server keep for themselves is left out. */
export function tablesOf({ database }: Connection, side: Side): ReadonlyMap<string, TableShape> {
  const sql = `SELECT name, wr FROM pragma_table_list WHERE schema = ? AND type IN ('table', 'shadow') AND ${names}`;
  const rows = database.prepare(sql).all(side) as { readonly name: string; readonly wr: number }[];
  return new Map(
    rows.map(({ name, wr }) => {
      const columns = database
        .prepare('SELECT name, pk, type, hidden FROM pragma_table_xinfo(?, ?)')
        .all(name, side) as ColumnRow[];
      return [name, shapeOf(name, wr === 1, columns)];
    }),
  );
}

function shapeOf(name: string, isWithoutRowid: boolean, all: readonly ColumnRow[]): TableShape {
  const columns = all.filter(({ hidden }) => hidden === 0).map((column) => column.name);
  const primary = all.filter(({ pk }) => pk > 0).sort((one, other) => one.pk - other.pk);
  const isRowid = !isWithoutRowid && primary.length === 1 && primary[0]?.type.toUpperCase() === 'INTEGER';
  const taken = new Set(all.map((column) => column.name.toLowerCase()));
  const rowid = ['rowid', '_rowid_', 'oid'].find((alias) => !taken.has(alias));
  const key = primary.length > 0 ? primary.map((column) => column.name) : rowid === undefined ? [] : [rowid];
  return { name, columns, key, isKeySure: isWithoutRowid || isRowid || primary.length === 0 };
}

interface ObjectRow {
  readonly type: string;
  readonly name: string;
  readonly sql: string;
}

/** Tables, indexes, views and triggers whose definition is not the same in both. */
export function objectsThatDiffer({ database }: Connection): ObjectDiff[] {
  const read = (side: Side): ReadonlyMap<string, ObjectRow> => {
    const sql = `SELECT type, name, sql FROM ${side}.sqlite_schema WHERE sql IS NOT NULL AND ${names}`;
    return new Map((database.prepare(sql).all() as ObjectRow[]).map((row) => [`${row.type} ${row.name}`, row]));
  };
  const [before, after] = [read(earlier), read(later)];
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((id): ObjectDiff[] => {
    const [from, to] = [before.get(id), after.get(id)];
    const { type, name } = (to ?? from) as ObjectRow;
    if (from?.sql === to?.sql) return [];
    const change = from === undefined ? 'created' : to === undefined ? 'dropped' : 'changed';
    return [{ type, name, change, fromSql: from?.sql ?? null, toSql: to?.sql ?? null }];
  });
}
