// A StudioSelection as SQL: filters, the user's own WHERE, and the order of the rows with the conditions of a place in
// it.
import { ApiError } from '../../messages/errors.ts';
import { tokenize } from '../../messages/sql-tokens.ts';
import type { StudioFilter, StudioSelection } from '../../messages/studio/rows.ts';
import type { StudioValue } from '../../messages/studio/values.ts';
import { quoteName } from '../kv/table/names.ts';

import { type Bound, toBound } from './cells.ts';
import { columnSql, findColumn, type Table } from './tables.ts';

export interface Condition {
  readonly sql: string;
  readonly values: readonly Bound[];
}

/** One column of the order. */
export interface Term {
  readonly sql: string;
  readonly descending: boolean;
  readonly notNull: boolean;
}

export interface Order {
  /** The columns that the request sorts by. */
  readonly sorted: readonly Term[];
  /** The columns of the key: with them no two rows have the same place. */
  readonly key: readonly Term[];
}

export function fromSql(table: Table): string {
  return `FROM main.${quoteName(table.name)}`;
}

/** All conditions together; an empty list is no condition. @throws ApiError */
export function conditionsOf(table: Table, { filters = [], where }: StudioSelection): Condition[] {
  const conditions = filters.map((filter) => filterSql(table, filter));
  return where === undefined ? conditions : [...conditions, expressionSql(where)];
}

export function whereSql(conditions: readonly Condition[]): Condition {
  return {
    sql: conditions.length === 0 ? '' : `WHERE ${conditions.map(({ sql }) => sql).join(' AND ')}`,
    values: conditions.flatMap(({ values }) => values),
  };
}

export function orderOf(table: Table, { sort = [] }: StudioSelection): Order {
  const keys = new Map(table.keyColumns.map((column) => [column.name, column]));
  const last = sort.at(-1)?.descending ?? false;
  // By the collation of the key's index, in which alone the key is unique.
  const sqlOf = (name: string) => {
    const collation = keys.get(name)?.collation;
    return `${columnSql(table, name)}${collation ? ` COLLATE ${quoteName(collation)}` : ''}`;
  };
  const isNotNull = (name: string) =>
    keys.has(name) || (table.columns.find((column) => column.name === name)?.notNull ?? false);
  const sorted = sort.map(({ column, descending = false }) => {
    if (!keys.has(column)) findColumn(table, column);
    return { sql: sqlOf(column), descending, notNull: isNotNull(column) };
  });
  const rest = table.keyColumns.filter(({ name }) => !sort.some(({ column }) => column === name));
  // An index on the sorted columns holds the key behind them: read backwards, both are.
  const key = rest.map(({ name, descending }) => ({
    sql: sqlOf(name),
    descending: descending !== last,
    notNull: true,
  }));
  return { sorted, key };
}

export function reversed(terms: readonly Term[]): Term[] {
  return terms.map((term) => ({ ...term, descending: !term.descending }));
}

export function orderSql(terms: readonly Term[]): string {
  const parts = terms.map(({ sql, descending }) => `${sql} ${descending ? 'DESC' : 'ASC'}`);
  return parts.length === 0 ? '' : `ORDER BY ${parts.join(', ')}`;
}

/**
 * The rows behind a place, as conditions whose rows follow one another: each is a range of an index, where an OR of
 * them all would be none. NULL comes first in ascending and last in descending order. `withSelf`: the row at the place,
 * too.
 */
export function rangesAfter(terms: readonly Term[], place: readonly StudioValue[], withSelf: boolean): Condition[] {
  const ranges = terms.flatMap((term, index) => {
    const same = terms.slice(0, index).map((one, at) => equals(one, place[at] ?? null));
    return behind(term, place[index] ?? null).map((range) => joined([...same, range]));
  });
  ranges.reverse();
  const self = joined(terms.map((term, at) => equals(term, place[at] ?? null)));
  return withSelf ? [self, ...ranges] : ranges;
}

/** In reverse: rangesAfter turns the whole list around. */
function behind(term: Term, value: StudioValue): Condition[] {
  if (value === null) return term.descending ? [] : [{ sql: `${term.sql} IS NOT NULL`, values: [] }];
  const { sql, bound } = toBound(value);
  const further = { sql: `${term.sql} ${term.descending ? '<' : '>'} ${sql}`, values: [bound] };
  const nulls = { sql: `${term.sql} IS NULL`, values: [] };
  return term.descending && !term.notNull ? [nulls, further] : [further];
}

/** Behind a text of which only the beginning is known there are all texts that begin so. */
export function equals({ sql: column }: Pick<Term, 'sql'>, value: StudioValue): Condition {
  if (value === null) return { sql: `${column} IS NULL`, values: [] };
  const { sql, bound } = toBound(value);
  return { sql: `${column} = ${sql}`, values: [bound] };
}

function joined(conditions: readonly Condition[]): Condition {
  return {
    sql: conditions.map(({ sql }) => sql).join(' AND '),
    values: conditions.flatMap(({ values }) => values),
  };
}

function filterSql(table: Table, { column, operator, value = null }: StudioFilter): Condition {
  const isKey = table.keyColumns.some(({ name }) => name === column);
  if (!isKey) findColumn(table, column);
  const subject = columnSql(table, column);
  if (operator === 'null') return { sql: `${subject} IS NULL`, values: [] };
  if (operator === 'not null') return { sql: `${subject} IS NOT NULL`, values: [] };
  if (operator === 'in') {
    const parameters = (isList(value) ? value : [value]).map(toBound);
    return {
      sql: `${subject} IN (${parameters.map(({ sql }) => sql).join(', ')})`,
      values: parameters.map(({ bound }) => bound),
    };
  }
  if (isList(value)) throw invalid(`the operator ${operator} takes one value`);
  if (operator === 'contains' || operator === 'starts') {
    const like = likeText(value).replace(/[\\%_]/g, '\\$&');
    return { sql: `${subject} LIKE ? ESCAPE '\\'`, values: [operator === 'contains' ? `%${like}%` : `${like}%`] };
  }
  if (value === null) {
    if (operator === '=') return { sql: `${subject} IS NULL`, values: [] };
    if (operator === '!=') return { sql: `${subject} IS NOT NULL`, values: [] };
  }
  const { sql, bound } = toBound(value);
  return { sql: `${subject} ${operator} ${sql}`, values: [bound] };
}

function isList(value: StudioFilter['value']): value is readonly StudioValue[] {
  return Array.isArray(value);
}

function likeText(value: StudioValue): string {
  if (typeof value === 'string') return value;
  if (value !== null && 'int' in value) return value.int;
  if (value !== null && 'real' in value) return value.real;
  throw invalid('contains and starts take a text or a number');
}

/** One expression of the user, in parentheses that it cannot leave. */
function expressionSql(text: string): Condition {
  let depth = 0;
  for (const token of tokenize(text)) {
    if (token.kind === 'semicolon') throw invalid('where must be one expression, without ;');
    if (token.kind === 'parameter') throw invalid('where cannot have parameters');
    if (token.text === '(') depth += 1;
    else if (token.text === ')') depth -= 1;
    if (depth < 0) break;
  }
  if (depth !== 0) throw invalid('the parentheses in where do not match');
  // The line break ends a comment.
  return { sql: `(${text}\n)`, values: [] };
}

function invalid(message: string): ApiError {
  return new ApiError('INVALID_PARAMETERS', message);
}
