// Commits of a database as server-sent events, whoever makes them. With a mount the fs process tells of native ones and
// who made them; without one the files are looked at every second.
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '../../../messages/errors.ts';
import { limits } from '../../../messages/limits.ts';
import { type Pulse, studio } from '../../../messages/operations/studio.ts';
import type { StudioCommitEvent } from '../../../messages/studio/live.ts';
import type { RequestContext } from '../../http/context.ts';
import { eventFrame, eventStream } from '../../http/event-stream.ts';
import type { Route } from '../../http/route.ts';
import { text } from '../../http/schema.ts';
import { executorName } from '../../locks.ts';
import type { Services } from '../../services.ts';
import { CommitSignal } from '../commit-signal.ts';
import { databaseErrors, dbParameter } from '../parameters.ts';

/** Several commits within it are one event. */
const gatherMs = 100;
const lifeMs = 3_600_000;
let openStreams = 0;

export const studioLiveRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/v1/sqlite/studio/live',
    name: 'studioLive',
    summary: 'Commits of a database as server-sent events',
    tag: 'studio',
    access: 'read',
    query: [dbParameter],
    headers: [{ name: 'Last-Event-ID', description: 'Where something was committed since, a commit comes at once.' }],
    replies: {
      200: { description: 'Events: ready, commit, end.', contentType: 'text/event-stream', schema: text },
    },
    errors: [...databaseErrors],
    handle: async (context, services) => {
      if (openStreams >= limits.studioStreams) {
        throw new ApiError('SERVICE_UNAVAILABLE', `${limits.studioStreams} live streams are open`);
      }
      // A name that is no database is refused here, and has taken no place.
      const signal = new CommitSignal(context, services);
      openStreams += 1;
      const end = () => {
        openStreams -= 1;
        signal.end();
      };
      try {
        const first = await services.run(studio.pulse, context, {});
        return eventStream(frames(context, services, signal, first), end);
      } catch (error) {
        end();
        throw error;
      }
    },
  },
];

async function* frames(
  context: RequestContext,
  services: Services,
  signal: CommitSignal,
  first: Pulse,
): AsyncGenerator<string> {
  const endMs = performance.now() + lifeMs;
  const lastEventId = context.headers['last-event-id'];
  let { files } = first;
  /** A look has passed over upkeep. A commit in the same moment may be told later: then the files look as they did. */
  let hasPassedOver = false;
  /** A request has committed since the last event: what executors wrote else is no commit of anybody. */
  let isByRequest = !services.options.mounted;
  let sinceMs = services.monotonicMs();
  let spokeMs = performance.now();
  const commit = async ({ schemaVersion }: Pulse): Promise<StudioCommitEvent> => {
    const writers = await services.writersSince(services.target(context), sinceMs - gatherMs);
    const by = writers.filter(({ command }) => isByRequest || command !== executorName);
    return { at: new Date().toISOString(), by, schemaVersion };
  };
  yield 'retry: 1000\n\n';
  yield eventFrame('ready', { at: new Date().toISOString(), by: [], schemaVersion: first.schemaVersion }, files);
  if (typeof lastEventId === 'string' && lastEventId !== '' && lastEventId !== files) {
    yield eventFrame('commit', await commit(first), files);
  }
  while (!signal.isClosed && !services.stopping.aborted && performance.now() < endMs) {
    await signal.wait(limits.lockHeartbeatMs);
    await sleep(gatherMs);
    const lookedMs = services.monotonicMs();
    const heard = signal.takeHeard();
    const isCommit = heard.has('request') || heard.has('program');
    isByRequest ||= heard.has('request');
    const now = await look(context, services);
    if (now === 'end') {
      yield eventFrame('end', { reason: 'database_deleted' });
      return;
    }
    const isOther = now !== 'busy' && now.files !== files;
    // Without a mount a native commit is not heard: whatever changes a file is told.
    if (isOther && heard.has('upkeep') && !isCommit && services.options.mounted) {
      files = now.files;
      hasPassedOver = true;
      sinceMs = lookedMs;
    } else if (now !== 'busy' && (isOther || (hasPassedOver && isCommit))) {
      files = now.files;
      hasPassedOver = false;
      yield eventFrame('commit', await commit(now), files);
      isByRequest = !services.options.mounted;
      sinceMs = lookedMs;
      spokeMs = performance.now();
    } else if (performance.now() - spokeMs >= limits.lockHeartbeatMs) {
      yield ': alive\n\n';
      spokeMs = performance.now();
    }
  }
  if (!signal.isClosed) yield eventFrame('end', { reason: services.stopping.aborted ? 'shutdown' : 'max_lifetime' });
}

async function look(context: RequestContext, services: Services): Promise<Pulse | 'busy' | 'end'> {
  try {
    return await services.run(studio.pulse, context.renewed(), {});
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.code === 'DATABASE_NOT_FOUND') return 'end';
    return 'busy';
  }
}
