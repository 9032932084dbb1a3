// Puts the parts of the server process together: scheduler, query history, commit listeners, metrics, routes, Koa.
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import net from 'node:net';
import { join, relative } from 'node:path';
import type { Duplex } from 'node:stream';
import { resolveDatabase } from './databases/paths.ts';
import { ApiError } from './errors.ts';
import { Scheduler } from './executors/scheduler.ts';
import { type HistoryEntry, historyAppend } from './history/operations.ts';
import { HistoryRecorder } from './history/recorder.ts';
import { createApp } from './http/app.ts';
import type { RequestContext } from './http/context.ts';
import { Guard, parseTokens } from './http/guard.ts';
import { Router } from './http/router.ts';
import { watchSilentConnections } from './http/silent-connections.ts';
import type { FsCounters, LockSnapshot, ServerOptions, ServerStatus, WriteRecord } from './index.ts';
import { KvKeeper } from './kv/keeper.ts';
import type { KeptDatabases } from './kv/kept-databases.ts';
import { kvLogEnds, kvNameRows } from './kv/native-rows.ts';
import { NativeWriters } from './kv/native-writers.ts';
import { kvRetain } from './kv/retention.ts';
import { limits } from './limits.ts';
import { locksOf, namingHolder } from './locks.ts';
import type { Log } from './log.ts';
import { Metrics } from './metrics.ts';
import { routes } from './routes/table.ts';
import type { HistoryRecord, Services } from './services.ts';

const historyWriteMs = 10_000;

/** What the server asks its supervisor. */
export interface SupervisorQuestions {
  readonly fsCounters: () => Promise<FsCounters | null>;
  readonly locks: () => Promise<LockSnapshot>;
  /** Who wrote a database, given below the root. */
  readonly writers: (database: string) => Promise<WriteRecord | null>;
}

export interface HttpServer {
  readonly server: Server;
  status(): ServerStatus;
  /** These processes committed to a database, given below the root. */
  onForeignCommit(database: string, pids: readonly number[]): void;
  /** Exactly these databases, given below the root, must not be opened for now. */
  fence(databases: readonly string[]): void;
  /** Stops taking requests (with a handover: new connections, which another process takes), waits for those that run (at most `drainMs`), ends the executors. */
  stop(drainMs: number, isHandover: boolean): Promise<void>;
}

/** How long an idle connection is left to its client after a successor has taken over. */
const handoverMs = 1_500;

/** @throws Error for a token file that cannot be read */
export function createHttpServer(
  options: ServerOptions,
  log: Log,
  keptDatabases: KeptDatabases,
  { fsCounters, locks, writers }: SupervisorQuestions,
): HttpServer {
  const rules = {
    root: options.root,
    dataDir: options.dataDir,
    allowAnyAbsoluteDbPath: options.allowAnyAbsoluteDbPath,
  };
  const stopping = new AbortController();
  const listeners = new Map<string, Set<() => void>>();
  const notify = (path: string): void => {
    for (const listener of listeners.get(path) ?? []) listener();
  };
  const fenced = new Set<string>();
  const fence = (databases: readonly string[]): void => {
    fenced.clear();
    for (const database of databases) fenced.add(join(options.root, database));
  };
  fence(options.fenced);
  const scheduler = new Scheduler({
    rules,
    isFenced: (path) => fenced.has(path),
    log,
    onGroup: ({ path, lane, jobs, wrote }) => {
      metrics.observeGroup(lane, jobs);
      if (wrote) notify(path);
      if (lane === 'kv-read' || lane === 'kv-write') keeper.use(path);
    },
  });
  const metrics = new Metrics({
    queuedJobs: () => scheduler.queuedJobs,
    openDatabases: () => scheduler.openDatabases,
    executors: () => scheduler.executorPids.length,
    fsCounters,
  });
  const retention = { maxAgeSeconds: Math.ceil(options.historyMaxAgeMs / 1000), maxOps: options.historyMaxOps };
  const inBackground = (path: string) => ({
    path,
    deadlineMs: performance.now() + limits.deadlineDefaultSeconds * 1000,
  });
  const nativeWriters = new NativeWriters({
    ends: (path) => scheduler.run(kvLogEnds, {}, inBackground(path)),
    writers: (path) => writers(relative(options.root, path)),
    name: (path, rows) => scheduler.run(kvNameRows, rows, inBackground(path)),
    isExecutor: (pid) => scheduler.executorPids.includes(pid),
  });
  const keeper = new KvKeeper({
    log,
    onKept: (path) => {
      if (options.mounted) nativeWriters.watch(path);
    },
    onLooked: (path, isKv) => {
      if (isKv) keptDatabases.add(path);
      else keptDatabases.remove(path);
    },
    onGone: (path) => {
      nativeWriters.forget(path);
      keptDatabases.remove(path);
    },
    retain: (path, progress) => scheduler.run(kvRetain, { ...retention, progress }, inBackground(path)),
  });
  keeper.resume(keptDatabases.paths);
  const recorder = new HistoryRecorder({
    log,
    write: async (path, entries, mayCreate) => {
      await scheduler.run(
        historyAppend,
        { entries, mayCreate },
        { path, deadlineMs: performance.now() + historyWriteMs },
      );
    },
  });

  const services: Services = {
    options,
    log,
    stopping: stopping.signal,
    resolve: (name) => resolveDatabase(name, rules),
    target: (context) => resolveDatabase(context.query.text('db'), rules),
    async run(operation, context, args, { record, ...run } = {}) {
      const target = services.target(context);
      const startedMs = performance.now();
      const remember = (error: string | null): void => {
        if (record !== undefined)
          services.record(target, [makeEntry(context, record, startedMs, error)], error === null);
      };
      try {
        const request = { path: target.path, deadlineMs: context.deadlineMs, ...run };
        const result = await scheduler.run(operation, args, request);
        remember(null);
        return result;
      } catch (error) {
        remember(error instanceof Error ? error.message : String(error));
        throw error instanceof ApiError ? await services.namingHolder(error, context) : error;
      }
    },
    locks,
    namingHolder: (error, context) => {
      const { path } = services.target(context);
      return namingHolder(error, async () => locksOf(await locks(), relative(options.root, path)));
    },
    runOnFile: (operation, context, path, args) =>
      scheduler.runOnFile(operation, args, { path, deadlineMs: context.deadlineMs }),
    record({ path }, entries, isWrite) {
      for (const entry of entries) recorder.record(path, entry, isWrite);
    },
    async flushHistory({ path }) {
      try {
        await recorder.flush(path);
      } catch (error) {
        if (error instanceof ApiError && error.code !== 'DATABASE_BUSY' && error.code !== 'REQUEST_TIMEOUT') return;
        throw new ApiError('SERVICE_UNAVAILABLE', 'the query history could not be written yet; try again');
      }
    },
    forgetHistory: ({ path }) => recorder.forget(path),
    onCommit({ path }, listener) {
      const known = listeners.get(path) ?? new Set();
      listeners.set(path, known.add(listener));
      return () => {
        known.delete(listener);
        if (known.size === 0 && listeners.get(path) === known) listeners.delete(path);
      };
    },
    metricsText: async () => ({ text: await metrics.text(), contentType: metrics.contentType }),
    counters: () => ({
      requests: metrics.requests,
      queuedJobs: scheduler.queuedJobs,
      openDatabases: scheduler.openDatabases,
      executors: scheduler.executorPids.length,
    }),
  };

  const guard = new Guard({
    corsOrigins: options.corsOrigins,
    allowHosts: options.allowHosts,
    tokens: options.authTokenFile === null ? null : parseTokens(readFileSync(options.authTokenFile, 'utf8')),
  });
  const app = createApp({ router: new Router(routes), guard, services, metrics, log });
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: limits.slowClientCheckMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveMs,
    },
    app.callback(),
  );
  server.setTimeout(limits.idleSocketMs);
  server.on('clientError', refuseMalformed);
  const endSilentConnections = watchSilentConnections(server);

  return {
    server,
    status: () => ({
      pid: process.pid,
      executors: scheduler.executorPids,
      openDatabases: scheduler.openDatabases,
      queuedJobs: scheduler.queuedJobs,
      requests: metrics.requests,
    }),
    fence,
    onForeignCommit: (database, pids) => {
      const path = join(options.root, database);
      notify(path);
      keeper.onCommit(path);
      nativeWriters.onCommit(path, pids);
    },
    async stop(drainMs, isHandover) {
      stopping.abort();
      keeper.stop();
      nativeWriters.stop();
      // The HTTP server's own close ends idle connections, on which a client may be about to send: with a successor there is
      // time to answer that request too, as the last one of its connection.
      const closed = new Promise<void>((resolve) => {
        if (isHandover) net.Server.prototype.close.call(server, () => resolve());
        else server.close(() => resolve());
      });
      if (!isHandover) endSilentConnections();
      // Whoever sent nothing for a while is not about to.
      const idle = setInterval(() => {
        server.closeIdleConnections();
        endSilentConnections();
      }, handoverMs);
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, drainMs))]);
      clearInterval(idle);
      await Promise.race([recorder.flushAll(), new Promise((resolve) => setTimeout(resolve, drainMs))]);
      await scheduler.stop();
      server.closeAllConnections();
    },
  };
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

/** What Node's HTTP parser refuses gets an answer in the API's own form before the connection is closed. */
function refuseMalformed(error: Error & { readonly code?: string }, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const refusal =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? new ApiError('HEADERS_TOO_LARGE', `the request line and headers are larger than ${limits.headerBytes} bytes`)
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? new ApiError('INVALID_PARAMETERS', 'the request was not sent in time')
        : new ApiError('INVALID_PARAMETERS', 'the request is not valid HTTP');
  const body = JSON.stringify(refusal.body());
  const reason = refusal.status === 431 ? 'Request Header Fields Too Large' : 'Bad Request';
  socket.end(
    `HTTP/1.1 ${refusal.status} ${reason}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
