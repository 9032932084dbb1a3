// The rows of one table that differ between two states: by its primary key, else by rowid, else as sets of rows.
import type { TableDiff } from '../../messages/operations/time-machine.ts';
import type { Connection } from '../connection.ts';
import { quoteName } from '../kv/table/names.ts';
import { type Cell, exactCells } from '../sql/cells.ts';
import { earlier, later, type Side, type TableShape } from './definitions.ts';

export interface RowChange {
  readonly op: 'added' | 'removed' | 'changed';
  /** By name; those of all columns where a table has no key. */
  readonly key: ReadonlyMap<string, Cell>;
  readonly from: ReadonlyMap<string, Cell> | null;
  readonly to: ReadonlyMap<string, Cell> | null;
}

export interface RowDiffOptions {
  /** A row that is to be shown. @returns whether there is room for more */
  readonly show: (change: RowChange) => boolean;
  /** At most so many are shown. */
  readonly rows: number;
  /** Called for every row that is looked at; the search ends where it throws TimeIsUp. */
  readonly tick: () => void;
}

export class TimeIsUp extends Error {}

const tickName = 'hoody_past_tick';

/** The SQL function by which a search that finds nothing notices that its time is up. Stays on the connection. */
export function addTick({ database }: Connection, tick: () => void): void {
  database.function(tickName, { deterministic: false, directOnly: true }, (_value: unknown) => {
    tick();
    return 1;
  });
}

interface Counted {
  readonly count: number;
  readonly isComplete: boolean;
  readonly isTruncated: boolean;
}

export function diffTable(
  connection: Connection,
  before: TableShape | undefined,
  after: TableShape | undefined,
  options: RowDiffOptions,
): TableDiff {
  const shape = (after ?? before) as TableShape;
  const counter = new Counter(connection, options);
  const searches = before === undefined || after === undefined ? oneSided(before, after) : twoSided(before, after);
  const [removed, changed, added] = searches.map((search) => counter.run(search)) as [Counted, Counted, Counted];
  const counted = [removed, changed, added];
  return {
    table: shape.name,
    change: before === undefined ? 'created' : after === undefined ? 'dropped' : 'changed',
    rowsAdded: added.count,
    rowsRemoved: removed.count,
    rowsChanged: changed.count,
    columnsAdded: before === undefined ? [] : without(shape.columns, before.columns),
    columnsRemoved: before === undefined ? [] : without(before.columns, shape.columns),
    isComplete: counted.every(({ isComplete }) => isComplete),
    rows: [],
    areRowsTruncated: counted.some(({ isTruncated }) => isTruncated),
  };
}

/** A statement, and what its columns are. null: there is nothing to look for. */
type Search = {
  readonly op: RowChange['op'];
  readonly sql: string;
  readonly key: readonly string[];
  /** Columns of the earlier and of the later row, in this order behind the key. */
  readonly from: readonly string[];
  readonly to: readonly string[];
} | null;

function oneSided(before: TableShape | undefined, after: TableShape | undefined): Search[] {
  const only = (shape: TableShape, side: Side, op: 'added' | 'removed'): Search => ({
    op,
    sql: `SELECT ${[...columnsSql('n', shape.key), ...columnsSql('n', shape.columns)]} FROM ${tableSql(side, shape)} n
      WHERE ${ticking('n', shape)}`,
    key: shape.key,
    from: op === 'removed' ? shape.columns : [],
    to: op === 'added' ? shape.columns : [],
  });
  return [before ? only(before, earlier, 'removed') : null, null, after ? only(after, later, 'added') : null];
}

function twoSided(before: TableShape, after: TableShape): Search[] {
  const common = after.columns.filter((column) => before.columns.includes(column));
  const hasKey = after.key.length > 0 && after.key.join('\n') === before.key.join('\n');
  if (!hasKey) return [except(before, after, common, 'removed'), null, except(before, after, common, 'added')];
  const operator = after.isKeySure && before.isKeySure ? '=' : 'IS';
  const sameKey = after.key.map((column) => `o.${quoteName(column)} ${operator} n.${quoteName(column)}`).join(' AND ');
  const missing = (side: Side, op: 'added' | 'removed'): Search => {
    const [shape, other] = side === later ? [after, before] : [before, after];
    return {
      op,
      sql: `SELECT ${[...columnsSql('n', shape.key), ...columnsSql('n', shape.columns)]} FROM ${tableSql(side, shape)} n
        WHERE ${ticking('n', shape)} AND NOT EXISTS (
          SELECT 1 FROM ${tableSql(side === later ? earlier : later, other)} o WHERE ${sameKey})`,
      key: shape.key,
      from: op === 'removed' ? shape.columns : [],
      to: op === 'added' ? shape.columns : [],
    };
  };
  return [missing(earlier, 'removed'), changedRows(before, after, common, sameKey), missing(later, 'added')];
}

/** Values are compared byte by byte and by type, whatever the collation of their column. */
function changedRows(before: TableShape, after: TableShape, common: readonly string[], sameKey: string): Search {
  const differ = common
    .map(quoteName)
    .map((column) => `n.${column} COLLATE BINARY IS NOT o.${column} OR typeof(n.${column}) <> typeof(o.${column})`)
    .join(' OR ');
  if (differ === '') return null;
  return {
    op: 'changed',
    sql: `SELECT ${[...columnsSql('n', after.key), ...columnsSql('o', before.columns), ...columnsSql('n', after.columns)]}
      FROM ${tableSql(later, after)} n CROSS JOIN ${tableSql(earlier, before)} o ON ${sameKey}
      WHERE ${ticking('n', after)} AND (${differ})`,
    key: after.key,
    from: before.columns,
    to: after.columns,
  };
}

/** Rows that one state has and the other has not. Equal rows count once. */
function except(before: TableShape, after: TableShape, common: readonly string[], op: 'added' | 'removed'): Search {
  const [side, other] = op === 'added' ? ([later, earlier] as const) : ([earlier, later] as const);
  const [shape, otherShape] = op === 'added' ? [after, before] : [before, after];
  const columns = common.map(quoteName).join(', ');
  return {
    op,
    sql: `SELECT ${columns} FROM ${tableSql(side, shape)} n WHERE ${ticking('n', { ...shape, key: [] })}
      EXCEPT SELECT ${columns} FROM ${tableSql(other, otherShape)}`,
    key: [],
    from: op === 'removed' ? common : [],
    to: op === 'added' ? common : [],
  };
}

class Counter {
  readonly #connection: Connection;
  readonly #options: RowDiffOptions;
  #shown = 0;

  constructor(connection: Connection, options: RowDiffOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  run(search: Search): Counted {
    let count = 0;
    let isTruncated = false;
    if (search === null) return { count, isComplete: true, isTruncated };
    try {
      const statement = this.#connection.database.prepare(search.sql).safeIntegers(true).raw(true);
      for (const cells of statement.iterate() as IterableIterator<Cell[]>) {
        count += 1;
        if (isTruncated || this.#shown >= this.#options.rows) {
          isTruncated = true;
          continue;
        }
        this.#shown += 1;
        isTruncated = !this.#options.show(changeOf(search, exactCells(cells)));
      }
    } catch (error) {
      if (!(error instanceof TimeIsUp)) throw error;
      return { count, isComplete: false, isTruncated };
    }
    return { count, isComplete: true, isTruncated };
  }
}

function changeOf({ op, key, from, to }: NonNullable<Search>, cells: readonly Cell[]): RowChange {
  let at = 0;
  const take = (names: readonly string[]) => new Map(names.map((name) => [name, cells[at++] ?? null]));
  const keyCells = take(key);
  const [before, after] = [take(from), take(to)];
  return {
    op,
    key: key.length > 0 ? keyCells : op === 'added' ? after : before,
    from: op === 'added' ? null : before,
    to: op === 'removed' ? null : after,
  };
}

function tableSql(side: Side, { name }: TableShape): string {
  return `${side}.${quoteName(name)}`;
}

function columnsSql(alias: string, columns: readonly string[]): string[] {
  return columns.map((column) => `${alias}.${quoteName(column)}`);
}

/** Of a row, so that SQLite calls it for each. */
function ticking(alias: string, { key, columns }: TableShape): string {
  return `${tickName}(${alias}.${quoteName(key[0] ?? columns[0] ?? 'rowid')})`;
}

function without(columns: readonly string[], others: readonly string[]): string[] {
  return columns.filter((column) => !others.includes(column));
}
