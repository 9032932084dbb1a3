// Server-sent events by fetch: EventSource cannot send a token. Reconnects until it is told to stop.
import { connection, isAbort, type RequestOptions, request } from './client.ts';
import { eventParser, type ServerEvent } from './event-lines.ts';

const firstWaitMs = 500;
const longestWaitMs = 8000;

export interface Subscription {
  readonly onEvent: (event: ServerEvent) => void;
  /** After each connection, the first one too: what was missed meanwhile is the caller's to read again. */
  readonly onOpen?: () => void;
  /** An answer that will not change by asking again, e.g. a database that is gone. */
  readonly onRefused?: (error: unknown) => void;
}

/** Returns what ends it. `path` begins below /api/v1/sqlite/. */
export function subscribe(path: string, query: RequestOptions['query'], subscription: Subscription): () => void {
  const stop = new AbortController();
  void follow(path, query, subscription, stop.signal);
  return () => stop.abort();
}

async function follow(
  path: string,
  query: RequestOptions['query'],
  { onEvent, onOpen, onRefused }: Subscription,
  stop: AbortSignal,
): Promise<void> {
  let waitMs = firstWaitMs;
  let lastId: string | null = null;
  while (!stop.aborted) {
    try {
      const headers = { Accept: 'text/event-stream', ...(lastId !== null && { 'Last-Event-ID': lastId }) };
      const response = await request('GET', path, { ...(query && { query }), headers, signal: stop });
      onOpen?.();
      waitMs = firstWaitMs;
      for await (const event of eventsOf(response)) {
        lastId = event.id ?? lastId;
        onEvent(event);
      }
      if (stop.aborted) return;
      connection.value = 'lost'; // streams end only with the server; its watcher says when it is back
    } catch (error) {
      if (isAbort(error) || stop.aborted) return;
      const status = (error as { status?: number }).status ?? 0;
      if (status >= 400 && status < 500 && status !== 429) return onRefused?.(error);
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs));
    waitMs = Math.min(2 * waitMs, longestWaitMs);
  }
}

async function* eventsOf(response: Response): AsyncGenerator<ServerEvent> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (reader === undefined) return;
  const parse = eventParser();
  for (;;) {
    const { done, value } = await reader.read().catch((error: unknown) => {
      if (isAbort(error)) throw error;
      return { done: true as const, value: undefined };
    });
    if (done) return;
    yield* parse(value);
  }
}
