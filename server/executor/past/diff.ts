// What differs between two states of a database: the one that is open, and an earlier one in a file of its own.
import { ApiError } from '../../messages/errors.ts';
import {
  type DatabaseDiff,
  type DatabaseDiffArgs,
  type TableDiff,
  timeMachine,
} from '../../messages/operations/time-machine.ts';
import type { Connection } from '../connection.ts';
import { actAs } from '../guard/guard.ts';
import { type AnyImplementation, implement } from '../implementation.ts';
import type { Cell } from '../sql/cells.ts';
import { cellJson } from './cell-texts.ts';
import { earlier, later, objectsThatDiffer, tablesOf } from './definitions.ts';
import { fillIndexes } from './fill-indexes.ts';
import { addTick, diffTable, type RowChange, TimeIsUp } from './row-diff.ts';
import { type ScriptTable, scriptOf, statementOf } from './script.ts';

/** The clock is looked at once for so many rows. */
const ticksPerLook = 256;
/** Of all rows that are shown. */
const mostTextBytes = 8 * 1024 * 1024;

const diff = implement(timeMachine.diff, (connection, args) => {
  const { database } = connection;
  // The function and the attached file go with the connection.
  connection.isTainted = true;
  if (args.areExcerpts && !(fillIndexes(args.earlier) && fillIndexes(connection.path))) return null;
  actAs('maintenance', () => database.prepare(`ATTACH ? AS ${earlier}`).run(args.earlier));
  database.exec('PRAGMA query_only=ON; BEGIN');
  const endsAtMs = performance.now() + args.budgetMs;
  let ticks = 0;
  const tick = (): void => {
    ticks += 1;
    if (ticks % ticksPerLook === 0 && performance.now() > endsAtMs) throw new TimeIsUp();
  };
  addTick(connection, tick);
  try {
    return compare(connection, args, { tick, isLate: () => performance.now() > endsAtMs });
  } finally {
    if (database.inTransaction) database.exec('ROLLBACK');
  }
});

export const pastOperations: readonly AnyImplementation[] = [diff];

interface Clock {
  readonly tick: () => void;
  readonly isLate: () => boolean;
}

function compare(connection: Connection, args: DatabaseDiffArgs, { tick, isLate }: Clock): DatabaseDiff {
  const [before, after] = [tablesOf(connection, earlier), tablesOf(connection, later)];
  const objects = objectsThatDiffer(connection).filter(({ name }) => args.table === null || name === args.table);
  const redefined = new Set(objects.map(({ name }) => name));
  if (args.table !== null && !before.has(args.table) && !after.has(args.table)) {
    throw new ApiError('INVALID_PARAMETERS', `neither state has a table "${args.table}"`);
  }
  const isSuspect = (name: string) =>
    args.suspects === null || args.suspects.includes(name) || redefined.has(name) || !before.has(name);
  const names = [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => (args.table === null || name === args.table) && isSuspect(name))
    .sort();
  const tables: ScriptTable[] = [];
  let leftBytes = mostTextBytes;
  let isComplete = true;
  for (const name of names) {
    if (isLate()) {
      isComplete = false;
      break;
    }
    const texts: string[] = [];
    const show = (change: RowChange): boolean => {
      const isDropped = !after.has(name);
      const text = args.format === 'sql' ? statementOf({ name, isDropped }, change) : jsonOf(change);
      leftBytes -= Buffer.byteLength(text ?? '');
      if (leftBytes < 0) return false;
      if (text !== null) texts.push(text);
      return true;
    };
    const found = diffTable(connection, before.get(name), after.get(name), { rows: args.rows, tick, show });
    isComplete &&= found.isComplete;
    if (differs(found)) tables.push({ diff: found, statements: texts });
  }
  const isSql = args.format === 'sql';
  return {
    tables: tables.map(({ diff: table, statements }) => ({ ...table, rows: isSql ? [] : statements })),
    objects,
    isComplete,
    sql: isSql ? scriptOf(objects, tables) : null,
  };
}

function differs({ change, rowsAdded, rowsRemoved, rowsChanged, columnsAdded, columnsRemoved }: TableDiff): boolean {
  return (
    change !== 'changed' || rowsAdded + rowsRemoved + rowsChanged + columnsAdded.length + columnsRemoved.length > 0
  );
}

function jsonOf({ op, key, from, to }: RowChange): string {
  const cells = (row: ReadonlyMap<string, Cell> | null) =>
    row === null
      ? 'null'
      : `{${[...row].map(([name, cell]) => `${JSON.stringify(name)}:${cellJson(cell)}`).join(',')}}`;
  return `{"op":"${op}","key":${cells(key)},"from":${cells(from)},"to":${cells(to)}}`;
}
