// What SQLite kept beside a database that is no longer there. A new database of that name must begin without it: SQLite
// would take an old WAL or journal for its own and mix two databases.
import { existsSync, renameSync, rmSync } from 'node:fs';
import { filesOf } from './name.ts';

/**
 * Nothing is lost: each WAL and journal gets the name that fits a database called as the first of the answer, so that
 * the old database can be put back beside them.
 * @returns the name that the leftovers now belong to, or null when there were none
 */
export function setLeftoversAside(database: string, now: Date): string | null {
  const owner = `${database}.leftover-${now.toISOString().replace(/[-:]|\.\d+Z/g, '')}`;
  const [, wal = '', shm = '', journal = ''] = filesOf(database);
  const found = [wal, journal].filter((path) => existsSync(path));
  for (const path of found) renameSync(path, owner + path.slice(database.length));
  rmSync(shm, { force: true }); // an index of the WAL, made anew by whoever opens it
  return found.length > 0 ? owner : null;
}
