// The life of a request, on one screen: host, origin, route, token, query, handler, answer. Koa makes the context and
// answers what nobody expected.
import type { RequestListener } from 'node:http';
import Koa, { type Context } from 'koa';
import { ApiError, causeText, toApiError } from '../../messages/errors.ts';
import { limits } from '../../messages/limits.ts';
import { errorReply, type Reply } from '../../messages/reply.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Services } from '../services.ts';
import { withBookmarks } from './bookmarks.ts';
import { clientAddress } from './client-address.ts';
import { RequestContext } from './context.ts';
import type { Guard } from './guard.ts';
import { Query } from './query.ts';
import type { Route, StreamReply } from './route.ts';
import { MethodNotAllowed, type Router } from './router.ts';
import { send } from './send.ts';
import { parseTarget } from './target.ts';
import type { TransitBudget } from './transit-budget.ts';

export interface AppDeps {
  readonly router: Router;
  readonly guard: Guard;
  readonly services: Services;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly budget: TransitBudget;
}

/** The last three lines are what the clients of @upstash/redis, unstorage and MCP send. */
const allowedHeaders = [
  'Content-Type, Authorization, If-Match, If-None-Match, Idempotency-Key, Last-Event-ID, X-Requested-With',
  'Upstash-Encoding, Upstash-Sync-Token, Upstash-Telemetry-Platform, Upstash-Telemetry-Runtime, Upstash-Telemetry-Sdk',
  'X-TTL',
  'Mcp-Method, Mcp-Name, Mcp-Protocol-Version, Mcp-Session-Id',
].join(', ');
const exposedHeaders = [
  'ETag, Retry-After, X-Hoody-Error-Code, X-Created-At, X-Updated-At, X-Expire-At, X-TTL, X-JSON-Path',
  'X-Directory-Mode, X-File-Hash, X-KV-Nesting-Depth, Idempotent-Replayed',
  'X-Hoody-Bookmark, X-Hoody-Previous-Bookmark, Mcp-Session-Id',
].join(', ');

/** Without Koa's own callback, which watches the end of every answer: that costs a request about 6 of 40 us. */
export function createApp(deps: AppDeps): RequestListener {
  const app = new Koa();
  app.on('error', (error: unknown) => deps.log('debug', 'connection failed', { error: String(error) }));
  return (request, response) => {
    const context = app.createContext(request, response);
    answer(context, deps).catch((error: Error) => context.onerror(error));
  };
}

async function answer(context: Context, deps: AppDeps): Promise<void> {
  const startedMs = performance.now();
  const seen: { route: Route | null } = { route: null };
  let reply: Reply | StreamReply;
  try {
    reply = await handle(context, deps, seen);
  } catch (thrown) {
    const error = toApiError(thrown);
    const isUsual = error.code === 'REQUEST_TIMEOUT' || error.code === 'DATABASE_BUSY' || context.req.socket.destroyed;
    if (error.status >= 500 && !isUsual) {
      deps.log('warn', 'request failed', { route: seen.route?.name, code: error.code, cause: causeText(error) });
    }
    if (error instanceof MethodNotAllowed) context.res.setHeader('Allow', error.allowed);
    const [path = ''] = (context.req.url ?? '').split('?', 1);
    reply = (seen.route?.errorReply ?? deps.router.errorReplyOf(path) ?? errorReply)(error);
  }
  if (deps.services.stopping.aborted) context.res.setHeader('Connection', 'close');
  send(context, reply, deps.budget);
  deps.metrics.observe(seen.route?.name ?? 'none', reply.status, (performance.now() - startedMs) / 1000);
}

async function handle(context: Context, deps: AppDeps, seen: { route: Route | null }): Promise<Reply | StreamReply> {
  const { req, res } = context;
  const { url, host } = parseTarget(req.url ?? '/', req.headers.host);
  req.url = url;
  const at = url.indexOf('?');
  const path = at < 0 ? url : url.slice(0, at);
  if (url.length > limits.urlBytes) {
    throw new ApiError('URI_TOO_LONG', `the URL is longer than ${limits.urlBytes} bytes`);
  }
  if (req.headers.host === undefined && req.httpVersion === '1.1') {
    throw new ApiError('INVALID_PARAMETERS', 'a request of HTTP/1.1 needs a Host header');
  }
  deps.guard.checkHost(host);
  const origin = deps.guard.checkOrigin(req.headers.origin, host);
  if (origin !== null) {
    res.setHeader('Access-Control-Allow-Origin', origin);
    res.setHeader('Access-Control-Expose-Headers', exposedHeaders);
    if (origin !== '*') res.setHeader('Vary', 'Origin');
  }
  if (req.method === 'OPTIONS') return preflight(res);

  const { route, key, numbers } = deps.router.match(req.method ?? 'GET', path);
  seen.route = route;
  const access = deps.guard.checkToken(req.headers.authorization, route);
  const request = new RequestContext({
    key,
    numbers,
    access,
    query: new Query(at < 0 ? '' : url.slice(at + 1), route.query),
    request: req,
    clientIp: clientAddress(req, deps.services.options.trustProxy),
    maxBodyBytes: deps.services.options.maxBodyBytes,
    budget: deps.budget,
  });
  const reply = await route.handle(request, deps.services);
  return request.bookmarks === undefined ? reply : withBookmarks(reply, route, request.bookmarks);
}

function preflight(res: Context['res']): Reply {
  res.setHeader('Access-Control-Allow-Methods', 'GET, HEAD, POST, PUT, DELETE');
  res.setHeader('Access-Control-Allow-Headers', allowedHeaders);
  res.setHeader('Access-Control-Max-Age', '600');
  return { status: 204, body: null };
}
