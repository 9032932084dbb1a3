// The services that handlers are given, made of the parts of the server process.

import { relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LockSnapshot, ServerOptions, WriteRecord } from '../index.ts';
import { ApiError } from '../messages/errors.ts';
import { limits } from '../messages/limits.ts';
import { type DatabaseTarget, type PathRules, resolveDatabase } from '../messages/paths.ts';
import type { StudioCommitEvent } from '../messages/studio/live.ts';
import type { CommitListeners } from './commit-listeners.ts';
import type { Directories } from './directories/directories.ts';
import { executorName, locksOf, namingHolder } from './locks.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { HistoryRecorder } from './query-history-recorder.ts';
import type { Replicas } from './replicas/replicas.ts';
import { operationRunner } from './run-operation.ts';
import type { Scheduler } from './scheduler/scheduler.ts';
import type { Services } from './services.ts';
import type { Sessions } from './sessions/sessions.ts';
import type { ShareBook } from './share-book.ts';
import type { TemporaryFiles } from './temporary-files.ts';
import type { TimeMachine } from './time-machine/time-machine.ts';
import type { UnfinishedForks } from './time-machine/unfinished-forks.ts';

const rememberedTargets = 1_000;

export interface ServiceParts {
  readonly options: ServerOptions;
  readonly rules: PathRules;
  readonly scheduler: Scheduler;
  readonly sessions: Sessions;
  /** Of all executors. */
  readonly executorPids: () => readonly number[];
  readonly recorder: HistoryRecorder;
  readonly listeners: CommitListeners;
  readonly metrics: Metrics;
  readonly locks: () => Promise<LockSnapshot>;
  /** Who wrote a database, given below the root. */
  readonly writers: (database: string) => Promise<WriteRecord | null>;
  readonly tier: Services['tier'];
  readonly shares: ShareBook;
  readonly timeMachine: TimeMachine;
  readonly unfinishedForks: UnfinishedForks;
  readonly replicas: Replicas;
  readonly directories: Directories;
  /** Whether the commits of a database are kept, as far as the options say. */
  readonly isArchived: (path: string) => boolean;
  readonly temporaryFiles: TemporaryFiles;
  readonly stopping: AbortSignal;
  readonly log: Log;
}

export function createServices(parts: ServiceParts): Services {
  const { options, rules, scheduler, recorder, listeners, metrics, locks } = parts;
  const resolve = rememberingTargets((name) => resolveDatabase(name, rules));
  const target: Services['target'] = (context) => resolve(context.query.text('db'));
  const record: Services['record'] = ({ path }, entries, isWrite) => {
    for (const entry of entries) recorder.record(path, entry, isWrite);
  };
  const named: Services['namingHolder'] = (error, { path }) =>
    namingHolder(error, {
      readLocks: async () => locksOf(await locks(), relative(options.root, path)),
      isExecutor: (pid) => parts.executorPids().includes(pid),
    });
  return {
    options,
    log: parts.log,
    shares: parts.shares,
    timeMachine: parts.timeMachine,
    unfinishedForks: parts.unfinishedForks,
    replicas: parts.replicas,
    directories: parts.directories,
    tier: parts.tier,
    temporaryFiles: parts.temporaryFiles,
    stopping: parts.stopping,
    resolve,
    target,
    sessions: parts.sessions,
    run: operationRunner({ ...parts, target, record, namingHolder: named }),
    async runOnFile(operation, context, path, args) {
      const release = await parts.sessions.makeWay(path, 'its database was deleted, moved or restored');
      try {
        const { deadlineMs, isGone } = context;
        return await scheduler.runOnFile(operation, args, { path, deadlineMs, isGone });
      } finally {
        release();
      }
    },
    record,
    recordedHistory: ({ path }) => recorder.recorded(path),
    async flushHistory(context) {
      const late = new ApiError('DATABASE_BUSY', 'the query history could not be written yet; try again');
      const leftMs = context.deadlineMs - performance.now() - limits.answerReserveMs;
      const deadline = sleep(leftMs, undefined, { ref: false }).then(() => Promise.reject(late));
      try {
        await Promise.race([recorder.flush(target(context).path), deadline]);
      } catch (error) {
        if (error instanceof ApiError && error.status !== 503) return;
        throw await named(late, target(context));
      }
    },
    forgetHistory: ({ path }) => recorder.forget(path),
    onCommit: ({ path }, listener) => listeners.add(path, listener),
    writersSince: ({ path }, sinceMs) => writersSince(parts, path, sinceMs),
    monotonicMs: () => Number(process.hrtime.bigint()) / 1e6,
    locks,
    namingHolder: named,
    metricsText: async () => ({ text: await metrics.text(), contentType: metrics.contentType }),
    counters: () => ({
      requests: metrics.requests,
      queuedJobs: scheduler.queuedJobs,
      openDatabases: scheduler.openDatabases,
      executors: parts.executorPids().length,
    }),
  };
}

/** What a name stands for depends on its text alone. Working it out would take a twentieth of a short GET. */
function rememberingTargets(resolve: (name: string) => DatabaseTarget): (name: string) => DatabaseTarget {
  const known = new Map<string, DatabaseTarget>();
  return (name) => {
    const remembered = known.get(name);
    if (remembered !== undefined) return remembered;
    const target = resolve(name);
    if (known.size >= rememberedTargets) known.clear();
    known.set(name, target);
    return target;
  };
}

type Program = StudioCommitEvent['by'][number];

async function writersSince(parts: ServiceParts, path: string, sinceMs: number): Promise<Program[]> {
  const windows = (await parts.writers(relative(parts.options.root, path)))?.windows ?? [];
  const executors = new Set(parts.executorPids());
  const recent = windows.filter(({ untilMs }) => untilMs === null || untilMs >= sinceMs);
  const programs = recent.map(({ pid, command, container }) => ({
    command: executors.has(pid) ? executorName : command,
    pid,
    container,
  }));
  return distinct(programs);
}

/** Each process once; all HTTP clients are one. */
function distinct(programs: readonly Program[]): Program[] {
  const keyOf = ({ command, pid }: Program) => (command === executorName ? command : String(pid));
  return [...new Map(programs.map((program) => [keyOf(program), program])).values()];
}
