// Runs the operation of a request in an executor, and has it recorded in the query history, done or failed.
import type { WriteBookmarks } from '../messages/bookmark.ts';
import { ApiError } from '../messages/errors.ts';
import { limits } from '../messages/limits.ts';
import type { Lane } from '../messages/operation.ts';
import type { HistoryEntry } from '../messages/operations/query-history.ts';
import type { RequestContext } from './http/context.ts';
import type { Scheduler } from './scheduler/scheduler.ts';
import type { HistoryRecord, Services } from './services.ts';
import type { Sessions } from './sessions/sessions.ts';

interface OperationRunnerParts extends Pick<Services, 'target' | 'record' | 'namingHolder'> {
  readonly scheduler: Scheduler;
  readonly sessions: Sessions;
  /** Whether the commits of a database are kept, as far as the options say. */
  readonly isArchived: (path: string) => boolean;
}

export function operationRunner(parts: OperationRunnerParts): Services['run'] {
  return async (operation, context, args, { record, database, ...run } = {}) => {
    const target = database ?? parts.target(context);
    const release = run.alone ? await parts.sessions.makeWay(target.path, 'its journal mode was changed') : null;
    const startedMs = performance.now();
    const remember = (error: string | null): void => {
      if (record === undefined || (error === null && record.onlyIfFailed === true)) return;
      parts.record(target, [makeEntry(context, record, startedMs, error)], error === null);
    };
    try {
      const isNamed = isNaming(operation.lane) && parts.isArchived(target.path);
      const onNamed = (bookmarks: WriteBookmarks): void => {
        context.bookmarks = bookmarks;
      };
      const result = await parts.scheduler.run(operation, args, {
        path: target.path,
        deadlineMs: context.deadlineMs,
        isGone: context.isGone,
        onNamed: isNamed ? onNamed : undefined,
        create: run.create,
        alone: run.alone,
        isolated: run.isolated,
        isCancelled: run.isCancelled,
      });
      remember(null);
      return result;
    } catch (error) {
      remember(error instanceof Error ? error.message : String(error));
      throw error instanceof ApiError ? await parts.namingHolder(error, target) : error;
    } finally {
      release?.();
    }
  };
}

/** Its commits are what a client has asked for. */
function isNaming(lane: Lane): boolean {
  return lane === 'kv-write' || lane === 'sql';
}

function makeEntry(
  context: RequestContext,
  record: HistoryRecord,
  startedMs: number,
  error: string | null,
): HistoryEntry {
  return {
    sql: record.sql.slice(0, limits.queryHistorySqlChars),
    isStatement: record.isStatement,
    source: record.source,
    timestampMs: Date.now(),
    durationMs: performance.now() - startedMs,
    rowCount: error === null ? 1 : 0,
    error,
    clientIp: context.clientIp,
  };
}
