// Puts the parts of the server process together: scheduler, query history, background work, metrics, routes, Koa.

import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  DaemonState,
  FsCounters,
  LockSnapshot,
  ServerAnswer,
  ServerOptions,
  ServerRequest,
  ServerStatus,
  WriteRecord,
} from '../index.ts';
import { limits } from '../messages/limits.ts';
import { file } from '../messages/operations/file.ts';
import { queryHistory } from '../messages/operations/query-history.ts';
import { CommitListeners } from './commit-listeners.ts';
import { CommitNews } from './commit-news.ts';
import { createServices } from './create-services.ts';
import { Directories } from './directories/directories.ts';
import { createApp } from './http/app.ts';
import { Guard } from './http/guard.ts';
import { createListener } from './http/listener.ts';
import { answerLocally } from './http/local-request.ts';
import { Router } from './http/router.ts';
import { parseTokens } from './http/tokens.ts';
import { TransitBudget } from './http/transit-budget.ts';
import { locksOf, namingExecutors } from './locks.ts';
import type { Log } from './log.ts';
import { Metrics } from './metrics.ts';
import { HistoryRecorder } from './query-history-recorder.ts';
import { GenerationNumbers } from './replicas/generation-numbers.ts';
import { Replicas } from './replicas/replicas.ts';
import { acceptSockets } from './routes/libsql/sockets.ts';
import { routes } from './routes/table.ts';
import { Scheduler } from './scheduler/scheduler.ts';
import type { AskTier } from './services.ts';
import { Sessions } from './sessions/sessions.ts';
import type { ShareBook } from './share-book.ts';
import { TemporaryFiles } from './temporary-files.ts';
import { Archive, type AskArchive } from './time-machine/archive.ts';
import { archivedBy } from './time-machine/archived.ts';
import { PastStates } from './time-machine/past-states.ts';
import { TimeMachine } from './time-machine/time-machine.ts';
import { UnfinishedForks } from './time-machine/unfinished-forks.ts';
import { startBackground } from './upkeep/background.ts';
import type { KeptDatabases } from './upkeep/kept-databases.ts';

const historyWriteMs = 10_000;
/** An executor that is still at it may be copying a large file. */
const unfinishedForkMs = 120_000;

/** What the server asks its supervisor. */
export interface SupervisorQuestions {
  readonly fsCounters: () => Promise<FsCounters | null>;
  /** Given the databases that executors have open, below the root; null when the supervisor does not answer. */
  readonly daemonState: (openDatabases: readonly string[]) => Promise<DaemonState | null>;
  readonly locks: () => Promise<LockSnapshot>;
  /** Who wrote a database, given below the root. */
  readonly writers: (database: string) => Promise<WriteRecord | null>;
  /** About the past of databases. */
  readonly archive: AskArchive;
  /** About databases in RAM. */
  readonly tier: AskTier;
  /** Tells it: without a mount, executors have written these databases, given below the root. */
  readonly committed: (databases: readonly string[]) => void;
}

/** Files of the state directory, which are opened before the process becomes another user. */
export interface StateFiles {
  readonly keptDatabases: KeptDatabases;
  readonly shares: ShareBook;
  /** A folder of this process alone, for states of the past. */
  readonly pastDir: string;
  /** Which numbers copies of databases have seen. */
  readonly generationsDir: string;
}

export interface HttpServer {
  readonly server: Server;
  status(): ServerStatus;
  /** Answers the local user as HTTP would, without asking for a token. `gone`: nobody waits for it any more. */
  request(request: ServerRequest, gone?: AbortSignal): Promise<ServerAnswer>;
  /** These processes committed to a database, given below the root. */
  onForeignCommit(database: string, pids: readonly number[]): void;
  /** Exactly these databases, given below the root, must not be opened for now. */
  fence(databases: readonly string[]): void;
  /**
   * Stops taking requests (with a handover: new connections, which another process takes), waits for those that run (at
   * most `drainMs`), ends the executors.
   */
  stop(drainMs: number, isHandover: boolean): Promise<void>;
}

/** @throws Error for a token file that cannot be read */
export function createHttpServer(
  options: ServerOptions,
  log: Log,
  { keptDatabases, shares, pastDir, generationsDir }: StateFiles,
  { fsCounters, daemonState, locks, writers, archive, tier, committed }: SupervisorQuestions,
): HttpServer {
  const { root, dataDir, allowAnyAbsoluteDbPath } = options;
  const rules = { root, dataDir, allowAnyAbsoluteDbPath, pastDir };
  const stopping = new AbortController();
  const listeners = new CommitListeners();
  let fenced: ReadonlySet<string> = new Set();
  const fence = (databases: readonly string[]): void => {
    fenced = new Set(databases.map((database) => join(root, database)));
  };
  fence(options.fenced);
  // With a mount, the mount sees all commits.
  const news = options.mounted ? null : new CommitNews(committed);
  const transitBytes = Math.max(limits.transitBytes, 4 * options.maxBodyBytes);
  const budget = new TransitBudget({ shortBytes: transitBytes / 2, fullBytes: transitBytes });
  const lockWaits = async (path: string): Promise<LockSnapshot['databases'][number]['waiters']> => {
    if (!options.mounted) return [];
    return locksOf(await locks(), relative(root, path))?.waiters ?? [];
  };
  const scheduler = new Scheduler({
    rules,
    separateReaders: options.mounted,
    isFenced: (path) => fenced.has(path),
    lockWaiters: async (path) => (await lockWaits(path)).map(({ pid }) => pid),
    executorMemoryBytes: options.executorMemoryBytes,
    queuedBytes: Math.max(limits.queuedBytes, 4 * options.maxBodyBytes),
    isCongested: () => budget.isFull,
    log,
    onGroup: ({ path, lane, jobs, wrote }) => {
      metrics.observeGroup(lane, jobs);
      if (wrote) listeners.notify(path, lane === 'background' ? 'upkeep' : 'request');
      if (wrote) news?.add(relative(root, path));
      if (lane.startsWith('kv-')) background.used(path);
    },
  });
  const sessions = new Sessions({
    rules,
    isFenced: (path) => fenced.has(path),
    lockWaits,
    upkeepPids: () => scheduler.upkeepPids,
    // The mount knows who waits for whom.
    writingForMs: (path) => (options.mounted ? 0 : scheduler.writingForMs(path)),
    executorMemoryBytes: options.executorMemoryBytes,
    log,
    onWrote: (path) => {
      listeners.notify(path, 'request');
      news?.add(relative(root, path));
    },
  });
  const executorPids = (): number[] => [...scheduler.executorPids, ...sessions.executorPids];
  const metrics = new Metrics({
    queuedJobs: () => scheduler.queuedJobs,
    openDatabases: () => scheduler.openDatabases,
    executors: () => executorPids().length,
    executorDeaths: () => scheduler.executorDeaths,
    version: options.version,
    fsCounters,
    daemonState: () => daemonState(scheduler.openPaths.map((path) => relative(root, path))),
  });
  const background = startBackground({ options, scheduler, keptDatabases, writers, log });
  const states = new PastStates(pastDir);
  const timeMachine = new TimeMachine({
    archive: new Archive(archive),
    states,
    rules,
    isFenced: (path) => fenced.has(path),
    onRewound: (path) => {
      listeners.notify(path, 'request');
      background.used(path);
      news?.add(relative(root, path));
    },
  });
  const recorder = new HistoryRecorder({
    log,
    write: async (path, recorded) => {
      const request = { path, deadlineMs: performance.now() + historyWriteMs };
      await scheduler.run(queryHistory.append, recorded, request);
    },
  });
  const unfinishedForks = new UnfinishedForks(
    pastDir,
    (path, name) => {
      const request = { path, deadlineMs: performance.now() + unfinishedForkMs };
      return scheduler.runOnFile(file.removeUnfinished, { name }, request);
    },
    log,
  );
  unfinishedForks.sweep();
  const temporaryFiles = new TemporaryFiles(dataDir);
  temporaryFiles.sweep();
  const services = createServices({
    options,
    rules,
    scheduler,
    sessions,
    executorPids,
    recorder,
    listeners,
    isArchived: archivedBy(options),
    metrics,
    locks: async () => namingExecutors(await locks(), executorPids()),
    writers,
    shares,
    tier,
    timeMachine,
    unfinishedForks,
    replicas: new Replicas({ timeMachine, numbers: new GenerationNumbers(generationsDir) }),
    directories: new Directories({ ...rules, mounted: options.mounted, openPaths: () => scheduler.openPaths }),
    temporaryFiles,
    stopping: stopping.signal,
    log,
  });
  const guard = new Guard({
    corsOrigins: options.corsOrigins,
    allowHosts: options.allowHosts,
    tokens: options.authTokenFile === null ? null : parseTokens(readFileSync(options.authTokenFile, 'utf8')),
  });
  const router = new Router(routes);
  const { server, drain } = createListener(createApp({ router, guard, services, metrics, log, budget }));
  acceptSockets(server, { guard, services, budget });
  return {
    server,
    fence,
    status: () => ({
      pid: process.pid,
      executors: executorPids(),
      openDatabases: scheduler.openDatabases,
      queuedJobs: scheduler.queuedJobs,
      requests: metrics.requests,
    }),
    request: (request, gone) => answerLocally(request, { router, services, budget, gone }),
    onForeignCommit: (database, pids) => {
      const path = join(root, database);
      // Requests that committed have been told by onGroup; the rest of what executors commit is upkeep.
      const isOurs = pids.length > 0 && pids.every((pid) => executorPids().includes(pid));
      listeners.notify(path, isOurs ? 'upkeep' : 'program');
      background.committed(path, pids);
    },
    async stop(drainMs, isHandover) {
      stopping.abort();
      background.stop();
      await drain(drainMs, isHandover);
      await Promise.race([recorder.flushAll(), sleep(drainMs)]);
      await Promise.all([scheduler.stop(), sessions.stop()]);
      news?.stop();
      states.close();
      server.closeAllConnections();
    },
  };
}
