// What a crashed daemon leaves: a mount that nobody serves, or one that its fs process alone still serves. Programs
// that have files of it open can go on writing to the backing files; whoever serves these files next has to fence them.
import { setTimeout as delay } from 'node:timers/promises';
import { findMounts, inspectMount, probeMount, unmountFuse } from '../../fs/index.ts';
import { CommandError, exitCodes } from '../errors.ts';
import type { InstanceRecord } from '../instance/instances.ts';
import type { Log } from '../log.ts';
import { endProcesses, orphansOf } from './mount-from-orphan.ts';

/** A mount that does not answer may belong to a daemon that is only slow. */
const graceMs = 5_000;
const retryMs = 50;

/**
 * Ends what is left of an earlier daemon, wherever it was mounted; the caller has claimed the directory, so that daemon
 * is gone. `remember` is told the connections whose programs may still have files open, before the last sign of them
 * goes.
 */
export async function endStaleMounts(
  mountPoint: string | null,
  earlier: InstanceRecord | undefined,
  remember: (connections: readonly number[]) => void,
  log: Log,
): Promise<void> {
  const recorded = earlier ? await endRecorded(earlier, log) : [];
  const mount = mountPoint === null ? undefined : inspectMount(mountPoint);
  if (mount) await refuseIfServed(mount.mountPoint);
  remember([...new Set([...recorded, ...(mount ? [mount.connection] : [])])]);
  if (mount) detach(mount.connection, log);
}

/** For the command `unmount`: like a start, but a mount that is served by a daemon stays. */
export async function clearDeadMount(
  mountPoint: string,
  earlier: InstanceRecord | undefined,
  log: Log,
): Promise<boolean> {
  const mount = inspectMount(mountPoint);
  if (!mount) return false;
  const isOrphaned = earlier?.connection === mount.connection && orphansOf(earlier).length > 0;
  if (!isOrphaned && (await probeMount(mountPoint)) === 'alive') {
    throw new CommandError(exitCodes.failed, `${mountPoint} is mounted and served by a daemon`, {
      hint: 'hoody-sqlite stop ends it',
    });
  }
  if (isOrphaned && earlier) await endRecorded(earlier, log);
  else detach(mount.connection, log);
  return true;
}

/** A mount of a daemon with another data directory and another run-time folder, so that no claim has shown it. */
async function refuseIfServed(mountPoint: string): Promise<void> {
  const endsAtMs = performance.now() + graceMs;
  while ((await probeMount(mountPoint)) !== 'dead') {
    if (performance.now() >= endsAtMs) {
      throw new CommandError(exitCodes.taken, `another daemon already uses the mount point ${mountPoint}`, {
        hint: 'stop it, or choose another mount point with --mount',
      });
    }
    await delay(retryMs);
  }
}

async function endRecorded(earlier: InstanceRecord, log: Log): Promise<number[]> {
  const { connection, dead = [] } = earlier;
  if (connection === null) return [...dead];
  // The number alone may have been given to another mount since.
  if (findMounts().some((mount) => mount.connection === connection && mount.mountPoint === earlier.mount)) {
    detach(connection, log);
  }
  await endProcesses(orphansOf(earlier));
  return [...dead, connection];
}

/** First every waiting call ends, then the name goes. */
function detach(connection: number, log: Log): void {
  for (const mount of findMounts().filter((row) => row.connection === connection)) {
    unmountFuse(mount.mountPoint, 'force');
    log.info('stale-mount-cleared', { mount: mount.mountPoint, connection });
  }
}
