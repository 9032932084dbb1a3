// Every operation of the key-value store, for the executor's look-up by name.
import type { AnyOperation } from '../executors/operation.ts';
import { kvIncrement, kvPop, kvPush, kvRemove } from './atomic.ts';
import { kvBatchDelete, kvBatchGet, kvBatchSet } from './batch.ts';
import { kvChanges } from './changes.ts';
import { kvGetAt, kvHistory, kvRollback, kvSnapshot } from './history.ts';
import { kvLogEnds, kvNameRows } from './native-rows.ts';
import { resetChanges } from './reset.ts';
import { kvRetain } from './retention.ts';
import { databaseStats } from './stats.ts';
import { kvDelete, kvEntry, kvExpire, kvGet, kvHead, kvList, kvSet } from './store.ts';
import { kvDiff } from './table-diff.ts';
import { kvTableRollback, kvTableRollbackPreview } from './table-rollback.ts';
import { kvListAt, kvTableSnapshot } from './table-snapshot.ts';

export const kvOperations: readonly AnyOperation[] = [
  kvGet,
  kvHead,
  kvEntry,
  kvList,
  kvSet,
  kvDelete,
  kvExpire,
  kvIncrement,
  kvPush,
  kvPop,
  kvRemove,
  kvBatchGet,
  kvBatchSet,
  kvBatchDelete,
  kvHistory,
  kvSnapshot,
  kvGetAt,
  kvRollback,
  kvListAt,
  kvTableSnapshot,
  kvDiff,
  kvTableRollback,
  kvTableRollbackPreview,
  kvChanges,
  kvRetain,
  kvLogEnds,
  kvNameRows,
  databaseStats,
  resetChanges,
] as readonly AnyOperation[];
