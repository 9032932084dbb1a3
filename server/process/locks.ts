// What the server makes of a lock snapshot: the part about one database, and the name of whoever keeps a request
// waiting.

import type { DatabaseLocks, LockHolder, LockParty, LockSnapshot } from '../index.ts';
import { ApiError } from '../messages/errors.ts';

export function locksOf(snapshot: LockSnapshot, database: string): DatabaseLocks | undefined {
  return snapshot.databases.find(({ db }) => db === database);
}

/** What the monitor calls an executor: `node` would say nothing of a request over HTTP. */
export const executorName = 'hoody-sqlite';

/** The snapshot with the processes that work for requests of this server under its own name. */
export function namingExecutors({ databases }: LockSnapshot, executors: readonly number[]): LockSnapshot {
  const named = <Party extends LockParty>(party: Party): Party =>
    executors.includes(party.pid) ? { ...party, command: executorName } : party;
  return {
    databases: databases.map((database) => ({
      ...database,
      holders: database.holders.map(named),
      waiters: database.waiters.map(named),
    })),
  };
}

export interface LockQuestions {
  readonly readLocks: () => Promise<DatabaseLocks | undefined>;
  /** The process is an executor of this server: what holds it up is another request. */
  readonly isExecutor: (pid: number) => boolean;
}

/** A DATABASE_BUSY that says who holds the database, where that is known; every other error as it is. */
export async function namingHolder(error: ApiError, { readLocks, isExecutor }: LockQuestions): Promise<ApiError> {
  // Where it was named before, as on the way through two services, once is enough.
  if (error.code !== 'DATABASE_BUSY' || 'holder' in error.members) return error;
  const locks = await readLocks();
  const holder = locks && holderOf(locks);
  if (!holder) return error;
  const { command, pid, container, lock, heldMs } = holder;
  const who = isExecutor(pid) ? `another request of this server (pid ${pid})` : `${command} (pid ${pid}, ${container})`;
  return new ApiError('DATABASE_BUSY', `${error.message}: ${who} holds ${lock} for ${heldMs} ms`, {
    cause: error,
    members: { ...error.members, holder },
  });
}

/** Whoever somebody waits for, and that holds up everybody rather than some; one that waits itself holds nobody up. */
function holderOf({ holders, waiters }: DatabaseLocks): LockHolder | undefined {
  const blocking = new Set(waiters.flatMap(({ blockedBy }) => blockedBy));
  const waiting = new Set(waiters.map(({ pid }) => pid));
  const rank = ({ pid, mode }: LockHolder): number =>
    (blocking.has(pid) ? 0 : 4) + (waiting.has(pid) ? 2 : 0) + (mode === 'exclusive' ? 0 : 1);
  return holders.toSorted((one, other) => rank(one) - rank(other))[0];
}
