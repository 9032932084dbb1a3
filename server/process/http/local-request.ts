// Answers a request that came from the local user by way of the supervisor, with no connection of its own: the routes
// are those of HTTP. Host, origin and token are not asked for.
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { ServerAnswer, ServerRequest } from '../../index.ts';
import { asBuffer } from '../../messages/bytes.ts';
import { ApiError, toApiError } from '../../messages/errors.ts';
import { errorReply, type Reply } from '../../messages/reply.ts';
import type { Services } from '../services.ts';
import { RequestContext } from './context.ts';
import { Query } from './query.ts';
import type { Route, StreamReply } from './route.ts';
import type { Router } from './router.ts';
import type { TransitBudget } from './transit-budget.ts';

interface Parts {
  readonly router: Router;
  readonly services: Services;
  readonly budget: TransitBudget;
  /** Nobody waits for the answer any more. */
  readonly gone?: AbortSignal | undefined;
}

export async function answerLocally(request: ServerRequest, parts: Parts): Promise<ServerAnswer> {
  const seen: { route: Route | null } = { route: null };
  try {
    return asText(await handle(request, parts, seen));
  } catch (error) {
    return asText((seen.route?.errorReply ?? errorReply)(toApiError(error)));
  }
}

async function handle(
  { method, target, timeoutMs, headers = {}, body = '' }: ServerRequest,
  { router, services, budget, gone }: Parts,
  seen: { route: Route | null },
): Promise<Reply | StreamReply> {
  const at = target.indexOf('?');
  const { route, key, numbers } = router.match(method, at < 0 ? target : target.slice(0, at));
  seen.route = route;
  const search = at < 0 ? '' : target.slice(at + 1);
  const context = new RequestContext({
    key,
    numbers,
    access: 'full',
    query: new Query(withTimeout(search, timeoutMs), route.query),
    request: nobodysRequest(gone),
    headers,
    body: Buffer.from(body),
    clientIp: 'local',
    maxBodyBytes: services.options.maxBodyBytes,
    budget,
  });
  return await route.handle(context, services);
}

/** One in the target itself wins. */
function withTimeout(search: string, timeoutMs: number): string {
  if (/(^|&)timeout=/.test(search)) return search;
  const timeout = `timeout=${Math.max(1, Math.ceil(timeoutMs / 1000))}`;
  return search === '' ? timeout : `${search}&${timeout}`;
}

/** Its socket is connected to nobody, and is as alive as the question. */
function nobodysRequest(gone: AbortSignal | undefined): IncomingMessage {
  const socket = new Socket();
  gone?.addEventListener('abort', () => socket.destroy(), { once: true });
  return new IncomingMessage(socket);
}

function asText({
  status,
  contentType = 'application/json; charset=utf-8',
  body,
  headers = {},
}: Reply | StreamReply): ServerAnswer {
  if (body instanceof Readable) {
    body.destroy();
    throw new ApiError('INVALID_PARAMETERS', 'this route answers with a stream');
  }
  const text = body === null || typeof body === 'string' ? (body ?? '') : asBuffer(body).toString();
  return { status, contentType, headers, body: text };
}
