// The past of keys and tables: history, snapshots, differences, rollbacks. executor/kv/past/ does it.
import { declare } from '../operation.ts';
import type { Reply } from '../reply.ts';
import type { KeyArgs, WriteArgs } from './kv.ts';

/** What the history of a key may name as its operation. */
export const recordedOps = [
  'SET',
  'DELETE',
  'INCR',
  'DECR',
  'PUSH',
  'POP',
  'REMOVE',
  'EXPIRE',
  'PERSIST',
  'UNRECORDED',
] as const;

export interface HistoryArgs extends KeyArgs {
  readonly limit: number;
}

export interface SnapshotArgs extends KeyArgs {
  readonly opNumber: number;
}

export interface GetAtArgs extends KeyArgs {
  readonly atSeconds: number;
}

export interface RollbackArgs extends KeyArgs, WriteArgs {
  readonly steps: number;
}

export interface TableAtArgs {
  readonly table: string;
  readonly atSeconds: number;
  readonly prefix: string;
  /** 0 for all. */
  readonly limit: number;
  readonly offset: number;
  /** Only keys that come after this one. */
  readonly after: string;
}

export interface DiffArgs {
  readonly table: string;
  readonly fromSeconds: number;
  readonly toSeconds: number;
  /** Empty: the whole table. */
  readonly keys: readonly string[];
  /** Of the whole table, only keys that come after this one. */
  readonly after: string;
}

export interface TableRollbackArgs extends WriteArgs {
  readonly toSeconds: number;
  /** Empty: every key. */
  readonly keys: readonly string[];
  readonly excludeKeys: readonly string[];
}

/** What has to change to make a table what it was, as it stood when the plan was made. */
export interface TableRollbackPlan {
  /** Where the change feed stood: what was written after it is planned again. */
  readonly cursor: string;
  readonly changes: readonly PlannedChange[];
  /** Keys asked for that have no recorded history: they stay as they are. */
  readonly untouched: readonly string[];
}

export interface PlannedChange {
  /** In the log of the table. */
  readonly keyId: number;
  readonly action: 'rollback' | 'delete' | 'restore';
  /** Of the key, since then. */
  readonly operations: number;
}

export interface PlannedRollbackArgs extends TableRollbackArgs {
  /** null: it is planned with the write lock held. */
  readonly plan: TableRollbackPlan | null;
}

export const kvPast = {
  history: declare<HistoryArgs, Reply>('kvPast.history', 'kv-read'),
  /** The value after an operation. */
  snapshot: declare<SnapshotArgs, Reply>('kvPast.snapshot', 'kv-read'),
  /** The value at a time. */
  getAt: declare<GetAtArgs, Reply>('kvPast.getAt', 'kv-read'),
  /** Undoes the newest operations of a key and takes them out of its history. */
  rollback: declare<RollbackArgs, Reply>('kvPast.rollback', 'kv-write'),

  /** The keys of a table at a time, without values. */
  listAt: declare<TableAtArgs, Reply>('kvPast.listAt', 'kv-scan'),
  /** The keys of a table at a time, with values. */
  tableSnapshot: declare<TableAtArgs, Reply>('kvPast.tableSnapshot', 'kv-scan'),
  diff: declare<DiffArgs, Reply>('kvPast.diff', 'kv-scan'),
  /** Looks at every key that was touched since a time, while others write. */
  planTableRollback: declare<TableRollbackArgs, TableRollbackPlan>('kvPast.planTableRollback', 'kv-scan'),
  /** Makes every key what it was at a time. */
  tableRollback: declare<PlannedRollbackArgs, Reply>('kvPast.tableRollback', 'kv-write'),
  /** What tableRollback would do. */
  tableRollbackPreview: declare<TableRollbackArgs, Reply>('kvPast.tableRollbackPreview', 'kv-scan'),
} as const;
