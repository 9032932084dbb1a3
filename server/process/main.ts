// The server process: told its options by the supervisor, listens on the socket it inherited as fd 3, and ends when
// told to or when the supervisor is gone.

import type {
  DaemonState,
  FromServer,
  FsCounters,
  LockSnapshot,
  LogLevel,
  ServerOptions,
  ServerRequest,
  SupervisorQuestion,
  ToServer,
  WriteRecord,
} from '../index.ts';
import type { TierAnswer, TierQuestion } from '../messages/tier.ts';
import type { ArchiveAnswer, ArchiveQuestion } from '../messages/time-machine.ts';
import { createHttpServer, type HttpServer } from './http-server.ts';
import type { Log } from './log.ts';
import { becomeUser } from './privileges.ts';
import { makeGenerationsFolder } from './replicas/generation-numbers.ts';
import { ShareBook } from './share-book.ts';
import { makePastFolder } from './time-machine/past-states.ts';
import { KeptDatabases } from './upkeep/kept-databases.ts';

const listenFd = 3;
const queryTimeoutMs = 2_000;
const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

let http: HttpServer | undefined;
let logLevel: LogLevel = 'info';
let isStopping = false;
let nextQueryId = 1;
const waiting = new Map<number, (value: unknown) => void>();
/** Requests of the local user that are at work, by their names. */
const givenUp = new Map<string, AbortController>();

/**
 * A supervisor that has just died still looks connected: without the callback the failed write would end requests in
 * flight.
 */
function send(message: FromServer): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

const log: Log = (level, event, fields = {}) => {
  if (levels.indexOf(level) >= levels.indexOf(logLevel)) send({ type: 'log', level, event, fields });
};

/** Asks the supervisor; undefined when it does not answer in time. */
function ask(name: SupervisorQuestion, args?: unknown, timeoutMs = queryTimeoutMs): Promise<unknown> {
  const id = nextQueryId;
  nextQueryId += 1;
  return new Promise((resolve) => {
    const timer = setTimeout(() => settle(undefined), timeoutMs);
    const settle = (value: unknown): void => {
      clearTimeout(timer);
      waiting.delete(id);
      resolve(value);
    };
    waiting.set(id, settle);
    send({ type: 'query', id, name, ...(args === undefined ? {} : { args }) });
  });
}

async function readFsCounters(mounted: boolean): Promise<FsCounters | null> {
  if (!mounted) return null;
  return ((await ask('fs-counters')) as FsCounters | undefined) ?? null;
}

async function readDaemonState(openDatabases: readonly string[]): Promise<DaemonState | null> {
  return ((await ask('daemon-state', openDatabases)) as DaemonState | undefined) ?? null;
}

async function readLocks(mounted: boolean): Promise<LockSnapshot> {
  if (!mounted) return { databases: [] };
  return ((await ask('locks')) as LockSnapshot | undefined) ?? { databases: [] };
}

async function askArchive(question: ArchiveQuestion, timeoutMs: number): Promise<ArchiveAnswer<unknown> | undefined> {
  return (await ask('archive', question, timeoutMs)) as ArchiveAnswer<unknown> | undefined;
}

async function askTier(question: TierQuestion, timeoutMs: number): Promise<TierAnswer<unknown> | undefined> {
  return (await ask('tier', question, timeoutMs)) as TierAnswer<unknown> | undefined;
}

async function readWriters(database: string): Promise<WriteRecord | null> {
  return ((await ask('writers', database)) as WriteRecord | null | undefined) ?? null;
}

function start(options: ServerOptions): void {
  logLevel = options.logLevel;
  const files = {
    keptDatabases: new KeptDatabases(options.stateDir, options.root, log),
    shares: new ShareBook(options.stateDir, options.root, log),
    pastDir: makePastFolder(options.stateDir, options.user),
    generationsDir: makeGenerationsFolder(options.stateDir, options.user),
  };
  if (options.user !== undefined) becomeUser(options.user);
  const made = createHttpServer(options, log, files, {
    fsCounters: () => readFsCounters(options.mounted),
    daemonState: readDaemonState,
    locks: () => readLocks(options.mounted),
    writers: readWriters,
    archive: askArchive,
    tier: askTier,
    committed: (databases) => send({ type: 'committed', databases }),
  });
  http = made;
  made.server.once('error', (error) => {
    log('error', 'cannot listen', { error: String(error) });
    process.exit(1);
  });
  made.server.listen({ fd: listenFd }, () => send({ type: 'ready' }));
}

async function stop(drainMs: number, isHandover: boolean): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  await http?.stop(drainMs, isHandover);
  process.exit(0);
}

async function answerRequest(server: HttpServer, id: number, request: ServerRequest): Promise<void> {
  const gone = new AbortController();
  const { name = '' } = request;
  if (name !== '') givenUp.set(name, gone);
  const value = await server.request(request, gone.signal);
  givenUp.delete(name);
  send({ type: 'answer', id, value });
}

function receive(message: ToServer): void {
  switch (message.type) {
    case 'start':
      start(message.options);
      break;
    case 'query':
      if (message.name === 'status' && http !== undefined) {
        send({ type: 'answer', id: message.id, value: http.status() });
      } else if (message.name === 'request' && http !== undefined) {
        void answerRequest(http, message.id, message.args as ServerRequest);
      } else {
        send({ type: 'answer', id: message.id, error: `no query ${message.name}` });
      }
      break;
    case 'give-up':
      givenUp.get(message.request)?.abort();
      break;
    case 'answer':
      waiting.get(message.id)?.(message.value);
      break;
    case 'commit':
      http?.onForeignCommit(message.database, message.pids);
      break;
    case 'fenced':
      http?.fence(message.databases);
      break;
    case 'log-level':
      logLevel = message.level;
      break;
    case 'stop':
      void stop(message.drainMs, message.isHandover);
      break;
    default:
      message satisfies never;
  }
}

process.on('message', (message) => receive(message as ToServer));
process.on('disconnect', () => void stop(0, false));
// The supervisor may have gone while this module was being loaded: then nobody hears the event.
if (!process.connected) process.exit(0);
// The terminal's Ctrl-C reaches every process of the group; the supervisor decides what it means.
process.on('SIGINT', () => {});
