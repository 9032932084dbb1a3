// Which processes still use a mount, and how they are named to the operator.
import { findMountUsers, type MountUser } from '../fs/index.ts';

/** Most processes named in one line; the rest is counted. */
const mostNamed = 10;

/** Without this process: it may hold a descriptor while it looks. */
export function usersOf(connection: number): MountUser[] {
  return findMountUsers(connection).filter(({ pid }) => pid !== process.pid);
}

/** As `1234 (python3, /hoody/databases/app.db)`. */
export function describeUsers(users: readonly MountUser[]): string {
  const named = users.slice(0, mostNamed).map(({ pid, command, path }) => `${pid} (${command}, ${path})`);
  const more = users.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
