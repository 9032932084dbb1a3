// Running SQL: statements, results, errors at their place, plans, parameters.
import type { StudioValue } from './values.ts';

/**
 * POST studio/sql?db= : statements in one transaction. `DELETE studio/sql/{id}` cancels: 204, or 404 where nothing runs
 * under this id; the POST then answers 409 CANCELLED.
 */
export interface StudioSqlRequest {
  readonly sql: string;
  /** By name without its prefix, or by number ("1"). */
  readonly parameters?: Readonly<Record<string, StudioValue>>;
  /** Names the request for `DELETE studio/sql/{id}`: 1 to 64 of A-Z a-z 0-9 - _ */
  readonly id?: string;
  /** Rows of each result; default 1000, at most 10,000. */
  readonly limit?: number;
  readonly cut?: number;
  /** Refuse everything that is not read only. */
  readonly readOnly?: boolean;
  /** Run, count, and roll back: what safe mode shows before a write. */
  readonly dryRun?: boolean;
}
export interface StudioSqlAnswer {
  readonly results: readonly StudioResult[];
  readonly schemaVersion: string;
}
export interface StudioResult {
  /** The statement's place in `sql`, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
  readonly kind: 'rows' | 'write' | 'schema' | 'other';
  readonly columns: readonly string[];
  readonly rows: readonly (readonly StudioValue[])[];
  /** There are more rows than `limit`. */
  readonly more: boolean;
  /** Rows that the statement changed. */
  readonly changes: number;
  readonly ms: number;
}

/** POST studio/explain?db= {sql, parameters?}: EXPLAIN QUERY PLAN. */
export interface StudioPlan {
  readonly nodes: readonly { readonly id: number; readonly parent: number; readonly detail: string }[];
}

/** POST studio/parameters {sql}: names of the parameters of the statements, for a form. */
export interface StudioParameters {
  readonly names: readonly string[];
}
