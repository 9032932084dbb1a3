// Files that the archive process makes for the server process: where they may lie, and who gets them. The archive
// process may be root while the server is not, so the server must not have files made anywhere else.
import { lchown, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { ArchiveQuestion } from '../../fs/index.ts';
import type { UnprivilegedUser } from '../../server/index.ts';

/** undefined where no file is made. */
export function fileMadeFor(question: ArchiveQuestion): string | undefined {
  return 'path' in question ? String(question.path) : undefined;
}

/** True for STATE-DIR/past/PID/NAME, unless a symbolic link leads elsewhere. */
export async function mayBeMadeAt(path: string, stateDir: string): Promise<boolean> {
  const folder = dirname(path);
  const pid = basename(folder);
  if (resolve(path) !== path || folder !== join(stateDir, 'past', pid) || !/^\d+$/.test(pid)) return false;
  try {
    return (await realpath(folder)) === join(await realpath(stateDir), 'past', pid);
  } catch {
    return false;
  }
}

/** Gives a file that was made to whom the server runs as. */
export async function handOver(path: string, user: UnprivilegedUser | undefined): Promise<void> {
  if (user !== undefined) await lchown(path, user.uid, user.gid);
}
