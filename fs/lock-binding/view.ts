// Adds to the lock manager's view what only /proc knows: program and container of each process, and the time of day.
import type { DatabaseLocks, LockHolder, LockWaiter } from '../locks/snapshot.ts';
import { nameProcess, type ProcessName } from './processes.ts';

export type NamedHolder = LockHolder & ProcessName & { /** ISO 8601. */ readonly since: string };
export type NamedWaiter = LockWaiter & ProcessName;

export interface NamedDatabaseLocks {
  readonly db: string;
  readonly journal: DatabaseLocks['journal'];
  readonly holders: readonly NamedHolder[];
  readonly waiters: readonly NamedWaiter[];
}

/** The answer to the query `locks`. */
export interface LockView {
  readonly databases: readonly NamedDatabaseLocks[];
}

export function nameProcesses(databases: readonly DatabaseLocks[]): LockView {
  const names = new Map<number, ProcessName>();
  const nameOf = (pid: number): ProcessName => {
    const known = names.get(pid) ?? nameProcess(pid);
    names.set(pid, known);
    return known;
  };
  const nowMs = Date.now();
  return {
    databases: databases.map(({ db, journal, holders, waiters }) => ({
      db,
      journal,
      holders: holders.map((holder) => ({
        ...holder,
        ...nameOf(holder.pid),
        since: new Date(nowMs - holder.heldMs).toISOString(),
      })),
      waiters: waiters.map((waiter) => ({ ...waiter, ...nameOf(waiter.pid) })),
    })),
  };
}
