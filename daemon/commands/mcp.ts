// MCP over stdin and stdout: hands each line to the running daemon, as POST /mcp would get it, and prints what it
// answers. It knows nothing of databases, and writes nothing else to stdout.
import { createInterface } from 'node:readline';
import type { ServerAnswer, ServerRequest } from '../../server/index.ts';
import type { CommandInput } from '../cli/command.ts';
import { print } from '../cli/output.ts';
import { connectToDaemon, type DaemonConnection } from '../control/client.ts';
import { CommandError, type ExitCode, exitCodes, sentenceOf } from '../errors.ts';

/** As long as a request over HTTP has by default. */
const timeoutMs = 30_000;
/** JSON-RPC's first code for what a server says of itself. */
const refused = -32000;

type Id = string | number | null;

/** It ends with its input, after the last answer. */
export async function run(input: CommandInput): Promise<ExitCode> {
  const bridge = new Bridge(input);
  const working = new Set<Promise<void>>();
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() === '') continue;
    const work = bridge.forward(line).then((answer) => {
      if (answer !== null) print(`${answer}\n`);
    });
    working.add(work);
    void work.finally(() => working.delete(work));
  }
  await Promise.all(working);
  return exitCodes.ok;
}

class Bridge {
  readonly #input: CommandInput;
  readonly #target: string;
  /** What the server wants to be told with each request, once it has answered `initialize`. */
  #headers: Readonly<Record<string, string>> = {};
  /** Of the requests that are at work. */
  readonly #connections = new Map<Id, DaemonConnection>();

  constructor(input: CommandInput) {
    this.#input = input;
    const db = input.values.get('db');
    const query = new URLSearchParams({
      write: String(input.switches.has('write')),
      ...(db === undefined ? {} : { db }),
    });
    this.#target = `/mcp?${query}`;
  }

  /** null where there is nothing to answer. */
  async forward(line: string): Promise<string | null> {
    const cancelled = cancelledBy(line);
    const connection = cancelled === undefined ? undefined : this.#connections.get(cancelled);
    if (cancelled !== undefined && connection !== undefined) {
      this.#connections.delete(cancelled);
      connection.close();
      return null;
    }
    try {
      const answer = await this.#ask(line);
      if (answer === null) return null;
      const { status, headers, body } = answer;
      const session = headers['mcp-session-id'];
      if (session !== undefined) this.#headers = { 'mcp-session-id': session };
      if (body === '') return null;
      // It is one line: the server writes all JSON without white space.
      return status < 400 ? body : failureFor(line, body);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      process.stderr.write(`hoody-sqlite: ${sentenceOf(error)}\n`);
      return answersOf(line, { code: refused, message: sentenceOf(error) });
    }
  }

  /**
   * By a connection of its own, so that nothing waits for a long query, and a daemon may be replaced meanwhile. The
   * daemon gives the work up when it is closed. null: it was cancelled, and has no answer.
   */
  async #ask(body: string): Promise<ServerAnswer | null> {
    const id = idsOf(body);
    const daemon = await connectToDaemon(this.#input);
    const isCancellable = id !== undefined && id !== null && !Array.isArray(id);
    if (isCancellable) this.#connections.set(id, daemon);
    try {
      const request: ServerRequest = { method: 'POST', target: this.#target, timeoutMs, headers: this.#headers, body };
      return (await daemon.ask('request', request)) as ServerAnswer;
    } catch (error) {
      if (isCancellable && this.#connections.get(id) !== daemon) return null;
      throw error;
    } finally {
      if (isCancellable && this.#connections.get(id) === daemon) this.#connections.delete(id);
      daemon.close();
    }
  }
}

/** A request that the server did not take has an answer without its id, or one that is no JSON-RPC. */
function failureFor(line: string, body: string): string | null {
  const { id = null, error } = JSON.parse(body) as { id?: Id; error?: unknown };
  if (id !== null) return body;
  return answersOf(line, typeof error === 'object' ? error : { code: refused, message: String(error) });
}

/** The same error for every request of a line. null where it has none, as a notification. */
function answersOf(line: string, error: unknown): string | null {
  const answer = (id: Id) => ({ jsonrpc: '2.0', id, error });
  const ids = idsOf(line);
  if (ids === null) return JSON.stringify(answer(null));
  if (!Array.isArray(ids)) return ids === undefined ? null : JSON.stringify(answer(ids));
  const asked = ids.filter((id) => id !== undefined);
  return asked.length === 0 ? null : JSON.stringify(asked.map(answer));
}

/** The request that a message cancels; undefined: it cancels none. */
function cancelledBy(line: string): Id | undefined {
  if (!line.includes('notifications/cancelled')) return undefined;
  try {
    const { method, params } = JSON.parse(line) as { method?: unknown; params?: { requestId?: Id } };
    return method === 'notifications/cancelled' ? params?.requestId : undefined;
  } catch {
    return undefined;
  }
}

/** null: of a message that cannot be read. undefined: of one that is not answered. */
function idsOf(line: string): Id | undefined | (Id | undefined)[] {
  const idOf = (message: { readonly id?: Id; readonly method?: unknown } | null) =>
    message?.id ?? (message?.method === undefined ? null : undefined);
  try {
    const messages: unknown = JSON.parse(line);
    return Array.isArray(messages) ? messages.map(idOf) : idOf(messages as { readonly id?: Id });
  } catch {
    return null;
  }
}
