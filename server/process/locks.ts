// What the server makes of a lock snapshot: the part about one database, and the name of whoever keeps a request waiting.

import type { DatabaseLocks, LockSnapshot } from '../index.ts';
import { ApiError } from '../messages/errors.ts';

export function locksOf(snapshot: LockSnapshot, database: string): DatabaseLocks | undefined {
  return snapshot.databases.find(({ db }) => db === database);
}

/** A DATABASE_BUSY that says who holds the database, where that is known; every other error as it is. */
export async function namingHolder(
  error: ApiError,
  readLocks: () => Promise<DatabaseLocks | undefined>,
): Promise<ApiError> {
  if (error.code !== 'DATABASE_BUSY') return error;
  const holders = (await readLocks())?.holders ?? [];
  const holder = holders.find(({ mode }) => mode === 'exclusive') ?? holders[0];
  if (!holder) return error;
  const { command, pid, container, lock, heldMs } = holder;
  const who = `${command} (pid ${pid}, ${container}) holds ${lock} for ${heldMs} ms`;
  return new ApiError('DATABASE_BUSY', `${error.message}: ${who}`, {
    cause: error,
    members: { ...error.members, holder },
  });
}
