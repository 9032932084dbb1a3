// The lock monitor over HTTP: who holds and who waits, once or as server-sent events.

import { relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LockSnapshot } from '../../index.ts';
import { ApiError } from '../../messages/errors.ts';
import { limits } from '../../messages/limits.ts';
import { json } from '../../messages/reply.ts';
import type { RequestContext } from '../http/context.ts';
import { eventFrame, eventStream } from '../http/event-stream.ts';
import type { QueryParameter } from '../http/query.ts';
import type { Route } from '../http/route.ts';
import { integer, list, number, object, oneOfTexts, rfc3339, text } from '../http/schema.ts';
import { locksOf } from '../locks.ts';
import type { Services } from '../services.ts';

const dbParameter: QueryParameter = {
  name: 'db',
  type: 'text',
  default: '',
  description: 'Only this database; without it every database of the mount that is locked or waited for.',
};

const party = {
  lock: { ...text, description: "SQLite's name for the lock." },
  mode: oneOfTexts('shared', 'exclusive'),
  pid: integer,
  command: text,
  container: { ...text, description: '`host` outside of any.' },
};
export const holderSchema = object({ ...party, since: rfc3339, heldMs: number });
const waiter = object({ ...party, waitMs: number, blockedBy: list(integer) });
const locksSchema = object({
  databases: list(object({ db: text, journal: text, holders: list(holderSchema), waiters: list(waiter) })),
});

let openStreams = 0;

const locks: Route = {
  method: 'GET',
  path: '/api/v1/sqlite/locks',
  name: 'locks',
  summary: 'Who holds which lock of which database, and who waits for whom',
  tag: 'system',
  access: 'read',
  query: [dbParameter],
  replies: { 200: { description: 'Holders and waiters by database; empty without a mount.', schema: locksSchema } },
  errors: ['INVALID_DB_PATH'],
  handle: async (context, services) => json(await readLocks(context, services)),
};

const stream: Route = {
  method: 'GET',
  path: '/api/v1/sqlite/locks/stream',
  name: 'locksStream',
  summary: 'The same as server-sent events: a snapshot, then a change whenever something is different',
  tag: 'system',
  access: 'read',
  query: [dbParameter],
  replies: { 200: { description: 'Events: snapshot, change.', contentType: 'text/event-stream', schema: text } },
  errors: ['INVALID_DB_PATH', 'SERVICE_UNAVAILABLE'],
  handle: async (context, services) => {
    if (openStreams >= limits.lockStreams) {
      throw new ApiError('SERVICE_UNAVAILABLE', `${limits.lockStreams} lock streams are open; use /locks`);
    }
    // Before the first look, which takes a while: of many that come at once none gets past the limit.
    openStreams += 1;
    const end = () => {
      openStreams -= 1;
    };
    try {
      return eventStream(streamFrames(context, services, await readLocks(context, services)), end);
    } catch (error) {
      end();
      throw error;
    }
  },
};

export const lockRoutes: readonly Route[] = [locks, stream];

async function readLocks(context: RequestContext, services: Services): Promise<LockSnapshot> {
  const name = context.query.text('db');
  if (name === '') return services.locks();
  const { path } = services.resolve(name);
  const found = locksOf(await services.locks(), relative(services.options.root, path));
  return { databases: found ? [found] : [] };
}

/** Only streams that somebody reads ask for snapshots, so that nobody pays for a monitor that is closed. */
async function* streamFrames(context: RequestContext, services: Services, first: LockSnapshot): AsyncGenerator<string> {
  let last = fingerprint(first);
  let spokeMs = performance.now();
  yield eventFrame('snapshot', first);
  while (!context.request.socket.destroyed && !services.stopping.aborted) {
    await sleep(limits.lockStreamMs);
    const now = await readLocks(context, services);
    const current = fingerprint(now);
    if (current !== last) yield eventFrame('change', now);
    else if (performance.now() - spokeMs >= limits.lockHeartbeatMs) yield ': alive\n\n';
    else continue;
    last = current;
    spokeMs = performance.now();
  }
}

/** Who holds and who waits, without the times that always change. */
function fingerprint({ databases }: LockSnapshot): string {
  const parties = databases.map(({ db, holders, waiters }) => [
    db,
    holders.map(({ lock, mode, pid }) => [lock, mode, pid]),
    waiters.map(({ lock, mode, pid, blockedBy }) => [lock, mode, pid, blockedBy]),
  ]);
  return JSON.stringify(parties);
}
