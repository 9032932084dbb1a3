// Looks users and groups of this machine up with id(1) and getent(1), which ask whatever they come from.
import { execFileSync } from 'node:child_process';
import type { UnprivilegedUser } from '../../server/index.ts';
import { usageError } from '../errors.ts';

/** @throws CommandError when there is no such user, or this process could not become it */
export function findUser(name: string): UnprivilegedUser {
  if (process.getuid?.() !== 0) throw usageError('--user: only root can change to another user', 'leave it out');
  try {
    const numbers = (flag: string) =>
      execFileSync('id', [flag, '--', name], { encoding: 'utf8', stdio: 'pipe' }).trim().split(' ').map(Number);
    const [[uid], [gid], groups] = [numbers('-u'), numbers('-g'), numbers('-G')];
    if (uid === undefined || gid === undefined) throw new Error('id(1) prints nothing');
    return { uid, gid, groups };
  } catch {
    throw usageError(`--user: there is no user "${name}"`, `useradd --system ${name} makes one`);
  }
}

/** Its number. @throws CommandError when there is no such group */
export function findGroup(name: string): number {
  try {
    const [, , gid] = execFileSync('getent', ['group', '--', name], { encoding: 'utf8', stdio: 'pipe' }).split(':');
    if (gid === undefined) throw new Error('getent(1) prints nothing');
    return Number(gid);
  } catch {
    throw usageError(`--socket-group: there is no group "${name}"`, `groupadd --system ${name} makes one`);
  }
}
