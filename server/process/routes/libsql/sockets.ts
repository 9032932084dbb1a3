// Takes the WebSockets of libSQL clients, on the addresses of the routes. Host and origin are those of HTTP; the token
// comes with the first message, or in a header.
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { ApiError, toApiError } from '../../../messages/errors.ts';
import { limits } from '../../../messages/limits.ts';
import { clientAddress } from '../../http/client-address.ts';
import { RequestContext } from '../../http/context.ts';
import type { Guard } from '../../http/guard.ts';
import { answerWithoutUpgrade, offersWebSocket } from '../../http/other-protocols.ts';
import { Query } from '../../http/query.ts';
import { parseTarget } from '../../http/target.ts';
import type { TransitBudget } from '../../http/transit-budget.ts';
import type { Services } from '../../services.ts';
import { libsqlErrorReply } from './errors.ts';
import { Socket } from './socket.ts';

export interface SocketsDeps {
  readonly guard: Guard;
  readonly services: Services;
  readonly budget: TransitBudget;
}

/** What a client may offer, best first. Hrana 1 is a part of Hrana 2. */
const subprotocols = ['hrana3', 'hrana2', 'hrana1'] as const;

/** To be called before the server listens. */
export function acceptSockets(server: Server, deps: SocketsDeps): void {
  const { services } = deps;
  const sockets = new Map<Socket, WebSocket>();
  const accepting = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: services.options.maxBodyBytes,
    handleProtocols: (offered) => subprotocols.find((name) => offered.has(name)) ?? false,
  });
  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    if (!offersWebSocket(request)) return answerWithoutUpgrade(server, request, stream, head);
    try {
      const name = nameOf(request, deps.guard);
      services.resolve(name);
      if (services.stopping.aborted) throw new ApiError('SERVICE_UNAVAILABLE', 'the server is stopping');
      if (sockets.size >= limits.sockets) throw new ApiError('SERVICE_UNAVAILABLE', 'too many WebSockets are open');
      accepting.handleUpgrade(request, stream, head, (webSocket) => {
        const contextFor = (token: string | null) => contextOf(request, name, token, deps);
        const socket = new Socket(webSocket, { services, budget: deps.budget, contextFor });
        sockets.set(socket, webSocket);
        const endPings = keepAlive(webSocket);
        webSocket.once('close', () => {
          endPings();
          sockets.delete(socket);
        });
      });
    } catch (error) {
      refuse(stream, toApiError(error));
    }
  });
  services.stopping.addEventListener('abort', () => {
    for (const socket of sockets.keys()) socket.end();
  });
}

/** `/libsql/NAME`, with a slash or the version behind it. */
function nameOf(request: IncomingMessage, guard: Guard): string {
  const { url, host } = parseTarget(request.url ?? '/', request.headers.host);
  guard.checkHost(host);
  guard.checkOrigin(request.headers.origin, host);
  const path = url.split('?')[0] ?? '';
  const name = /^\/libsql\/(.+?)\/*(?:\/v[23]\/?)?$/.exec(path)?.[1];
  if (name === undefined) throw new ApiError('NOT_FOUND', 'WebSockets are at /libsql/NAME/');
  try {
    return decodeURIComponent(name);
  } catch (cause) {
    throw new ApiError('INVALID_PARAMETERS', 'the name in the path is not valid percent-encoded UTF-8', { cause });
  }
}

/** @throws ApiError UNAUTHORIZED */
function contextOf(
  request: IncomingMessage,
  key: string,
  token: string | null,
  { guard, services, budget }: SocketsDeps,
): RequestContext {
  const authorization = token === null ? request.headers.authorization : `Bearer ${token}`;
  return new RequestContext({
    key,
    access: guard.checkToken(authorization, { access: 'read' }),
    query: new Query('', []),
    request,
    clientIp: clientAddress(request, services.options.trustProxy),
    maxBodyBytes: services.options.maxBodyBytes,
    budget,
  });
}

/** A client that has gone without a word is noticed. */
function keepAlive(webSocket: WebSocket): () => void {
  let isHeard = true;
  webSocket.on('pong', () => {
    isHeard = true;
  });
  const timer = setInterval(() => {
    if (!isHeard) webSocket.terminate();
    isHeard = false;
    webSocket.ping();
  }, limits.socketPingMs);
  timer.unref();
  return () => clearInterval(timer);
}

function refuse(stream: Duplex, error: ApiError): void {
  const { status, body, contentType, headers } = libsqlErrorReply(error);
  const lines = Object.entries({ ...headers, 'Content-Type': contentType, Connection: 'close' });
  const head = [`HTTP/1.1 ${status} Refused`, ...lines.map(([name, value]) => `${name}: ${value}`)];
  stream.on('error', () => {});
  stream.end(`${head.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(body ?? '')}\r\n\r\n${body}`);
}
