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
import type { PathRules } from '../messages/paths.ts';
import { type CommitBy, CommitListeners } from './commit-listeners.ts';
import { CommitNews } from './commit-news.ts';
import { createServices } from './create-services.ts';
import { Directories } from './directories/directories.ts';
import { createExecutors } from './executors.ts';
import { type AppDeps, createApp } from './http/app.ts';
import { Guard } from './http/guard.ts';
import { createListener } from './http/listener.ts';
import { answerLocally } from './http/local-request.ts';
import { Router } from './http/router.ts';
import { parseTokens } from './http/tokens.ts';
import { TransitBudget } from './http/transit-budget.ts';
import { namingExecutors } from './locks.ts';
import type { Log } from './log.ts';
import { Metrics } from './metrics.ts';
import { HistoryRecorder } from './query-history-recorder.ts';
import { GenerationNumbers } from './replicas/generation-numbers.ts';
import { Replicas } from './replicas/replicas.ts';
import { acceptSockets } from './routes/libsql/sockets.ts';
import { routes } from './routes/table.ts';
import type { Scheduler } from './scheduler/scheduler.ts';
import type { AskTier } from './services.ts';
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
  const isFenced = (path: string): boolean => fenced.has(path);
  // With a mount, the mount sees all commits.
  const news = options.mounted ? null : new CommitNews(committed);
  const transitBytes = Math.max(limits.transitBytes, 4 * options.maxBodyBytes);
  const budget = new TransitBudget({ shortBytes: transitBytes / 2, fullBytes: transitBytes });
  const tellCommit = (path: string, by: CommitBy): void => {
    listeners.notify(path, by);
    news?.add(relative(root, path));
  };
  const { scheduler, sessions, executorPids } = createExecutors({
    options,
    rules,
    isFenced,
    locks,
    isCongested: () => budget.isFull,
    log,
    onGroup: (group) => {
      metrics.observeGroup(group.lane, group.jobs);
      if (group.wrote) tellCommit(group.path, group.lane === 'background' ? 'upkeep' : 'request');
      if (group.lane.startsWith('kv-')) background.used(group.path);
    },
    onSessionWrote: (path) => tellCommit(path, 'request'),
  });
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
  const past = createPast({
    archive,
    pastDir,
    generationsDir,
    rules,
    isFenced,
    scheduler,
    log,
    onRewound: (path) => {
      tellCommit(path, 'request');
      background.used(path);
    },
  });
  const recorder = new HistoryRecorder({
    log,
    write: async (path, recorded) => {
      const request = { path, deadlineMs: performance.now() + historyWriteMs };
      await scheduler.run(queryHistory.append, recorded, request);
    },
  });
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
    ...past,
    directories: new Directories({ ...rules, mounted: options.mounted, openPaths: () => scheduler.openPaths }),
    temporaryFiles,
    stopping: stopping.signal,
    log,
  });
  const { server, drain, router } = openDoor({ services, metrics, log, budget });
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
      past.states.close();
      server.closeAllConnections();
    },
  };
}

interface PastParts extends Pick<StateFiles, 'pastDir' | 'generationsDir'> {
  readonly archive: AskArchive;
  readonly rules: PathRules;
  readonly isFenced: (path: string) => boolean;
  readonly scheduler: Scheduler;
  readonly onRewound: (path: string) => void;
  readonly log: Log;
}

/** What is done with states of the past. */
function createPast({ archive, pastDir, generationsDir, rules, isFenced, scheduler, onRewound, log }: PastParts) {
  const states = new PastStates(pastDir);
  const timeMachine = new TimeMachine({ archive: new Archive(archive), states, rules, isFenced, onRewound });
  const removeUnfinished = (path: string, name: string): Promise<null> => {
    const request = { path, deadlineMs: performance.now() + unfinishedForkMs };
    return scheduler.runOnFile(file.removeUnfinished, { name }, request);
  };
  const unfinishedForks = new UnfinishedForks(pastDir, removeUnfinished, log);
  unfinishedForks.sweep();
  const replicas = new Replicas({ timeMachine, numbers: new GenerationNumbers(generationsDir) });
  return { states, timeMachine, unfinishedForks, replicas };
}

/** What stands between clients and the services. It does not listen yet. */
function openDoor(parts: Pick<AppDeps, 'services' | 'metrics' | 'log' | 'budget'>) {
  const { corsOrigins, allowHosts, authTokenFile } = parts.services.options;
  const tokens = authTokenFile === null ? null : parseTokens(readFileSync(authTokenFile, 'utf8'));
  const guard = new Guard({ corsOrigins, allowHosts, tokens });
  const router = new Router(routes);
  const { server, drain } = createListener(createApp({ ...parts, router, guard }));
  acceptSockets(server, { ...parts, guard });
  return { server, drain, router };
}
