// What a start has to have for itself alone: the data directory and the mount point.
import { mountType } from '../../fs/index.ts';
import { CommandError, exitCodes, messageOf, usageError } from '../errors.ts';
import { claimDataDirectory, claimMountPoint } from '../instance/claims.ts';
import { createInstanceFolder, type Instance, mountClaimFile } from '../instance/instances.ts';
import { createDirectory } from '../instance/paths.ts';
import type { Log } from '../log.ts';
import { fileSystemOf } from '../mount/file-system.ts';
import type { EndSteps } from './end-steps.ts';

export interface Directories {
  readonly data: string;
  readonly mountPoint: string | null;
  readonly runDir: string;
}

/** @throws CommandError where another daemon has one of them */
export async function claimDirectories(
  { data, mountPoint, runDir }: Directories,
  instance: Instance,
  end: EndSteps,
  log: Log,
): Promise<void> {
  // On another daemon's mount the data directory is that one's; this daemon is one of its clients.
  const isClient = fileSystemOf(data)?.type === mountType;
  if (isClient && mountPoint !== null) {
    throw usageError(`--data ${data} lies on the mount of another daemon`, 'add --no-mount to serve it over HTTP');
  }
  if (isClient) createInstanceFolder(instance);
  const claim = await claimDataDirectory(data, isClient ? instance.folder : data, log);
  end.add(() => claim.release());
  if (mountPoint === null) return;
  const mountClaim = claimMountPoint(mountPoint, mountClaimFile(runDir, mountPoint));
  end.add(() => mountClaim.release());
}

/** @throws CommandError */
export function createStateDirectory(path: string): void {
  try {
    createDirectory(path);
  } catch (cause) {
    throw new CommandError(exitCodes.failed, `--state-dir ${path} cannot be created: ${messageOf(cause)}`, {
      hint: 'choose another directory with --state-dir',
      cause,
    });
  }
}
