// Reading rows: filters, pages, counts, the values of a column, a whole cell.
import type { StudioRowKey, StudioValue } from './values.ts';

export type StudioFilterOperator =
  | '='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'contains'
  | 'starts'
  | 'null'
  | 'not null'
  | 'in';

export interface StudioFilter {
  readonly column: string;
  readonly operator: StudioFilterOperator;
  /** A list for `in`; absent for `null` and `not null`. Compared by SQLite's own rules of affinity and collation. */
  readonly value?: StudioValue | readonly StudioValue[];
}

export interface StudioSelection {
  readonly table: string;
  readonly filters?: readonly StudioFilter[];
  /** SQL expression, joined to the filters by AND. */
  readonly where?: string;
  readonly sort?: readonly { readonly column: string; readonly descending?: boolean }[];
}

/** POST studio/rows?db= : one page of a table or view, by key and never by OFFSET where the table has one. */
export interface StudioRowsRequest extends StudioSelection {
  readonly columns?: readonly string[];
  /** Rows; default 100, at most 1000. */
  readonly limit?: number;
  /** Absent: the first page. `fraction` jumps near that part of the rows, for a dragged scroll bar. */
  readonly from?:
    | { readonly after: string }
    | { readonly before: string }
    | { readonly at: string }
    | { readonly fraction: number }
    | 'end';
  /** Bytes of a value that are sent; default 2048. */
  readonly cut?: number;
}

export interface StudioRows {
  readonly columns: readonly string[];
  readonly rows: readonly StudioRow[];
  /** Cursor to go on with `after`; null at the end. */
  readonly next: string | null;
  /** Cursor to go back with `before`; null at the beginning. */
  readonly previous: string | null;
  readonly ms: number;
}

export interface StudioRow {
  readonly key: StudioRowKey | null;
  /** Where this row stands: `from: {at}` reads a page that begins with it. */
  readonly at: string;
  readonly values: readonly StudioValue[];
}

/** POST studio/count?db= (a StudioSelection): counts for a bounded time. */
export interface StudioCount {
  readonly rows: number;
  /** False: there are at least so many, or about so many. */
  readonly exact: boolean;
}

/** POST studio/facets?db= : what stands in one column of the rows, of those that were looked at in a bounded time. */
export interface StudioFacetsRequest extends StudioSelection {
  readonly column: string;
}
export interface StudioFacets {
  /** The most frequent ones first; NULL is one of them. At most 20, long ones cut. */
  readonly values: readonly { readonly value: StudioValue; readonly rows: number }[];
  /** That were looked at: all of the selection where `exact`. */
  readonly rows: number;
  /** Values other than NULL. */
  readonly distinct: number;
  readonly nulls: number;
  /** By the order of SQLite; null where there is no value. */
  readonly least: StudioValue;
  readonly greatest: StudioValue;
  readonly exact: boolean;
}

/** POST studio/cell?db= : one whole value. With `raw=true` its bytes as a download. */
export interface StudioCellRequest {
  readonly table: string;
  readonly key: StudioRowKey;
  readonly column: string;
}
export interface StudioCell {
  readonly value: StudioValue;
}
