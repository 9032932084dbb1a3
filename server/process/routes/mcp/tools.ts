// All tools, in the order in which they are listed: what a model needs first comes first.
import { databaseHistory, listDatabases, locks, rewind, rewindPreview, schema } from './database-tools.ts';
import { changes, kvDelete, kvGet, kvHistory, kvList, kvSet, rollback, rollbackPreview } from './kv-tools.ts';
import { execute, query } from './sql-tools.ts';
import type { Tool } from './tool.ts';

const all: readonly Tool[] = [
  listDatabases,
  schema,
  query,
  execute,
  kvGet,
  kvList,
  kvSet,
  kvDelete,
  kvHistory,
  rollbackPreview,
  rollback,
  changes,
  locks,
  databaseHistory,
  rewindPreview,
  rewind,
];

/** Those that somebody is offered who may write or not, on a server that keeps commits or not. */
export function toolsFor({ mayWrite, isArchived }: { mayWrite: boolean; isArchived: boolean }): readonly Tool[] {
  return all.filter(({ isWrite, needsArchive }) => (mayWrite || !isWrite) && (isArchived || !needsArchive));
}

export function isWritingTool(name: string): boolean {
  return all.some((tool) => tool.name === name && tool.isWrite);
}
