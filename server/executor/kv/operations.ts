// Every operation of the key-value store, for the executor's look-up by name.
import type { AnyImplementation } from '../implementation.ts';
import { kvChanges } from './feed/changes.ts';
import { resetChanges } from './feed/reset.ts';
import { kvGetAt, kvHistory, kvRollback, kvSnapshot } from './past/history.ts';
import { kvDiff } from './past/table-diff.ts';
import { kvPlanTableRollback, kvTableRollback, kvTableRollbackPreview } from './past/table-rollback.ts';
import { kvListAt, kvTableSnapshot } from './past/table-snapshot.ts';
import { redisRead, redisScan, redisWrite } from './redis/commands.ts';
import { kvIncrement, kvPop, kvPush, kvRemove } from './store/atomic.ts';
import { kvBatchDelete, kvBatchGet, kvBatchSet } from './store/batch.ts';
import { kvKeysClear, kvKeysPage } from './store/keys.ts';
import { kvList } from './store/list.ts';
import { kvDelete, kvEntry, kvExpire, kvGet, kvHead, kvSet } from './store/store.ts';
import { kvLogEnds, kvNameRows } from './upkeep/native-rows.ts';
import { kvRetain } from './upkeep/retention.ts';
import { databaseStats } from './upkeep/stats.ts';

export const kvOperations: readonly AnyImplementation[] = [
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
  kvKeysPage,
  kvKeysClear,
  redisRead,
  redisScan,
  redisWrite,
  kvHistory,
  kvSnapshot,
  kvGetAt,
  kvRollback,
  kvListAt,
  kvTableSnapshot,
  kvDiff,
  kvPlanTableRollback,
  kvTableRollback,
  kvTableRollbackPreview,
  kvChanges,
  kvRetain,
  kvLogEnds,
  kvNameRows,
  databaseStats,
  resetChanges,
] as readonly AnyImplementation[];
