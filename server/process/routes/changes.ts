// The rows of the change feed: pages with long polling, and a stream of server-sent events.

import { ApiError } from '../../messages/errors.ts';
import { RawJson } from '../../messages/json.ts';
import { kvLimits } from '../../messages/kv-limits.ts';
import { type ChangesAnswer, kvFeed } from '../../messages/operations/kv-feed.ts';
import { json } from '../../messages/reply.ts';
import type { RequestContext } from '../http/context.ts';
import { eventFrame, eventStream } from '../http/event-stream.ts';
import type { QueryParameter } from '../http/query.ts';
import type { Route, StreamReply } from '../http/route.ts';
import { text } from '../http/schema.ts';
import type { Services } from '../services.ts';
import { CommitSignal } from './commit-signal.ts';
import { readErrors, readParameters, tableOf } from './kv-parameters.ts';
import { changesSchema } from './kv-schemas.ts';

const feedParameters: readonly QueryParameter[] = [
  ...readParameters,
  { name: 'since', type: 'text', description: 'A cursor; without it the feed begins now.' },
  { name: 'prefix', type: 'text', description: 'Only keys that begin with this.' },
  { name: 'include_values', type: 'boolean', default: false, description: 'Send the values that are still current.' },
];

const feedErrors = [...readErrors, 'CHANGE_CURSOR_EXPIRED', 'CHANGE_CURSOR_INVALID'] as const;

/** A waiting request answers this much before its deadline. */
const marginMs = 1000;
/** Changes that one step of a stream reads. */
const streamPage = 500;
/** A checkpoint is due after so many changes of other keys. */
const skippedForCheckpoint = 1000;

let openStreams = 0;

const changes: Route = {
  method: 'GET',
  path: '/api/v1/sqlite/changes',
  name: 'kvChanges',
  summary: 'Changes of keys after a cursor, oldest first; waits for one if asked to.',
  tag: 'changes',
  access: 'read',
  query: [
    ...feedParameters,
    {
      name: 'limit',
      type: 'integer',
      min: 1,
      max: kvLimits.feedMax,
      default: kvLimits.feedDefault,
      description: 'Events.',
    },
    {
      name: 'wait',
      type: 'integer',
      min: 0,
      max: kvLimits.feedWaitSeconds,
      default: 0,
      description: 'Seconds to wait for a change.',
    },
  ],
  replies: { 200: { description: 'The events and the cursor to go on with.', schema: changesSchema } },
  errors: [...feedErrors],
  handle: async (context, services) => {
    const { query } = context;
    const since = query.text('since');
    const read = (from: string) =>
      services.run(kvFeed.changes, context, feedArgs(context, from === '' ? undefined : from, query.integer('limit')));
    const signal = new CommitSignal(context, services);
    try {
      let answer = await read(since);
      const untilMs = Math.min(performance.now() + query.integer('wait') * 1000, context.deadlineMs - marginMs);
      const isOver = () => signal.isClosed || services.stopping.aborted || performance.now() >= untilMs;
      while (since !== '' && answer.events.length === 0 && !isOver()) {
        if (!answer.hasMore) await signal.wait(untilMs - performance.now());
        answer = await read(answer.cursor);
      }
      return json({
        events: answer.events.map((event) => new RawJson(event.json)),
        cursor: answer.cursor,
        next_cursor: answer.cursor,
        oldest_cursor: answer.oldestCursor,
        has_more: answer.hasMore,
      });
    } finally {
      signal.end();
    }
  },
};

const stream: Route = {
  method: 'GET',
  path: '/api/v1/sqlite/changes/stream',
  name: 'kvChangesStream',
  summary: 'Changes of keys as server-sent events, until the client leaves or an hour is over.',
  tag: 'changes',
  access: 'read',
  query: feedParameters,
  headers: [{ name: 'Last-Event-ID', description: 'The cursor to go on with; counts before `since`.' }],
  replies: {
    200: {
      description: 'Events: ready, change, checkpoint, reset, end.',
      contentType: 'text/event-stream',
      schema: text,
    },
  },
  errors: [...feedErrors],
  handle: async (context, services): Promise<StreamReply> => {
    if (openStreams >= kvLimits.streams) {
      throw new ApiError('SERVICE_UNAVAILABLE', `${kvLimits.streams} change streams are open; use /changes?wait=`);
    }
    // A name that is no database is refused here, and has taken no place.
    const signal = new CommitSignal(context, services);
    openStreams += 1;
    const end = () => {
      openStreams -= 1;
      signal.end();
    };
    try {
      const lastEventId = context.headers['last-event-id'];
      const since = (typeof lastEventId === 'string' ? lastEventId : '') || context.query.text('since');
      // A cursor that cannot be continued is answered as an ordinary error, before the stream begins.
      const first = await services.run(kvFeed.changes, context, feedArgs(context, since === '' ? undefined : since, 1));
      const start = since === '' ? first.cursor : since;
      return eventStream(streamFrames(context, services, signal, start, first.oldestCursor), end);
    } catch (error) {
      end();
      throw error;
    }
  },
};

export const changeRoutes: readonly Route[] = [changes, stream];

async function* streamFrames(
  context: RequestContext,
  services: Services,
  signal: CommitSignal,
  start: string,
  oldestCursor: string,
): AsyncGenerator<string> {
  const endMs = performance.now() + kvLimits.streamLifeSeconds * 1000;
  let cursor = start;
  let skipped = 0;
  let checkpointMs = performance.now();
  yield 'retry: 1000\n\n';
  yield eventFrame('ready', { cursor, oldest_cursor: oldestCursor }, cursor);
  while (!signal.isClosed && !services.stopping.aborted && performance.now() < endMs) {
    let answer: ChangesAnswer;
    try {
      answer = await services.run(kvFeed.changes, context.renewed(), feedArgs(context, cursor, streamPage));
    } catch (error) {
      const last = lastFrame(error);
      if (last === null) throw error;
      if (last !== 'retry') {
        yield last;
        return;
      }
      await signal.wait(marginMs);
      continue;
    }
    for (const event of answer.events) yield eventFrame('change', new RawJson(event.json), event.cursor);
    cursor = answer.cursor;
    skipped = answer.events.length > 0 ? 0 : skipped + answer.skipped;
    const dueMs = checkpointMs + kvLimits.checkpointSeconds * 1000 - performance.now();
    if (dueMs <= 0 || skipped >= skippedForCheckpoint) {
      yield eventFrame('checkpoint', { cursor }, cursor);
      checkpointMs = performance.now();
      skipped = 0;
    } else if (!answer.hasMore) {
      await signal.wait(Math.min(dueMs, endMs - performance.now()));
    }
  }
  if (!signal.isClosed)
    yield eventFrame('end', { reason: services.stopping.aborted ? 'shutdown' : 'max_lifetime' }, cursor);
}

/** What a stream says before it ends because of an error; `retry`: the database is only busy. */
function lastFrame(error: unknown): string | 'retry' | null {
  if (!(error instanceof ApiError)) return null;
  if (error.status === 410) return eventFrame('reset', { reason: error.members.reason });
  if (error.code === 'DATABASE_NOT_FOUND') return eventFrame('end', { reason: 'database_deleted' });
  return error.status === 503 ? 'retry' : null;
}

function feedArgs(context: RequestContext, since: string | undefined, limit: number) {
  return {
    table: tableOf(context),
    ...(since === undefined ? {} : { since }),
    prefix: context.query.text('prefix'),
    limit,
    includeValues: context.query.boolean('include_values'),
  };
}
