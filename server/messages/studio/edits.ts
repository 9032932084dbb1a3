// Changing rows: staged edits that expect what was read.
import type { StudioRowKey, StudioValue } from './values.ts';

export type StudioChange =
  | {
      readonly kind: 'update';
      readonly table: string;
      readonly key: StudioRowKey;
      readonly set: Readonly<Record<string, StudioValue>>;
      /** What the page read before: at least every column of `set`. Compared by type and bytes. */
      readonly expect: Readonly<Record<string, StudioValue>>;
    }
  | { readonly kind: 'insert'; readonly table: string; readonly set: Readonly<Record<string, StudioValue>> }
  | {
      readonly kind: 'delete';
      readonly table: string;
      readonly key: StudioRowKey;
      readonly expect: Readonly<Record<string, StudioValue>>;
    };

/** POST studio/apply?db= : all changes in one transaction, or none. With `dryRun` nothing is written: only the SQL. */
export interface StudioApplyRequest {
  readonly changes: readonly StudioChange[];
  readonly dryRun?: boolean;
}
export interface StudioApplied {
  /** The statements as SQL text, one for each change. */
  readonly sql: readonly string[];
  /** Of each insert its key, else null; absent of a dry run. */
  readonly keys?: readonly (StudioRowKey | null)[];
}
/** 409, code CONFLICT: somebody else has changed a row since it was read. Nothing was written. */
export interface StudioConflicts {
  readonly error: string;
  readonly code: 'CONFLICT';
  readonly conflicts: readonly {
    /** Place in `changes`. */
    readonly change: number;
    readonly reason: 'changed' | 'gone';
    /** The row as it is now, by column. */
    readonly now?: Readonly<Record<string, StudioValue>>;
  }[];
}
