// Starts the real server process alone, as the supervisor does (socket as fd 3, IPC), on a fresh directory without a
// mount.
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ArchiveAnswer,
  type ArchiveQuestion,
  type FromServer,
  type ServerAnswer,
  type ServerOptions,
  type ServerStatus,
  serverProcessPath,
} from '../../server/index.ts';

export type AnswerArchive = (question: ArchiveQuestion) => Promise<ArchiveAnswer<unknown> | undefined>;

export interface TestServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly root: string;
  readonly child: ChildProcess;
  readonly logs: FromServer[];
  status(): Promise<ServerStatus>;
  /** As the supervisor asks for the local user. */
  request(method: string, target: string): Promise<ServerAnswer>;
}

/** Runs `use` against a server of its own; ends it and removes its files afterwards. */
export async function withServer<Result>(
  options: Partial<ServerOptions>,
  use: (server: TestServer) => Promise<Result>,
): Promise<Result> {
  const { server, end } = await startServer(options);
  try {
    return await use(server);
  } finally {
    await end();
  }
}

/** For a file whose tests share one server: start in beforeAll, `end` in afterAll. */
export async function startServer(
  options: Partial<ServerOptions> = {},
  archive: AnswerArchive = async () => undefined,
): Promise<{ server: TestServer; end: () => Promise<void> }> {
  const root = options.root ?? realpathSync(mkdtempSync(join(tmpdir(), 'hoody-http-')));
  const { fd, port, release } = await listen();
  const child = fork(serverProcessPath, [], { stdio: ['ignore', 'inherit', 'inherit', fd, 'ipc'] });
  release();
  const logs: FromServer[] = [];
  const answers = new Map<number, (value: unknown) => void>();
  let nextId = 1;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const ready = new Promise<void>((resolve, reject) => {
    child.on('message', (raw) => {
      const message = raw as FromServer;
      if (message.type === 'ready') resolve();
      if (message.type === 'log') logs.push(message);
      if (message.type === 'query' && message.name === 'archive') {
        const { id } = message;
        void archive(message.args as ArchiveQuestion).then((value) => child.send({ type: 'answer', id, value }));
      }
      if (message.type === 'answer') answers.get(message.id)?.(message.value);
    });
    void exited.then(() => reject(new Error('the server process ended before it was ready')));
  });
  child.send({
    type: 'start',
    options: {
      root,
      dataDir: root,
      mounted: false,
      stateDir: root,
      version: '0.0.0-test',
      fenced: [],
      allowAnyAbsoluteDbPath: false,
      createOnWrite: false,
      corsOrigins: [],
      allowHosts: [],
      authTokenFile: null,
      maxBodyBytes: 16 * 1024 * 1024,
      executorMemoryBytes: 1024 * 1024 * 1024,
      trustProxy: false,
      archive: null,
      historyMaxAgeMs: 30 * 24 * 3600 * 1000,
      historyMaxOps: 1_000_000,
      logLevel: 'info',
      ...options,
    } satisfies ServerOptions,
  });
  await ready;
  const query = <Value>(name: string, args?: unknown): Promise<Value> =>
    new Promise((resolve) => {
      const id = nextId;
      nextId += 1;
      answers.set(id, (value) => resolve(value as Value));
      child.send({ type: 'query', id, name, args });
    });
  return {
    server: {
      url: `http://127.0.0.1:${port}`,
      root,
      child,
      logs,
      status: () => query<ServerStatus>('status'),
      request: (method, target) => query<ServerAnswer>('request', { method, target, timeoutMs: 20_000 }),
    },
    end: async () => {
      if (child.connected) child.send({ type: 'stop', drainMs: 1_000 });
      const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await exited;
      clearTimeout(timer);
      if (options.root === undefined) rmSync(root, { recursive: true, force: true });
    },
  };
}

/** A listening socket by number. `release` closes this process's copy before it could accept anything. */
async function listen(): Promise<{ fd: number; port: number; release: () => void }> {
  const socket = createServer();
  await new Promise<void>((resolve) => socket.listen(0, '127.0.0.1', resolve));
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
  const address = socket.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { fd, port, release: () => socket.close() };
}
