// A WebSocket of a libSQL client (Hrana 2 and 3 as JSON): streams, stored SQL, cursors. What it asks is done as it is
// over HTTP, and its transactions are sessions like all others.
import type { WebSocket } from 'ws';
import { ApiError, toApiError } from '../../../messages/errors.ts';
import { limits } from '../../../messages/limits.ts';
import type { RequestContext } from '../../http/context.ts';
import type { TransitBudget } from '../../http/transit-budget.ts';
import type { Services } from '../../services.ts';
import { SocketStream } from './socket-stream.ts';
import { runStreamRequest } from './stream.ts';

export interface SocketDeps {
  readonly services: Services;
  readonly budget: TransitBudget;
  /** What the token of a hello allows. @throws ApiError UNAUTHORIZED */
  readonly contextFor: (token: string | null) => RequestContext;
}

type Members = { readonly [name: string]: unknown };

const streamRequests: ReadonlySet<string> = new Set(['execute', 'batch', 'sequence', 'describe', 'get_autocommit']);

export class Socket {
  readonly #socket: WebSocket;
  readonly #deps: SocketDeps;
  readonly #streams = new Map<number, SocketStream>();
  /** The stream of each open cursor. */
  readonly #cursors = new Map<number, SocketStream>();
  readonly #stored = new Map<number, string>();
  #context: RequestContext | null = null;
  #atWork = 0;
  #isEnding = false;

  constructor(socket: WebSocket, deps: SocketDeps) {
    this.#socket = socket;
    this.#deps = deps;
    socket.on('message', (data, isBinary) => this.#receive(data as Buffer, isBinary));
    socket.on('error', () => socket.terminate());
    socket.once('close', () => {
      for (const stream of this.#streams.values()) void this.#closeStream(stream);
    });
  }

  /** No more requests are taken; the last answers are sent. */
  end(): void {
    this.#isEnding = true;
    if (this.#atWork === 0) this.#socket.close(1001, 'the server is stopping');
  }

  #receive(data: Buffer, isBinary: boolean): void {
    if (this.#isEnding) return;
    let message: unknown;
    try {
      if (isBinary) throw new Error('binary');
      message = JSON.parse(data.toString('utf8'));
    } catch {
      this.#socket.close(1003, 'messages are JSON texts');
      return;
    }
    const members = isMembers(message) ? message : {};
    const id = members.request_id;
    if (members.type === 'hello') this.#hello(members.jwt);
    else if (members.type === 'request' && typeof id === 'number' && isMembers(members.request)) {
      void this.#answer(id, members.request, data.length);
    } else this.#socket.close(1002, 'a message is a hello or a request');
  }

  /** Its answer comes before those to requests that were sent right behind it. */
  #hello(jwt: unknown): void {
    try {
      this.#context = this.#deps.contextFor(typeof jwt === 'string' ? jwt : null);
      this.#send('{"type":"hello_ok"}');
    } catch (error) {
      this.#context = null;
      this.#send(`{"type":"hello_error","error":${errorText(error)}}`);
    }
  }

  async #answer(id: number, request: Members, bytes: number): Promise<void> {
    const { budget } = this.#deps;
    const transfer = budget.begin(() => this.#socket.terminate());
    transfer.add(bytes);
    this.#atWork += 1;
    // Whoever asks faster than it is answered waits in the buffers of its connection.
    if (this.#atWork >= limits.socketRequests) this.#socket.pause();
    try {
      if (budget.isFull) throw new ApiError('SERVICE_UNAVAILABLE', 'too many large requests at once; try again');
      const outcome = await this.#do(request);
      if (typeof outcome === 'string') this.#send(`{"type":"response_ok","request_id":${id},"response":${outcome}}`);
      else this.#send(`{"type":"response_error","request_id":${id},"error":${outcome.error}}`);
    } catch (error) {
      this.#send(`{"type":"response_error","request_id":${id},"error":${errorText(error)}}`);
    } finally {
      transfer.end();
      this.#atWork -= 1;
      this.#socket.resume();
      if (this.#isEnding) this.end();
    }
  }

  /** The JSON of its response. Nothing stands between arrival and queue, so that requests stay in order. */
  #do(request: Members): Promise<string | { readonly error: string }> | string {
    if (this.#context === null) throw new ApiError('UNAUTHORIZED', 'the first message must be a hello');
    const { type } = request;
    switch (type) {
      case 'open_stream':
        this.#openStream(numberOf(request, 'stream_id'));
        return '{"type":"open_stream"}';
      case 'close_stream': {
        const id = numberOf(request, 'stream_id');
        const stream = this.#streams.get(id);
        this.#streams.delete(id);
        const closed = stream === undefined ? Promise.resolve() : this.#closeStream(stream);
        return closed.then(() => '{"type":"close_stream"}');
      }
      case 'store_sql':
        this.#store(numberOf(request, 'sql_id'), request.sql);
        return '{"type":"store_sql"}';
      case 'close_sql':
        this.#stored.delete(numberOf(request, 'sql_id'));
        return '{"type":"close_sql"}';
      case 'open_cursor': {
        const [cursor, stream] = [numberOf(request, 'cursor_id'), this.#streamOf(request)];
        this.#cursors.set(cursor, stream);
        return stream.openCursor(cursor, this.#withTexts(request.batch)).then(() => '{"type":"open_cursor"}');
      }
      case 'fetch_cursor': {
        const most = numberOf(request, 'max_count');
        const cursor = numberOf(request, 'cursor_id');
        return this.#streamOfCursor(cursor).fetch(cursor, most, limits.groupAnswerBytes);
      }
      case 'close_cursor': {
        const cursor = numberOf(request, 'cursor_id');
        this.#cursors.get(cursor)?.closeCursor(cursor);
        this.#cursors.delete(cursor);
        return '{"type":"close_cursor"}';
      }
      default: {
        if (typeof type !== 'string' || !streamRequests.has(type)) {
          throw new ApiError('INVALID_PARAMETERS', `${JSON.stringify(type ?? null)} is no type of request`);
        }
        const asked = this.#withTexts(request) as Members & { readonly type: string };
        return this.#streamOf(request)
          .ask(asked)
          .then((outcome) => ('response' in outcome ? outcome.response : outcome));
      }
    }
  }

  #openStream(id: number): void {
    if (this.#streams.has(id)) throw new ApiError('INVALID_PARAMETERS', `the stream ${id} is already open`);
    if (this.#streams.size >= limits.socketStreams) {
      throw new ApiError('SERVICE_UNAVAILABLE', `a connection has at most ${limits.socketStreams} streams`);
    }
    const { services } = this.#deps;
    const stream = new SocketStream((form, body, baton) => {
      if (this.#context === null) throw new ApiError('UNAUTHORIZED', 'the first message must be a hello');
      const context = this.#context.within(limits.deadlineDefaultSeconds);
      const target = services.resolve(context.key);
      return runStreamRequest(context, services, { target, body: Buffer.from(body), form, baton });
    });
    this.#streams.set(id, stream);
  }

  #closeStream(stream: SocketStream): Promise<void> {
    for (const [id, of] of this.#cursors) if (of === stream) this.#cursors.delete(id);
    return stream.close((baton) => this.#deps.services.sessions.abandon(baton));
  }

  #store(id: number, sql: unknown): void {
    if (typeof sql !== 'string') throw new ApiError('INVALID_PARAMETERS', 'sql must be a string');
    if (this.#stored.size >= limits.statementsPerItem) {
      throw new ApiError('INVALID_PARAMETERS', `a connection stores at most ${limits.statementsPerItem} SQL texts`);
    }
    this.#stored.set(id, sql);
  }

  #streamOf(request: Members): SocketStream {
    const id = numberOf(request, 'stream_id');
    const stream = this.#streams.get(id);
    if (stream === undefined) throw new ApiError('INVALID_PARAMETERS', `no stream ${id} is open`);
    return stream;
  }

  #streamOfCursor(id: number): SocketStream {
    const stream = this.#cursors.get(id);
    if (stream === undefined) throw new ApiError('INVALID_PARAMETERS', `no cursor ${id} is open`);
    return stream;
  }

  /** The request with the texts of SQL in place of their ids: executors do not know those. */
  #withTexts(request: unknown): unknown {
    if (!isMembers(request)) return request;
    const { stream_id: _, sql_id: sqlId, stmt, batch, steps, ...rest } = request;
    const text = typeof sqlId === 'number' ? { sql: this.#textOf(sqlId) } : {};
    return {
      ...rest,
      ...text,
      ...(stmt !== undefined && { stmt: this.#withTexts(stmt) }),
      ...(batch !== undefined && { batch: this.#withTexts(batch) }),
      ...(Array.isArray(steps) && { steps: steps.map((step) => this.#withTexts(step)) }),
    };
  }

  #textOf(id: number): string {
    const text = this.#stored.get(id);
    if (text === undefined) throw new ApiError('NOT_FOUND', `no SQL text is stored under the id ${id}`);
    return text;
  }

  #send(text: string): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.send(text);
  }
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function numberOf(request: Members, name: string): number {
  const value = request[name];
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  throw new ApiError('INVALID_PARAMETERS', `${name} must be an integer`);
}

function errorText(thrown: unknown): string {
  const { message, code } = toApiError(thrown);
  return JSON.stringify({ message, code });
}
