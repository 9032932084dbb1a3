// Writes a reply to its client, past Koa's own respond(): status, type and length are known here, and working them out
// again costs every request about 3 of 55 us.
import type { ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import type { Context } from 'koa';
import { asBuffer } from '../../messages/bytes.ts';
import type { Reply } from '../../messages/reply.ts';
import type { StreamReply } from './route.ts';
import type { TransitBudget } from './transit-budget.ts';

/** An answer up to this size is in the socket's buffers at once and not counted. */
const smallAnswerBytes = 64 * 1024;
const sliceBytes = 256 * 1024;

/**
 * For a browser that shows an answer as a page: what somebody has stored is no program and has no origin, so that it
 * cannot use the API in its reader's name. Links, frames and images work.
 */
const sniffing = ['X-Content-Type-Options', 'nosniff'] as const;
const policy = 'Content-Security-Policy';

export function send(context: Context, reply: Reply | StreamReply, budget: TransitBudget): void {
  const { req, res } = context;
  const { body } = reply;
  const headers = headersOf(reply);
  // A body that nobody reads to its end would be taken for the next request.
  if (!req.complete && reply.status >= 400) headers.push('Connection', 'close');
  const contentType = reply.contentType ?? (body === null ? undefined : 'application/json; charset=utf-8');
  if (contentType !== undefined && reply.status !== 304) headers.push('Content-Type', contentType);
  if (body instanceof Readable) {
    res.writeHead(reply.status, headers);
    if (req.method === 'HEAD') {
      body.destroy();
      res.end();
      return;
    }
    pipeline(body, res, (error) => {
      if (error) context.onerror(error);
    });
    return;
  }
  const sizeBytes = body === null ? 0 : Buffer.byteLength(body);
  if (reply.status !== 204 && reply.status !== 304 && !(body === null && req.method === 'HEAD')) {
    headers.push('Content-Length', String(sizeBytes));
  }
  res.writeHead(reply.status, headers);
  if (body === null || sizeBytes <= smallAnswerBytes || req.method === 'HEAD') res.end(body);
  else sendInSlices(res, typeof body === 'string' ? Buffer.from(body) : asBuffer(body), budget);
}

/** Names and values by turns: Node writes them as they are, and no object is made of objects of every shape. */
function headersOf({ headers = {} }: Reply | StreamReply): string[] {
  const list: string[] = [...sniffing];
  if (headers[policy] === undefined) list.push(policy, 'sandbox');
  for (const name in headers) list.push(name, headers[name] ?? '');
  return list;
}

/** By what its client has taken it is seen whether an answer moves. */
function sendInSlices(res: ServerResponse, body: Buffer, budget: TransitBudget): void {
  // Of a client that has left there is no close to come.
  if (res.destroyed) return;
  const transfer = budget.begin(() => res.socket?.resetAndDestroy());
  transfer.add(body.length);
  let sent = 0;
  const sendOn = (): void => {
    transfer.moved();
    while (sent < body.length) {
      const slice = body.subarray(sent, sent + sliceBytes);
      sent += slice.length;
      if (sent === body.length) res.end(slice);
      else if (!res.write(slice)) return;
    }
  };
  res.on('drain', sendOn);
  res.once('close', () => transfer.end());
  sendOn();
}
