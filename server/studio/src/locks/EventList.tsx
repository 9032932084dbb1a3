// What has happened to the locks, newest first. The server looks four times a second: shorter locks do not appear.
import { clockTimeMs } from '../time-text.ts';
import type { LockEvent } from './lock-events.ts';
import { containerName, duration, programName } from './words.ts';

const drawnEvents = 60;

const words = {
  got: 'got',
  'got-after-wait': 'got',
  'let-go': 'let go of',
  waits: 'began to wait for',
  'stopped-waiting': 'no longer waits for',
} as const;

interface Props {
  readonly events: readonly LockEvent[];
  readonly showsDb: boolean;
}

export function EventList({ events, showsDb }: Props) {
  return (
    <section class="lock-events" aria-label="Events">
      <h2>Events</h2>
      {events.length === 0 ? (
        <p class="muted">Nothing has changed since this page was opened. It looks four times a second.</p>
      ) : (
        <ol>
          {events.slice(0, drawnEvents).map((event) => (
            <Event key={event.id} event={event} showsDb={showsDb} />
          ))}
        </ol>
      )}
    </section>
  );
}

function Event({ event, showsDb }: { readonly event: LockEvent; readonly showsDb: boolean }) {
  const { atMs, db, kind, lock, pid, container, ms } = event;
  return (
    <li class={`lock-event is-${kind}`}>
      <time>{clockTimeMs(atMs)}</time>
      <span>
        <b>{programName(event)}</b>
        {pid !== 0 && (
          <span class="muted">
            {' '}
            pid {pid}, {containerName(container)}
          </span>
        )}{' '}
        {words[kind]} <code>{lock}</code>
        {ms !== null && ` after ${duration(ms)}`}
        {showsDb && <span class="muted"> in {db}</span>}
      </span>
    </li>
  );
}
