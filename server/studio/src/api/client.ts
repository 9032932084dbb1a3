// Requests to the server: the token, the errors, the state of the connection. Nothing here knows a view.
import { signal } from '@preact/signals';
import { load, readText, save } from '../storage.ts';

/** Relative to the page, so that a path of a reverse proxy stays in front. */
const base = new URL('api/v1/sqlite/', document.baseURI);

export interface Holder {
  readonly command: string;
  readonly pid: number;
  readonly container: string;
  readonly lock: string;
}

/** What the server said, or that it did not answer: then `status` is 0 and `code` is UNREACHABLE. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | undefined;
  readonly holder: Holder | undefined;
  /** The whole answer, for members that one route alone has. */
  readonly body: Readonly<Record<string, unknown>>;

  constructor(status: number, body: Readonly<Record<string, unknown>>) {
    super(typeof body.error === 'string' ? body.error : `the server answered ${status}`);
    this.status = status;
    this.code = typeof body.code === 'string' ? body.code : `HTTP_${status}`;
    this.hint = typeof body.hint === 'string' ? body.hint : undefined;
    this.holder = typeof body.holder === 'object' && body.holder !== null ? (body.holder as Holder) : undefined;
    this.body = body;
  }
}

export type Connection = 'connected' | 'lost';
export const connection = signal<Connection>('connected');

/** Counts the times the server came back: whoever shows data reads it again. */
export const reconnects = signal(0);

let token: string | null = load('token', readText, 'session') ?? null;

/** Shown as a dialog while it is not null. */
export const tokenPrompt = signal<{ readonly wrong: boolean; readonly answer: (token: string) => void } | null>(null);

let asking: Promise<void> | null = null;

/** All requests that were refused wait for the same answer. */
function askForToken(): Promise<void> {
  asking ??= new Promise<void>((resolve) => {
    tokenPrompt.value = {
      wrong: token !== null,
      answer: (given) => {
        token = given;
        tokenPrompt.value = null;
        asking = null;
        resolve();
      },
    };
  });
  return asking;
}

/** The token is in memory. `keep` writes it to sessionStorage, which ends with the tab. It is never in a URL. */
export function setToken(given: string, keep: boolean): void {
  save('token', keep ? given : undefined, 'session');
  tokenPrompt.peek()?.answer(given);
}

export function forgetToken(): void {
  token = null;
  save('token', undefined, 'session');
}

export const hasToken = () => token !== null;

export interface RequestOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | null | undefined>>;
  /** Sent as JSON, unless it is a Blob or text. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Instead of fetch: upload.ts, which tells how much of a body is sent. */
  readonly transport?: (url: URL, init: RequestInit) => Promise<Response>;
  /** Instead of the page's own token: that of a share. */
  readonly token?: string;
}

export function urlOf(path: string, query: RequestOptions['query'] = {}): URL {
  const url = new URL(path, base);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined) url.searchParams.set(name, String(value));
  }
  return url;
}

/** The answer as it came, once its status says success. Asks for a token where one is needed. @throws ApiError */
export async function request(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
  for (;;) {
    const used = options.token ?? token;
    const response = await send(method, path, options, used);
    if (response.ok || response.status === 304) return response;
    if (response.status === 401 && options.token === undefined) {
      if (used === token) await askForToken();
      continue;
    }
    throw new ApiError(response.status, await errorBody(response));
  }
}

async function send(method: string, path: string, options: RequestOptions, bearer: string | null): Promise<Response> {
  const { body, query, signal: abort, transport = fetch } = options;
  const isRaw = typeof body === 'string' || body instanceof Blob;
  const headers = new Headers(options.headers);
  if (bearer !== null) headers.set('Authorization', `Bearer ${bearer}`);
  if (body !== undefined && !isRaw) headers.set('Content-Type', 'application/json');
  try {
    const response = await transport(urlOf(path, query), {
      method,
      headers,
      cache: 'no-store',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      ...(body === undefined ? {} : { body: isRaw ? body : JSON.stringify(body) }),
      ...(abort === undefined ? {} : { signal: abort }),
    });
    setConnected();
    return response;
  } catch (error) {
    if (abort?.aborted) throw error;
    connection.value = 'lost';
    throw new ApiError(0, { code: 'UNREACHABLE', error: 'the server does not answer' });
  }
}

async function errorBody(response: Response): Promise<Readonly<Record<string, unknown>>> {
  const text = await response.text().catch(() => '');
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return text === '' ? {} : { error: text.slice(0, 500) };
  }
}

function setConnected(): void {
  if (connection.peek() === 'connected') return;
  connection.value = 'connected';
  reconnects.value += 1;
}

/** JSON of `GET path`. `path` begins below /api/v1/sqlite/, e.g. `studio/schema`. */
export async function get<T>(path: string, query?: RequestOptions['query'], signal?: AbortSignal): Promise<T> {
  const response = await request('GET', path, { ...(query && { query }), signal });
  return (await response.json()) as T;
}

export async function post<T>(
  path: string,
  query: RequestOptions['query'],
  body: unknown,
  signal?: AbortSignal,
): Promise<T> {
  const response = await request('POST', path, { ...(query && { query }), body, signal });
  return (await response.json()) as T;
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** The server is away, or busy: what was read before still stands. */
export function isPassing(error: unknown): boolean {
  return error instanceof ApiError && [0, 429, 503].includes(error.status);
}

/** What a toast or a banner says of an error. */
export function errorText(error: unknown): string {
  if (error instanceof ApiError) return error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
  return error instanceof Error ? error.message : String(error);
}

const retryMs = 1000;

/** While the server is away: asks until it answers. Called once by main.tsx. */
export function watchConnection(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ask = async () => {
    await request('GET', 'health').catch(() => undefined);
    if (connection.peek() === 'lost') timer = setTimeout(ask, retryMs);
  };
  connection.subscribe((state) => {
    clearTimeout(timer);
    if (state === 'lost') timer = setTimeout(ask, retryMs);
  });
}
