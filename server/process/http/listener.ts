// Node's HTTP server as this process runs it: its time limits, an answer in the API's own form to what its parser
// refuses, and its end, in which no client that has asked something goes without its answer.
import { createServer, type RequestListener, type Server } from 'node:http';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '../../messages/errors.ts';
import { limits } from '../../messages/limits.ts';
import { watchSilentConnections } from './silent-connections.ts';

/** How long an idle connection is left to its client after a successor has taken over. */
const handoverMs = 1_500;

export interface Listener {
  readonly server: Server;
  /**
   * Takes no more requests (with a handover: no new connections, which another process takes) and waits for those that
   * run, at most `drainMs`. Connections that are still open then stay so.
   */
  drain(drainMs: number, isHandover: boolean): Promise<void>;
}

export function createListener(handle: RequestListener): Listener {
  const server = createServer(
    {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: limits.slowClientCheckMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveMs,
      // Node's own refusal has no body: the application refuses it, with a reason.
      requireHostHeader: false,
    },
    handle,
  );
  server.setTimeout(limits.idleSocketMs);
  server.on('clientError', refuseMalformed);
  // An expectation that nobody knows may be ignored. Node would answer an empty 417.
  server.on('checkExpectation', handle);
  const endSilentConnections = watchSilentConnections(server);
  return {
    server,
    async drain(drainMs, isHandover) {
      // The HTTP server's own close ends idle connections, on which a client may be about to send: with a successor
      // there is time to answer that request too, as the last one of its connection.
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
      await Promise.race([closed, sleep(drainMs)]);
      clearInterval(idle);
    },
  };
}

function refuseMalformed(error: Error & { readonly code?: string }, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const refusal = refusalOf(error.code);
  const body = JSON.stringify(refusal.body());
  const reason = refusal.status === 431 ? 'Request Header Fields Too Large' : 'Bad Request';
  socket.end(
    `HTTP/1.1 ${refusal.status} ${reason}\r\nContent-Type: application/json\r\nX-Content-Type-Options: nosniff\r\nX-Hoody-Error-Code: ${refusal.code}\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function refusalOf(code: string | undefined): ApiError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new ApiError(
      'HEADERS_TOO_LARGE',
      `the request line and headers are larger than ${limits.headerBytes} bytes`,
    );
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new ApiError('INVALID_PARAMETERS', 'the request was not sent in time');
  return new ApiError('INVALID_PARAMETERS', 'the request is not valid HTTP');
}
