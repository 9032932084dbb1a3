// Which processes still use a mount, and how they are named to the operator.
import { findMountUsers, type MountUser, mountType, readMounts } from '../../fs/index.ts';

/** Most processes named in one line; the rest is counted. */
const mostNamed = 10;

/** `connection` may be that of a mount that is gone, whose number the kernel has given to another file system since. */
export function usersOf(connection: number): MountUser[] {
  return findMountUsers(connection).filter(({ pid }) => pid !== process.pid && !seesOtherFileSystem(pid, connection));
}

function seesOtherFileSystem(pid: number, connection: number): boolean {
  try {
    return readMounts(pid).some(({ device, type }) => device === `0:${connection}` && type !== mountType);
  } catch {
    return false; // it has ended meanwhile, which the next look shows
  }
}

/** As `1234 (python3, /hoody/databases/app.db)`. */
export function describeUsers(users: readonly MountUser[]): string {
  const named = users.slice(0, mostNamed).map(({ pid, command, path }) => `${pid} (${command}, ${path})`);
  const more = users.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
