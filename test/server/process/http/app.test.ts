// How answers end that do not come to their end by themselves.
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import { type AppDeps, createApp } from '../../../../server/process/http/app.ts';
import { Guard } from '../../../../server/process/http/guard.ts';
import type { Route } from '../../../../server/process/http/route.ts';
import { Router } from '../../../../server/process/http/router.ts';
import { TransitBudget } from '../../../../server/process/http/transit-budget.ts';

const log = vi.fn();
let server: Server;

async function serve(handle: Route['handle']): Promise<void> {
  const route = { method: 'GET', path: '/', name: 'one', access: 'open', query: [], handle } as unknown as Route;
  const app = createApp({
    router: new Router([route]),
    guard: new Guard({ corsOrigins: [], allowHosts: [], tokens: null }),
    services: { options: { trustProxy: false, maxBodyBytes: 0 }, stopping: new AbortController().signal },
    metrics: { observe: () => {} },
    log,
    budget: new TransitBudget({ shortBytes: 1e6, fullBytes: 1e6 }),
  } as unknown as AppDeps);
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
}

async function ask(method = 'GET'): Promise<IncomingMessage> {
  const asked = request({ port: (server.address() as AddressInfo).port, method, agent: false }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return answer;
}

async function textOf(answer: IncomingMessage): Promise<string> {
  return Buffer.concat(await answer.toArray()).toString();
}

afterEach(() => {
  log.mockClear();
  server.closeAllConnections();
  server.close();
});

const endless = (): Readable => new Readable({ read: () => {} });

test('an answer that cannot be written is an error to its client, and the next request is answered', async () => {
  const replies = [
    { status: 200, headers: { 'x-name': 'a\nb' }, body: 'first' },
    { status: 200, body: 'second' },
  ];
  await serve(() => replies.shift() ?? { status: 500, body: null });
  expect((await ask()).statusCode).toBe(500);
  expect(await textOf(await ask())).toBe('second');
  expect(log).toHaveBeenCalledWith('debug', 'connection failed', expect.anything());
});

test('a stream goes out to its end', async () => {
  await serve(async () => ({ status: 200, body: Readable.from(['one ', 'two']) }));
  expect(await textOf(await ask())).toBe('one two');
});

test('HEAD of a stream has its status, and ends the stream', async () => {
  const body = endless();
  await serve(async () => ({ status: 200, body }));
  const answer = await ask('HEAD');
  expect([answer.statusCode, await textOf(answer)]).toEqual([200, '']);
  await vi.waitFor(() => expect(body.destroyed).toBe(true), { timeout: 20_000 });
});

test('a stream that fails breaks its connection off', async () => {
  const body = endless();
  await serve(async () => ({ status: 200, body }));
  body.push('begun');
  const answer = await ask();
  await once(answer, 'readable');
  body.destroy(new Error('no more'));
  await expect(textOf(answer)).rejects.toThrow('aborted');
});

test('a client that leaves ends its stream', async () => {
  const body = endless();
  await serve(async () => ({ status: 200, body }));
  body.push('begun');
  (await ask()).destroy();
  await vi.waitFor(() => expect(body.destroyed).toBe(true), { timeout: 20_000 });
});
