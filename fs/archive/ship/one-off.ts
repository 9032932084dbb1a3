// What a command does with stores in its own process, without a daemon.
export { type Exported, exportCommits } from './export.ts';
export { openStore } from './open-store.ts';
export { type RestoreProgress, restoreTo } from './restore.ts';
export { isStored, listStore, planRestore, type RestorePlan, type StoredDatabase } from './restore-plan.ts';
