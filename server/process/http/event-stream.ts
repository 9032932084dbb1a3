// Server-sent events: how one is written, and the reply that carries them.
import { Readable } from 'node:stream';
import { stringifyJson } from '../../messages/json.ts';
import type { StreamReply } from './route.ts';

/** `id` is what a client that connects again sends as Last-Event-ID. */
export function eventFrame(event: string, data: unknown, id?: string): string {
  return `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${stringifyJson(data)}\n\n`;
}

let openStreams = 0;

/** Streams of every kind that somebody reads now. */
export function openStreamCount(): number {
  return openStreams;
}

/** A stream that begins at once. `onEnd` is called once, when it is over or its client has left. */
export function eventStream(frames: AsyncIterable<string>, onEnd: () => void): StreamReply {
  const body = Readable.from(frames, { objectMode: false });
  openStreams += 1;
  body.once('close', () => {
    openStreams -= 1;
    onEnd();
  });
  return {
    status: 200,
    body,
    contentType: 'text/event-stream',
    headers: { 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no', connection: 'close' },
  };
}
