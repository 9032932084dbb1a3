// The data directory: made for its owner alone, since the file system it lies on is not mounted nosuid as ours is. A
// set-user-ID program that a container puts there would otherwise work for every user of the host.
import { chownSync, existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeRootMode } from '../../fs/index.ts';
import { CommandError, exitCodes, messageOf } from '../errors.ts';
import { createDirectory } from './paths.ts';

const closedMode = 0o700;
/**
 * What the root of the mount shows: every container may look, and root alone makes files, until somebody changes that
 * there.
 */
const mountRootMode = 0o755;
const S_IXOTH = 0o001;

export interface DataDirectoryUse {
  readonly isMounted: boolean;
  /** Who opens databases in the directory itself, where that is another user. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
}

/** Made where it does not exist. @returns its canonical path @throws CommandError */
export function createDataDirectory(path: string, { isMounted, user }: DataDirectoryUse): string {
  try {
    if (!existsSync(path)) {
      createDirectory(dirname(path));
      if (makeDataDirectory(path)) {
        if (isMounted) writeRootMode(Buffer.from(`${path}\0`), mountRootMode);
        // Without a mount no container puts programs there.
        else if (user) chownSync(path, user.uid, user.gid);
      }
    }
    if (!statSync(path).isDirectory()) throw new Error('a file has this name');
    return realpathSync(path);
  } catch (cause) {
    throw new CommandError(exitCodes.failed, `--data ${path} cannot be created: ${messageOf(cause)}`, {
      hint: 'choose another directory with --data',
      cause,
    });
  }
}

/** False: another daemon, which starts at the same moment, has made it. The claims say which of the two serves. */
function makeDataDirectory(path: string): boolean {
  try {
    mkdirSync(path, { mode: closedMode });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

/** True when every user of this machine can reach what lies in the directory. `path` is canonical. */
export function isOpenToAll(path: string): boolean {
  const parent = dirname(path);
  return (statSync(path).mode & S_IXOTH) !== 0 && (parent === path || isOpenToAll(parent));
}

/** What closes it and leaves the mount as it is. */
export function howToClose(data: string, mountPoint: string): string {
  return `chmod 700 ${data}, and then chmod 755 ${mountPoint}, whose mode is kept apart`;
}
