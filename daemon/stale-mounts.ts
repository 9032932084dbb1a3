// What a crashed daemon leaves: a mount that nobody serves. Cleared at the next start, but only once no process has a
// file of it open, since such a process can go on writing to the backing file without asking anybody.
import { setTimeout as delay } from 'node:timers/promises';
import { abortConnection, findMounts, inspectMount, probeMount, unmountFuse } from '../fs/index.ts';
import { CommandError, exitCodes } from './errors.ts';
import type { Log } from './log.ts';
import { describeUsers, usersOf } from './mount-users.ts';

/** A crashed daemon's own children need a moment to notice and end. */
const graceMs = 5_000;
const retryMs = 50;

/**
 * Ends what is left of an earlier daemon. `recordedConnection` is that of the last daemon of this data directory, wherever
 * it was mounted; the caller has claimed the directory, so that daemon is gone.
 * @throws CommandError naming the processes that still use a dead mount
 */
export async function clearStaleMounts(
  mountPoint: string | null,
  recordedConnection: number | null,
  log: Log,
): Promise<void> {
  if (recordedConnection !== null) await clearConnection(recordedConnection, log);
  const mount = mountPoint === null ? undefined : inspectMount(mountPoint);
  if (!mount) return;
  await refuseIfServed(mount.mountPoint);
  await clearConnection(mount.connection, log);
}

/** For the command `unmount`: like a start, but a mount that is served stays. */
export async function clearDeadMount(mountPoint: string, log: Log): Promise<boolean> {
  const mount = inspectMount(mountPoint);
  if (!mount) return false;
  if ((await probeMount(mountPoint)) === 'alive') {
    throw new CommandError(exitCodes.failed, `${mountPoint} is mounted and served by a daemon`, {
      hint: 'hoody-sqlite stop ends it',
    });
  }
  detach(mount.connection, log);
  return true;
}

/** A mount of a daemon with another data directory and another run-time folder, so that no claim has shown it. */
async function refuseIfServed(mountPoint: string): Promise<void> {
  const endsAtMs = Date.now() + graceMs;
  while ((await probeMount(mountPoint)) !== 'dead') {
    if (Date.now() >= endsAtMs) {
      throw new CommandError(exitCodes.taken, `another daemon already uses the mount point ${mountPoint}`, {
        hint: 'stop it, or choose another mount point with --mount',
      });
    }
    await delay(retryMs);
  }
}

async function clearConnection(connection: number, log: Log): Promise<void> {
  // Ends an fs process that has outlived its supervisor, and every call that waits for it.
  try {
    abortConnection(connection);
  } catch {
    // it has ended by itself, or this machine does not show connections in /sys
  }
  const endsAtMs = Date.now() + graceMs;
  let users = usersOf(connection);
  while (users.length > 0 && Date.now() < endsAtMs) {
    await delay(retryMs);
    users = usersOf(connection);
  }
  if (users.length > 0) {
    throw new CommandError(
      exitCodes.failed,
      `files of a mount whose daemon is gone are still open: ${describeUsers(users)}; they could be written without any lock`,
      { hint: 'end these processes, then start again' },
    );
  }
  detach(connection, log);
}

function detach(connection: number, log: Log): void {
  for (const mount of findMounts().filter((row) => row.connection === connection)) {
    unmountFuse(mount.mountPoint, 'lazy');
    log.info('stale-mount-cleared', { mount: mount.mountPoint, connection });
  }
}
