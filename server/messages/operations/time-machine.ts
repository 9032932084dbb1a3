// The past of whole databases. executor/past/ does it.
import { declare } from '../operation.ts';

export interface DatabaseDiffArgs {
  /** A file with the earlier state; the database that is open is the later one. */
  readonly earlier: string;
  /** Both are excerpts: what they hold is all that can differ, and indexes are to be filled first. */
  readonly areExcerpts: boolean;
  /** Of the tables that both states have, only these can differ; null: not known. */
  readonly suspects: readonly string[] | null;
  /** Only this one; null: all. */
  readonly table: string | null;
  /** Of each table at most so many rows are shown. */
  readonly rows: number;
  /** After so long the answer is what was found until then. */
  readonly budgetMs: number;
  readonly format: 'json' | 'sql';
}

export interface TableDiff {
  readonly table: string;
  /** `created`: only the later state has it. */
  readonly change: 'created' | 'dropped' | 'changed';
  readonly rowsAdded: number;
  readonly rowsRemoved: number;
  readonly rowsChanged: number;
  readonly columnsAdded: readonly string[];
  readonly columnsRemoved: readonly string[];
  /** Every row was looked at. */
  readonly isComplete: boolean;
  /** JSON texts, one for each row. */
  readonly rows: readonly string[];
  readonly areRowsTruncated: boolean;
}

export interface ObjectDiff {
  readonly type: string;
  readonly name: string;
  readonly change: 'created' | 'dropped' | 'changed';
  readonly fromSql: string | null;
  readonly toSql: string | null;
}

export interface DatabaseDiff {
  /** Those that differ. */
  readonly tables: readonly TableDiff[];
  /** Definitions that differ, of tables as well. */
  readonly objects: readonly ObjectDiff[];
  readonly isComplete: boolean;
  /** A script that makes the earlier state the later one, where it was asked for. */
  readonly sql: string | null;
}

export const timeMachine = {
  /** What differs between two states of a database; null: indexes of excerpts cannot be filled. */
  diff: declare<DatabaseDiffArgs, DatabaseDiff | null>('timeMachine.diff', 'sql-read'),
} as const;
