// A difference between two states as a script that makes the earlier one the later one.
import type { ObjectDiff, TableDiff } from '../../messages/operations/time-machine.ts';
import { quoteName } from '../kv/table/names.ts';
import type { Cell } from '../sql/cells.ts';
import { cellSql } from './cell-texts.ts';
import type { RowChange } from './row-diff.ts';

export interface ScriptTable {
  readonly diff: TableDiff;
  readonly statements: readonly string[];
}

export function scriptOf(objects: readonly ObjectDiff[], tables: readonly ScriptTable[]): string {
  const isTable = ({ type }: ObjectDiff) => type === 'table';
  const drops = objects.filter(
    ({ change, type }) => change !== 'created' && !(change === 'changed' && type === 'table'),
  );
  const creates = objects.filter(
    ({ change, type }) => change !== 'dropped' && !(change === 'changed' && type === 'table'),
  );
  // Triggers and indexes come last, so that none of them has a part in what the rows become.
  const last = creates.filter((object) => !isTable(object));
  return [
    'PRAGMA foreign_keys=OFF;',
    'BEGIN;',
    ...drops.filter((object) => !isTable(object)).map(dropOf),
    ...drops.filter(isTable).map(dropOf),
    ...objects.filter(({ change, type }) => change === 'changed' && type === 'table').flatMap(changedTable),
    ...creates.filter(isTable).map(({ toSql }) => `${toSql};`),
    ...tables.flatMap(({ diff, statements }) => [...statements, ...rest(diff)]),
    ...last.map(({ toSql }) => `${toSql};`),
    'COMMIT;',
    '',
  ].join('\n');
}

function dropOf({ type, name }: ObjectDiff): string {
  return `DROP ${type.toUpperCase()} IF EXISTS ${quoteName(name)};`;
}

function changedTable({ name, fromSql, toSql }: ObjectDiff): string[] {
  const commented = (sql: string | null) => (sql ?? '').split('\n').map((line) => `--   ${line}`);
  return [
    `-- The table ${quoteName(name)} has another definition; change it by hand. It was`,
    ...commented(fromSql),
    '-- and is to be',
    ...commented(toSql),
  ];
}

function rest({ table, areRowsTruncated, isComplete }: TableDiff): string[] {
  return [
    ...(areRowsTruncated ? [`-- More rows of ${quoteName(table)} differ than are shown here.`] : []),
    ...(isComplete ? [] : [`-- Not every row of ${quoteName(table)} was looked at.`]),
  ];
}

/** Of a table that is dropped as a whole nothing is left to delete. */
export function statementOf(
  { name, isDropped }: { name: string; isDropped: boolean },
  change: RowChange,
): string | null {
  const table = quoteName(name);
  const where = [...change.key].map(([column, cell]) => `${quoteName(column)} IS ${cellSql(cell)}`).join(' AND ');
  if (change.op === 'removed') return isDropped ? null : `DELETE FROM ${table} WHERE ${where};`;
  if (change.op === 'added') {
    const cells = new Map([...change.key, ...(change.to ?? [])]);
    return `INSERT INTO ${table} (${[...cells.keys()].map(quoteName).join(', ')}) VALUES (${texts(cells)});`;
  }
  const changed = [...(change.to ?? [])].filter(([column, cell]) => !isSame(cell, change.from?.get(column)));
  const sets = changed.map(([column, cell]) => `${quoteName(column)} = ${cellSql(cell)}`).join(', ');
  return sets === '' ? null : `UPDATE ${table} SET ${sets} WHERE ${where};`;
}

function texts(cells: ReadonlyMap<string, Cell>): string {
  return [...cells.values()].map(cellSql).join(', ');
}

function isSame(cell: Cell, other: Cell | undefined): boolean {
  return other !== undefined && cellSql(cell) === cellSql(other);
}
