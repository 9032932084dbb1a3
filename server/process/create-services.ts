// The services that handlers are given, made of the parts of the server process.

import { relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LockSnapshot, ServerOptions, WriteRecord } from '../index.ts';
import type { WriteBookmarks } from '../messages/bookmark.ts';
import { ApiError } from '../messages/errors.ts';
import { limits } from '../messages/limits.ts';
import type { Lane } from '../messages/operation.ts';
import type { HistoryEntry } from '../messages/operations/query-history.ts';
import { type PathRules, resolveDatabase } from '../messages/paths.ts';
import type { StudioCommitEvent } from '../messages/studio.ts';
import type { CommitListeners } from './commit-listeners.ts';
import type { RequestContext } from './http/context.ts';
import { executorName, locksOf, namingHolder } from './locks.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { HistoryRecorder } from './query-history-recorder.ts';
import type { Scheduler } from './scheduler/scheduler.ts';
import type { HistoryRecord, Services } from './services.ts';
import type { ShareBook } from './share-book.ts';
import type { TemporaryFiles } from './temporary-files.ts';
import type { TimeMachine } from './time-machine/time-machine.ts';

export interface ServiceParts {
  readonly options: ServerOptions;
  readonly rules: PathRules;
  readonly scheduler: Scheduler;
  readonly recorder: HistoryRecorder;
  readonly listeners: CommitListeners;
  readonly metrics: Metrics;
  readonly locks: () => Promise<LockSnapshot>;
  /** Who wrote a database, given below the root. */
  readonly writers: (database: string) => Promise<WriteRecord | null>;
  readonly tier: Services['tier'];
  readonly shares: ShareBook;
  readonly timeMachine: TimeMachine;
  /** Whether the commits of a database are kept, as far as the options say. */
  readonly isArchived: (path: string) => boolean;
  readonly temporaryFiles: TemporaryFiles;
  readonly stopping: AbortSignal;
  readonly log: Log;
}

export function createServices(parts: ServiceParts): Services {
  const { options, rules, scheduler, recorder, listeners, metrics, locks, writers } = parts;
  const services: Services = {
    options,
    log: parts.log,
    shares: parts.shares,
    timeMachine: parts.timeMachine,
    tier: parts.tier,
    temporaryFiles: parts.temporaryFiles,
    stopping: parts.stopping,
    resolve: (name) => resolveDatabase(name, rules),
    target: (context) => resolveDatabase(context.query.text('db'), rules),
    async run(operation, context, args, { record, database, ...run } = {}) {
      const target = database ?? services.target(context);
      const startedMs = performance.now();
      const remember = (error: string | null): void => {
        if (record === undefined || (error === null && record.onlyIfFailed === true)) return;
        services.record(target, [makeEntry(context, record, startedMs, error)], error === null);
      };
      try {
        const onNamed = (bookmarks: WriteBookmarks): void => {
          context.bookmarks = bookmarks;
        };
        const request = {
          path: target.path,
          deadlineMs: context.deadlineMs,
          isGone: context.isGone,
          ...(isNaming(operation.lane) && parts.isArchived(target.path) ? { onNamed } : {}),
          ...run,
        };
        const result = await scheduler.run(operation, args, request);
        remember(null);
        return result;
      } catch (error) {
        remember(error instanceof Error ? error.message : String(error));
        throw error instanceof ApiError ? await services.namingHolder(error, target) : error;
      }
    },
    runOnFile: (operation, context, path, args) =>
      scheduler.runOnFile(operation, args, { path, deadlineMs: context.deadlineMs, isGone: context.isGone }),
    record({ path }, entries, isWrite) {
      for (const entry of entries) recorder.record(path, entry, isWrite);
    },
    async flushHistory(context) {
      const late = new ApiError('DATABASE_BUSY', 'the query history could not be written yet; try again');
      const leftMs = context.deadlineMs - performance.now() - limits.answerReserveMs;
      const deadline = sleep(leftMs, undefined, { ref: false }).then(() => Promise.reject(late));
      try {
        await Promise.race([recorder.flush(services.target(context).path), deadline]);
      } catch (error) {
        if (error instanceof ApiError && error.status !== 503) return;
        throw await services.namingHolder(late, services.target(context));
      }
    },
    forgetHistory: ({ path }) => recorder.forget(path),
    onCommit: ({ path }, listener) => listeners.add(path, listener),
    writersSince: async ({ path }, sinceMs) => {
      const windows = (await writers(relative(options.root, path)))?.windows ?? [];
      const executors = new Set(scheduler.executorPids);
      const recent = windows.filter(({ untilMs }) => untilMs === null || untilMs >= sinceMs);
      return distinct(
        recent.map(({ pid, command, container }) => ({
          command: executors.has(pid) ? executorName : command,
          pid,
          container,
        })),
      );
    },
    monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
    locks,
    namingHolder: (error, { path }) =>
      namingHolder(error, {
        readLocks: async () => locksOf(await locks(), relative(options.root, path)),
        isExecutor: (pid) => scheduler.executorPids.includes(pid),
      }),
    metricsText: async () => ({ text: await metrics.text(), contentType: metrics.contentType }),
    counters: () => ({
      requests: metrics.requests,
      queuedJobs: scheduler.queuedJobs,
      openDatabases: scheduler.openDatabases,
      executors: scheduler.executorPids.length,
    }),
  };
  return services;
}

/** Its commits are what a client has asked for. */
function isNaming(lane: Lane): boolean {
  return lane === 'kv-write' || lane === 'sql';
}

type Program = StudioCommitEvent['by'][number];

/** Each process once; all HTTP clients are one. */
function distinct(programs: readonly Program[]): Program[] {
  const keyOf = ({ command, pid }: Program) => (command === executorName ? command : String(pid));
  return [...new Map(programs.map((program) => [keyOf(program), program])).values()];
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
