// One page of a table or view. With a key, a page begins at a place in the order, found through an index; without one,
// by OFFSET, up to a bound.
import type { Statement as Prepared } from 'better-sqlite3';
import { ApiError } from '../../messages/errors.ts';
import { limits } from '../../messages/limits.ts';
import { splitStatements } from '../../messages/sql-statements.ts';
import type { StudioRow, StudioRows, StudioRowsRequest, StudioSelection } from '../../messages/studio/rows.ts';
import type { StudioValue } from '../../messages/studio/values.ts';
import { studioLimits } from '../../messages/studio-requests.ts';
import { isCut, type TextEncoding } from '../../messages/studio-values.ts';
import type { Connection } from '../connection.ts';
import { admit } from '../sql/admit.ts';
import type { Cell } from '../sql/cells.ts';
import { cellSql, cutFor, encodingOf, keyCut, readCell } from './cells.ts';
import { cursorCut, decodeOffset, decodePlace, encodeOffset, encodePlace, type Place } from './cursor.ts';
import { asReader, prepareRows } from './reading.ts';
import {
  type Condition,
  conditionsOf,
  equals,
  fromSql,
  type Order,
  orderOf,
  orderSql,
  rangesAfter,
  reversed,
  type Term,
  whereSql,
} from './selection.ts';
import { columnSql, findColumn, findTable, type Table } from './tables.ts';

/** A page ends early when its values are large together: far below what an answer may have. */
const pageBytes = limits.responseBytes / 4;
/** Two result columns for each cell; SQLite takes 2,000. */
const cellsPerStatement = 900;
/** Rows that OFFSET passes over where there is no key. */
const offsetMax = 1_000_000;

/** Inside a read transaction. @throws ApiError, SqliteError */
export function readPage(connection: Connection, request: StudioRowsRequest): StudioRows {
  const startedMs = performance.now();
  const table = findTable(connection, request.table);
  const page = new Page(connection, table, request);
  const rows = asReader(connection, () => page.read());
  return { ...rows, ms: Math.round((performance.now() - startedMs) * 10) / 10 };
}

/** Conditions of a selection, the user's expression admitted like any SQL of a user. @throws ApiError */
export function admittedConditions(connection: Connection, table: Table, selection: StudioSelection): Condition[] {
  const conditions = conditionsOf(table, selection);
  if (selection.where !== undefined) {
    for (const statement of splitStatements(`SELECT (${selection.where}\n)`)) admit(connection, statement);
  }
  return conditions;
}

interface Fetched {
  readonly rows: StudioRow[];
  /** There are more in the direction that was read. */
  readonly more: boolean;
}

class Page {
  readonly #connection: Connection;
  readonly #table: Table;
  readonly #encoding: TextEncoding;
  readonly #columns: readonly string[];
  readonly #conditions: readonly Condition[];
  readonly #order: Order;
  readonly #terms: readonly Term[];
  readonly #from: StudioRowsRequest['from'];
  readonly #limit: number;
  readonly #cut: number;

  constructor(connection: Connection, table: Table, request: StudioRowsRequest) {
    this.#connection = connection;
    this.#table = table;
    this.#encoding = encodingOf(connection);
    this.#columns = request.columns ?? table.columns.map(({ name }) => name);
    for (const name of this.#columns) findColumn(table, name);
    this.#conditions = admittedConditions(connection, table, request);
    this.#order = orderOf(table, request);
    this.#terms = [...this.#order.sorted, ...this.#order.key];
    this.#from = request.from;
    this.#limit = request.limit ?? studioLimits.rowsDefault;
    this.#cut = cutFor(this.#columns.length, request.cut ?? studioLimits.cutDefault, pageBytes);
  }

  read(): Omit<StudioRows, 'ms'> {
    return this.#table.key === null ? this.#byOffset() : this.#byPlace(this.#from);
  }

  #byPlace(from: StudioRowsRequest['from']): Omit<StudioRows, 'ms'> {
    if (from === undefined) return this.#forward([all], false);
    if (from === 'end') return this.#backward([all], false);
    if ('after' in from) return this.#forward(this.#ranges(this.#terms, from.after, false), true);
    if ('before' in from) return this.#backward(this.#ranges(reversed(this.#terms), from.before, false), true);
    if ('fraction' in from) return this.#at(this.#placeAt(from.fraction));
    return this.#at(from.at);
  }

  #at(cursor: string | null): Omit<StudioRows, 'ms'> {
    if (cursor === null) return this.#byPlace(undefined);
    const page = this.#forward(this.#ranges(this.#terms, cursor, true), false);
    const before = this.#ranges(reversed(this.#terms), cursor, false);
    const hasBefore = this.#fetch(reversed(this.#terms), before, 1, []).rows.length > 0;
    return { ...page, previous: hasBefore ? (page.rows[0]?.at ?? cursor) : null };
  }

  #forward(ranges: readonly Condition[], hasBefore: boolean): Omit<StudioRows, 'ms'> {
    const { rows, more } = this.#fetch(this.#terms, ranges, this.#limit, this.#columns);
    const [first, last] = [rows[0], rows.at(-1)];
    return {
      columns: this.#columns,
      rows,
      next: more && last !== undefined ? last.at : null,
      previous: hasBefore && first !== undefined ? first.at : null,
    };
  }

  #backward(ranges: readonly Condition[], hasAfter: boolean): Omit<StudioRows, 'ms'> {
    const { rows, more } = this.#fetch(reversed(this.#terms), ranges, this.#limit, this.#columns);
    rows.reverse();
    const [first, last] = [rows[0], rows.at(-1)];
    return {
      columns: this.#columns,
      rows,
      next: hasAfter && last !== undefined ? last.at : null,
      previous: more && first !== undefined ? first.at : null,
    };
  }

  #ranges(terms: readonly Term[], cursor: string, withSelf: boolean): Condition[] {
    const place = this.#exact(decodePlace(cursor, this.#order.sorted.length, this.#order.key.length));
    return rangesAfter(terms, [...place.sorted, ...place.key], withSelf);
  }

  /** With the sorted values of the row itself where the cursor has only their beginning. */
  #exact(place: Place): Place {
    if (!place.sorted.some(isCut)) return place;
    const { sorted, key } = this.#order;
    const condition = whereSql(key.map((term, at) => equals(term, place.key[at] ?? null)));
    const cells = sorted.map(({ sql }) => cellSql(sql, limits.responseBytes));
    const sql = `SELECT ${cells.join(', ')} ${fromSql(this.#table)} ${condition.sql}`;
    const row = prepareRows(this.#connection, sql).get(...condition.values) as Cell[] | undefined;
    const now = row === undefined ? null : sorted.map((_, at) => readCell(row, at, this.#encoding));
    // The row is gone: its place is near where the beginning of its values stands.
    return { ...place, sorted: now ?? place.sorted.map(beginning) };
  }

  #fetch(terms: readonly Term[], ranges: readonly Condition[], limit: number, columns: readonly string[]): Fetched {
    const rows: StudioRow[] = [];
    let bytes = 0;
    for (const range of ranges) {
      const where = whereSql(range.sql === '' ? this.#conditions : [...this.#conditions, range]);
      const tail = `${fromSql(this.#table)} ${where.sql} ${orderSql(terms)} LIMIT ?`;
      const values = [...where.values, BigInt(limit + 1 - rows.length)];
      for (const row of this.#read(columns, tail, values)) {
        if (rows.length === limit || (bytes > pageBytes && rows.length > 0)) return { rows, more: true };
        bytes += sizeOf(row.values);
        rows.push(row);
      }
    }
    return { rows, more: false };
  }

  /** A table of very many columns is read by several statements, which answer the same rows in the same order. */
  *#read(columns: readonly string[], tail: string, values: readonly unknown[]): Generator<StudioRow> {
    const { sorted, key } = this.#order;
    const keys = this.#table.keyColumns.map(({ name }) => name);
    const head = [
      ...keys.map((name) => cellSql(columnSql(this.#table, name), keyCut)),
      ...sorted.map(({ sql }) => cellSql(sql, cursorCut)),
    ];
    const cells = columns.map((name) => cellSql(columnSql(this.#table, name), this.#cut));
    const parts = inParts([...head, ...cells], cellsPerStatement).map((part) => {
      const prepared = prepareRows(this.#connection, `SELECT ${part.join(', ')} ${tail}`);
      return this.#cells(prepared, values, part.length);
    });
    for (const row of sideBySide(parts)) {
      const keyValues = row.slice(0, keys.length);
      const place = {
        sorted: row.slice(keys.length, keys.length + sorted.length),
        // Without the key columns that the request sorts by: those stand among the sorted ones.
        key: key.length === keys.length ? keyValues : keyValues.filter((_, at) => this.#isUnsorted(keys[at] ?? '')),
      };
      yield { key: keyValues, at: encodePlace(place), values: row.slice(keys.length + sorted.length) };
    }
  }

  #isUnsorted(name: string): boolean {
    const sql = columnSql(this.#table, name);
    return this.#order.key.some((term) => term.sql === sql || term.sql.startsWith(`${sql} COLLATE `));
  }

  *#cells(prepared: Prepared, values: readonly unknown[], count: number): Generator<StudioValue[]> {
    for (const row of prepared.iterate(...values) as IterableIterator<Cell[]>) {
      yield Array.from({ length: count }, (_, at) => readCell(row, at, this.#encoding));
    }
  }

  /** Near that part of the rows: by the number of an integer key, else by counting. null: at the beginning. */
  #placeAt(fraction: number): string | null {
    const keyColumn = this.#table.keyColumns[0];
    const isPlain = this.#order.sorted.length === 0 && this.#conditions.length === 0;
    if (isPlain && this.#table.hasIntegerKey && keyColumn !== undefined) {
      const column = columnSql(this.#table, keyColumn.name);
      const sql = (which: string) => `SELECT ${which}(${column}) ${fromSql(this.#table)}`;
      const [least, most] = ['min', 'max'].map((which) => prepareRows(this.#connection, sql(which)).pluck().get());
      if (typeof least !== 'bigint' || typeof most !== 'bigint') return null;
      const target = least + ((most - least) * BigInt(Math.round(fraction * 1_000_000))) / 1_000_000n;
      return encodePlace({ sorted: [], key: [{ int: target.toString() }] });
    }
    const offset = Math.floor(fraction * this.#count());
    if (offset === 0) return null;
    const where = whereSql(this.#conditions);
    const tail = `${fromSql(this.#table)} ${where.sql} ${orderSql(this.#terms)} LIMIT 1 OFFSET ?`;
    for (const row of this.#read([], tail, [...where.values, BigInt(offset)])) return row.at;
    return null;
  }

  #count(): number {
    const where = whereSql(this.#conditions);
    const sql = `SELECT count(*) FROM (SELECT 1 ${fromSql(this.#table)} ${where.sql} LIMIT ?)`;
    return Number(
      prepareRows(this.#connection, sql)
        .pluck()
        .get(...where.values, BigInt(offsetMax)),
    );
  }

  #byOffset(): Omit<StudioRows, 'ms'> {
    const { offset, limit } = this.#window();
    if (offset > offsetMax) {
      const most = offsetMax.toLocaleString('en');
      throw new ApiError(
        'INVALID_PARAMETERS',
        `without a key only the first ${most} rows can be reached: add a filter`,
      );
    }
    // Several statements might see the rows of a view in different orders.
    if (this.#columns.length > cellsPerStatement) {
      throw new ApiError('INVALID_PARAMETERS', `choose at most ${cellsPerStatement} columns: the rows have no key`);
    }
    const cells = this.#columns.map((name) => cellSql(columnSql(this.#table, name), this.#cut));
    const where = whereSql(this.#conditions);
    const tail = `${fromSql(this.#table)} ${where.sql} ${orderSql(this.#terms)} LIMIT ? OFFSET ?`;
    const values = [...where.values, BigInt(limit + 1), BigInt(offset)];
    const prepared = prepareRows(this.#connection, `SELECT ${cells.join(', ') || 'NULL'} ${tail}`);
    const rows: StudioRow[] = [];
    let bytes = 0;
    let more = false;
    for (const row of this.#cells(prepared, values, cells.length)) {
      more = rows.length === limit || (bytes > pageBytes && rows.length > 0);
      if (more) break;
      bytes += sizeOf(row);
      rows.push({ key: null, at: encodeOffset(offset + rows.length), values: row });
    }
    return {
      columns: this.#columns,
      rows,
      next: more ? encodeOffset(offset + rows.length - 1) : null,
      previous: offset > 0 ? encodeOffset(offset) : null,
    };
  }

  /** Which rows a cursor means where a cursor is the number of rows before its row. */
  #window(): { readonly offset: number; readonly limit: number } {
    const from = this.#from;
    const limit = this.#limit;
    if (from === undefined) return { offset: 0, limit };
    if (from === 'end') return { offset: Math.max(0, this.#count() - limit), limit };
    if ('fraction' in from) return { offset: Math.floor(from.fraction * this.#count()), limit };
    if ('after' in from) return { offset: decodeOffset(from.after) + 1, limit };
    if ('at' in from) return { offset: decodeOffset(from.at), limit };
    const end = decodeOffset(from.before);
    return { offset: Math.max(0, end - limit), limit: Math.min(limit, end) };
  }
}

const all: Condition = { sql: '', values: [] };

/** Rows of which each statement has a part. */
function* sideBySide(parts: readonly Generator<StudioValue[]>[]): Generator<StudioValue[]> {
  const [first, ...others] = parts;
  try {
    for (const head of first ?? []) yield [...head, ...others.flatMap((part) => part.next().value ?? [])];
  } finally {
    for (const part of others) part.return(undefined);
  }
}

function beginning(value: StudioValue): StudioValue {
  if (value !== null && typeof value === 'object') {
    if ('text' in value) return value.text;
    if ('blob' in value) return { blob: value.blob, bytes: Buffer.from(value.blob, 'base64').length };
    if ('badText' in value) return { badText: value.badText, bytes: Buffer.from(value.badText, 'base64').length };
  }
  return value;
}

function sizeOf(values: readonly StudioValue[]): number {
  let bytes = 0;
  for (const value of values) {
    if (typeof value === 'string') bytes += value.length;
    else if (value !== null && 'text' in value) bytes += value.text.length;
    else if (value !== null && 'blob' in value) bytes += value.blob.length;
    else if (value !== null && 'badText' in value) bytes += value.badText.length;
    else bytes += 16;
  }
  return bytes;
}

function inParts<Item>(items: readonly Item[], size: number): Item[][] {
  const parts: Item[][] = [];
  for (let at = 0; at < items.length; at += size) parts.push(items.slice(at, at + size));
  return parts;
}
