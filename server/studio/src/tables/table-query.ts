// Which rows of a table are shown: filters, an own WHERE, the order. To and from the parameters of the URL. Pure.
import type { StudioFilter, StudioFilterOperator, StudioSelection } from '../../../messages/studio/rows.ts';
import type { StudioColumn } from '../../../messages/studio/schema.ts';
import type { StudioValue } from '../../../messages/studio/values.ts';
import { filterValueOf } from '../api/values.ts';

/** A filter as it is typed. */
export interface Chip {
  readonly column: string;
  readonly operator: StudioFilterOperator;
  /** For `in`: values with commas between. */
  readonly text: string;
}

export interface SortKey {
  readonly column: string;
  readonly isDescending: boolean;
}

export interface TableQuery {
  readonly chips: readonly Chip[];
  readonly where: string;
  readonly sort: readonly SortKey[];
}

export const operators: readonly { readonly id: StudioFilterOperator; readonly label: string }[] = [
  { id: '=', label: '=' },
  { id: '!=', label: '\u2260' },
  { id: '<', label: '<' },
  { id: '<=', label: '\u2264' },
  { id: '>', label: '>' },
  { id: '>=', label: '\u2265' },
  { id: 'contains', label: 'contains' },
  { id: 'starts', label: 'starts with' },
  { id: 'in', label: 'is one of' },
  { id: 'null', label: 'is NULL' },
  { id: 'not null', label: 'is not NULL' },
];

export function hasText(operator: StudioFilterOperator): boolean {
  return operator !== 'null' && operator !== 'not null';
}

type Params = Readonly<Record<string, string>>;

/** What the URL says; parts that make no sense are left out. */
export function parseQuery(params: Params): TableQuery {
  return {
    chips: parseList(params.filter).flatMap((entry) => parseChip(entry) ?? []),
    where: params.where ?? '',
    sort: parseList(params.sort).flatMap((entry) => parseSort(entry) ?? []),
  };
}

export function formatQuery({ chips, where, sort }: TableQuery): { filter: string; where: string; sort: string } {
  const filters = chips.map(({ column, operator, text }) =>
    hasText(operator) ? [column, operator, text] : [column, operator],
  );
  const keys = sort.map(({ column, isDescending }) => (isDescending ? [column, 'desc'] : [column]));
  return {
    filter: filters.length === 0 ? '' : JSON.stringify(filters),
    where,
    sort: keys.length === 0 ? '' : JSON.stringify(keys),
  };
}

function parseList(text: string | undefined): readonly unknown[] {
  try {
    const list: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}

function parseChip(entry: unknown): Chip | undefined {
  if (!Array.isArray(entry)) return undefined;
  const [column, operator, text = ''] = entry as unknown[];
  const known = operators.find(({ id }) => id === operator);
  if (typeof column !== 'string' || known === undefined || typeof text !== 'string') return undefined;
  return { column, operator: known.id, text };
}

function parseSort(entry: unknown): SortKey | undefined {
  if (!Array.isArray(entry) || typeof entry[0] !== 'string') return undefined;
  return { column: entry[0], isDescending: entry[1] === 'desc' };
}

/** For the server. Filters and sort keys of columns that are gone are left out. */
export function selectionOf(
  table: string,
  columns: readonly Pick<StudioColumn, 'name' | 'type'>[],
  { chips, where, sort }: TableQuery,
): StudioSelection {
  const typeOf = (name: string) => columns.find((column) => column.name === name)?.type;
  const filters = chips.flatMap((chip): StudioFilter[] => {
    const type = typeOf(chip.column);
    return type === undefined ? [] : [{ column: chip.column, operator: chip.operator, ...filterValue(chip, type) }];
  });
  const keys = sort
    .filter(({ column }) => typeOf(column) !== undefined)
    .map(({ column, isDescending }) => ({ column, descending: isDescending }));
  return {
    table,
    ...(filters.length > 0 && { filters }),
    ...(where.trim() !== '' && { where }),
    ...(keys.length > 0 && { sort: keys }),
  };
}

function filterValue({ operator, text }: Chip, type: string): { value?: StudioValue | readonly StudioValue[] } {
  if (!hasText(operator)) return {};
  if (operator === 'in') return { value: text.split(',').map((part) => filterValueOf(part.trim(), type)) };
  if (operator === 'contains' || operator === 'starts') return { value: text };
  return { value: filterValueOf(text, type) };
}

/** None, ascending, descending, none. With `isAdded` the other keys stay. */
export function cycleSort(sort: readonly SortKey[], column: string, isAdded: boolean): readonly SortKey[] {
  const now = sort.find((key) => key.column === column);
  const next: SortKey[] = now?.isDescending ? [] : [{ column, isDescending: now !== undefined }];
  if (!isAdded) return next;
  return now === undefined ? [...sort, ...next] : sort.flatMap((key) => (key.column === column ? next : [key]));
}
