// One daemon on a real mount for all tests of a file, and a plain way to call it: raw requests (any Host, any body, no
// header of the client's own), the answer as text and as JSON. Every answer must be as the API describes itself.
import http from 'node:http';
import { afterAll, beforeAll, expect } from 'vitest';
import { type Daemon, withDaemon } from './daemon.ts';
import { expectDescribed } from './described-answers.ts';
import { eventually } from './eventually.ts';

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  /** The body where it is JSON, else undefined. Numbers beyond 2^53 are rounded here: look at `text`. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into answers of every shape.
  readonly json: any;
}

export interface CallOptions {
  readonly body?: string | Buffer | object;
  readonly headers?: http.OutgoingHttpHeaders;
}

export interface Api {
  readonly daemon: Daemon;
  /** `path` is below /api/v1/sqlite unless it starts with //, which stands for the root of the server. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
  /** POST /db with these items. */
  sql(db: string, ...items: readonly object[]): Promise<Answer>;
}

const agent = new http.Agent({ keepAlive: true });

export function request(url: string, method: string, { body, headers = {} }: CallOptions = {}): Promise<Answer> {
  const payload = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const length = payload === undefined ? {} : { 'content-length': Buffer.byteLength(payload) };
    const outgoing = http.request(url, { method, agent, headers: { ...length, ...headers } }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.once('error', reject);
      incoming.once('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const answer = { status: incoming.statusCode ?? 0, headers: incoming.headers, text };
        try {
          expectDescribed(method, url, answer);
        } catch (error) {
          reject(error);
        }
        resolve({ ...answer, json: parse(text) });
      });
    });
    outgoing.once('error', reject);
    outgoing.end(payload);
  });
}

export function apiOf(daemon: Daemon): Api {
  const call: Api['call'] = (method, path, options) =>
    request(path.startsWith('//') ? daemon.url + path.slice(1) : `${daemon.url}/api/v1/sqlite${path}`, method, options);
  return {
    daemon,
    call,
    sql: (db, ...items) =>
      call('POST', `/db?db=${encodeURIComponent(db)}&create_db_if_missing=true`, { body: { transaction: items } }),
  };
}

/**
 * A killed server breaks connections, and what a killed executor had not committed is answered 503: a client tries
 * again.
 */
export async function untilServed(call: () => Promise<Answer>): Promise<Answer> {
  const outcome = await eventually(
    async () => {
      const answer = await call().catch((error: NodeJS.ErrnoException) => {
        if (['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(error.code ?? '')) throw error;
        return error;
      });
      if (!(answer instanceof Error)) expect(answer.status).not.toBe(503);
      return answer;
    },
    { timeoutMs: 60_000 },
  );
  if (outcome instanceof Error) throw outcome;
  return outcome;
}

export async function executorsOf({ daemon }: Api): Promise<number[]> {
  const { processes } = await daemon.status();
  return processes.filter(({ role }) => role === 'executor').map(({ pid }) => pid);
}

/** 0 where it was not counted yet. */
export async function metricOf({ call }: Api, name: string): Promise<number> {
  const { text } = await call('GET', '//metrics');
  return Number(new RegExp(`^${name.replaceAll(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
}

/** Resolves when its successor serves. */
export async function killServer({ daemon, call }: Api): Promise<void> {
  const { processes } = await daemon.status();
  const server = processes.find(({ role }) => role === 'server');
  if (server === undefined) throw new Error('the daemon has no server process');
  process.kill(server.pid, 'SIGKILL');
  await untilServed(() => call('GET', '/health'));
}

/** Starts a daemon before the tests of the calling file (or describe) and ends it after them. */
export function useDaemon(flags: readonly string[] = []): () => Api {
  let api: Api | undefined;
  let finish: () => void = () => {};
  let session: Promise<void> | undefined;
  beforeAll(async () => {
    await new Promise<void>((resolve, reject) => {
      session = withDaemon(flags, (daemon) => {
        api = apiOf(daemon);
        resolve();
        return new Promise<void>((end) => {
          finish = end;
        });
      });
      session.catch(reject);
    });
  });
  afterAll(async () => {
    finish();
    await session;
  });
  return () => {
    if (api === undefined) throw new Error('the daemon is not started');
    return api;
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
