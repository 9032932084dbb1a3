// Files that the archive process makes for the server process: where they may lie, and who gets them. The archive
// process may be root while the server is not, so the server must not have files made anywhere else.
import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { ArchiveQuestion } from '../../fs/index.ts';
import type { UnprivilegedUser } from '../../server/index.ts';

/** Their paths, as the question names them. */
export function filesMadeFor(question: ArchiveQuestion): string[] {
  if ('path' in question) return [String(question.path)];
  if (question.op !== 'changed-tables' || question.excerpts === undefined) return [];
  return [String(question.excerpts.from), String(question.excerpts.to)];
}

/** Files of its own that the archive process links there: they stay its own. */
export function filesLinkedFor(question: ArchiveQuestion): string[] {
  return question.op === 'parts' ? [String(question.base)] : [];
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

/**
 * Gives a file that was made to whom the server runs as. Some questions make none where it would be empty.
 * @throws Error where something else lies there by now: another file must not change hands
 */
export async function handOver(path: string, user: UnprivilegedUser | undefined): Promise<void> {
  const file = user && (await openMade(path));
  if (user === undefined || file === undefined) return;
  try {
    const stat = await file.stat();
    if (!stat.isFile() || stat.nlink !== 1) throw new Error(`${path}: it is not the file that was made`);
    await file.chown(user.uid, user.gid);
  } finally {
    await file.close();
  }
}

/** undefined: it is not there. */
async function openMade(path: string): Promise<FileHandle | undefined> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  try {
    return await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
