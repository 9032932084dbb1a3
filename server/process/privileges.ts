// Gives up root for the rest of this process's life and for the executors that it starts.
import type { UnprivilegedUser } from '../index.ts';

/** Every thread changes at once. @throws Error when this process is not root */
export function becomeUser({ uid, gid, groups }: UnprivilegedUser): void {
  if (!process.setgroups || !process.setgid || !process.setuid) throw new Error('users exist on POSIX systems only');
  process.setgroups([...groups]);
  process.setgid(gid);
  process.setuid(uid);
}
