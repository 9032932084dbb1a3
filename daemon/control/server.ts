// The local socket on which a running daemon answers the other commands: one JSON line asks, one JSON line answers;
// empty lines in between say that the daemon is at work on it. Only the user that started the daemon may connect
// (0600).
import { chmodSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { sentenceOf } from '../errors.ts';
import { removeStaleSocketFile } from '../http/listening-socket.ts';

export interface ControlRequest {
  readonly command: string;
  readonly args?: unknown;
}

export type ControlAnswer = { readonly value: unknown } | { readonly error: string };

/** `gone`: whoever asked has closed the connection. */
export type ControlHandlers = Readonly<Record<string, (args: unknown, gone: AbortSignal) => Promise<unknown>>>;

export async function openControlSocket(path: string, handlers: ControlHandlers): Promise<Server> {
  await removeStaleSocketFile(path);
  const server = createServer((socket) => serve(socket, handlers));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // The socket file is made with the mask, so that nobody can connect before the chmod.
    const previousMask = process.umask(0o177);
    server.listen(path, resolve);
    process.umask(previousMask);
  });
  chmodSync(path, 0o600);
  return server;
}

/** How often a client hears of a daemon that needs longer for an answer. */
export const signOfLifeMs = 5_000;

function serve(socket: Socket, handlers: ControlHandlers): void {
  // A client that goes away before its answer is of no concern.
  socket.on('error', () => socket.destroy());
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  const lines = createInterface({ input: socket });
  // It hands errors of its input on, and one that nobody hears would end the daemon.
  lines.on('error', () => {});
  lines.on('line', async (line) => {
    const timer = setInterval(() => socket.write('\n'), signOfLifeMs);
    const answer = await answerTo(line, handlers, gone.signal);
    clearInterval(timer);
    if (!socket.destroyed) socket.write(`${JSON.stringify(answer)}\n`);
  });
}

async function answerTo(line: string, handlers: ControlHandlers, gone: AbortSignal): Promise<ControlAnswer> {
  try {
    const { command, args } = JSON.parse(line) as ControlRequest;
    const handler = Object.hasOwn(handlers, command) ? handlers[command] : undefined;
    if (!handler) return { error: `the daemon does not know the command "${command}"; it may be of another version` };
    return { value: await handler(args, gone) };
  } catch (error) {
    return { error: sentenceOf(error) };
  }
}
