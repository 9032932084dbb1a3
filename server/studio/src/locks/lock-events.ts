// What happened between two lock snapshots: who got a lock, let go of it, began to wait or stopped. Pure.
import type { DatabaseLocks, LockHolder, LockSnapshot, LockWaiter } from './snapshot.ts';
import { isOpenness } from './words.ts';

export interface LockEvent {
  readonly id: number;
  readonly atMs: number;
  readonly db: string;
  readonly kind: 'got' | 'got-after-wait' | 'let-go' | 'waits' | 'stopped-waiting';
  readonly lock: string;
  readonly pid: number;
  readonly command: string;
  readonly container: string;
  /** How long it held or waited; null where that is not part of the event. */
  readonly ms: number | null;
}

/** Events that are kept; older ones fall out. */
export const keptEvents = 200;

const nothing: Omit<DatabaseLocks, 'db'> = { journal: '', holders: [], waiters: [] };

/** `sinceMs`: how long ago `before` was taken. Ids go on from `firstId`. Locks of mere openness are left out. */
export function eventsBetween(
  before: LockSnapshot,
  after: LockSnapshot,
  { atMs, sinceMs, firstId }: { readonly atMs: number; readonly sinceMs: number; readonly firstId: number },
): LockEvent[] {
  const events: Omit<LockEvent, 'id'>[] = [];
  const names = new Set([...before.databases, ...after.databases].map(({ db }) => db));
  for (const db of names) {
    const old = before.databases.find((database) => database.db === db) ?? nothing;
    const now = after.databases.find((database) => database.db === db) ?? nothing;
    const add = (kind: LockEvent['kind'], party: LockHolder | LockWaiter, ms: number | null) => {
      const { lock, pid, command, container } = party;
      events.push({ atMs, db, kind, lock, pid, command, container, ms });
    };
    const gone = missing(old.waiters, now.waiters);
    const got = missing(now.holders, old.holders).filter((holder) => !isOpenness(holder, now.journal || old.journal));
    for (const holder of missing(old.holders, now.holders).filter(
      (holder) => !isOpenness(holder, now.journal || old.journal),
    ))
      add('let-go', holder, holder.heldMs + sinceMs);
    for (const holder of got) {
      const wait = gone.find(({ pid }) => pid === holder.pid);
      add(wait ? 'got-after-wait' : 'got', holder, wait ? wait.waitMs + sinceMs : null);
    }
    for (const waiter of gone) {
      if (!got.some(({ pid }) => pid === waiter.pid)) add('stopped-waiting', waiter, waiter.waitMs + sinceMs);
    }
    for (const waiter of missing(now.waiters, old.waiters)) add('waits', waiter, null);
  }
  return events.map((event, index) => ({ ...event, id: firstId + index }));
}

/** Parties of `these` whose program has no such lock among `those`. */
function missing<Party extends LockHolder | LockWaiter>(these: readonly Party[], those: readonly Party[]): Party[] {
  const keys = new Set(those.map(keyOf));
  return these.filter((party) => !keys.has(keyOf(party)));
}

function keyOf({ pid, lock, mode }: LockHolder | LockWaiter): string {
  return `${pid} ${lock} ${mode}`;
}
