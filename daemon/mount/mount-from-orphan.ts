// An fs process whose supervisor has died goes on serving its mount. The next daemon takes everything out of it that a
// successor needs, ends it and goes on as after its crash, so that programs notice nothing.
import { closeSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import {
  deviceInChild,
  inspectMount,
  keptStateInChild,
  remainsOf,
  takeDescriptors,
  unmountBelow,
  unmountFuse,
} from '../../fs/index.ts';
import { exists, isRunning, type ProcessIdentity, parentOf } from '../children/process-identity.ts';
import { messageOf } from '../errors.ts';
import { type InstanceRecord, type KnownInstance, removeInstance } from '../instance/instances.ts';
import type { Log } from '../log.ts';
import type { Mount } from './mount-service.ts';
import { usersOf } from './mount-users.ts';

const endTimeoutMs = 5_000;
const retryMs = 5;
export const notEnded = 'its fs process cannot be ended';

/** The fs processes of the record that run although its supervisor does not. */
export function orphansOf(record: InstanceRecord): readonly ProcessIdentity[] {
  return record.fs.filter((fs) => isRunning(fs) && parentOf(fs.pid) !== record.pid);
}

/** The orphans' mount, if it is the one that is wanted; the orphans have ended then. */
export async function adoptMount(record: InstanceRecord, mountPoint: string, log: Log): Promise<Mount | undefined> {
  const orphans = orphansOf(record);
  const connection = inspectMount(mountPoint)?.connection;
  if (
    orphans.length === 0 ||
    record.mount !== mountPoint ||
    connection === undefined ||
    connection !== record.connection
  )
    return undefined;
  const { memoryFd, sendFd, receiveFd } = keptStateInChild;
  try {
    const taken = takeFromFirst(orphans, [deviceInChild, memoryFd, sendFd, receiveFd]);
    const [fd = -1, memory = -1, send = -1, receive = -1] = taken;
    const isDevice = readlinkSync(`/proc/self/fd/${fd}`) === '/dev/fuse';
    if (!isDevice || !(await endProcesses(orphans))) {
      for (const copy of taken) closeSync(copy);
      throw new Error(isDevice ? notEnded : 'its fs process has no device');
    }
    log.info('mount-adopted', { mount: mountPoint, connection, from: orphans.map(({ pid }) => pid) });
    return { fd, connection, keptState: { memoryFd: memory, sendFd: send, receiveFd: receive } };
  } catch (error) {
    log.warn('mount-not-adopted', { mount: mountPoint, reason: messageOf(error) });
    return undefined;
  }
}

/** All of them have inherited the same; one may be about to end. */
function takeFromFirst(orphans: readonly ProcessIdentity[], fds: readonly number[]): number[] {
  const errors: unknown[] = [];
  for (const { pid } of orphans) {
    try {
      return takeDescriptors(pid, fds);
    } catch (error) {
      errors.push(error);
    }
  }
  throw errors[0];
}

/** For the command `stop`: ends a mount whose supervisor has died. */
export async function stopOrphans({ instance, record }: KnownInstance, log: Log): Promise<void> {
  const orphans = orphansOf(record);
  if (orphans.length === 0 || record.mount === null) return;
  const isUnused = unmount(record.mount, record.connection);
  await endProcesses(orphans);
  // Programs that still have files open must be fenced by the next daemon, which learns of them by the record.
  if (!isUnused) log.warn('mount-detached-in-use', { mount: record.mount });
  else if ((record.dead ?? []).length === 0) removeInstance(instance);
}

function unmount(mountPoint: string, connection: number | null): boolean {
  if (inspectMount(mountPoint)?.connection !== connection) return false;
  try {
    unmountBelow(mountPoint, 'plain');
    unmountFuse(mountPoint, 'plain');
    return usersOf(connection ?? 0).length === 0; // a container may have a copy of the mount
  } catch {
    unmountFuse(mountPoint, 'force');
    return false;
  }
}

/** False when something of them may still have an effect after some seconds. */
export async function endProcesses(processes: readonly ProcessIdentity[]): Promise<boolean> {
  const endsAtMs = performance.now() + endTimeoutMs;
  const named = processes.filter(exists);
  for (const { pid } of named) process.kill(pid, 'SIGKILL');
  while (named.some(({ pid }) => remainsOf(pid) === 'running')) {
    if (performance.now() >= endsAtMs) return false;
    await delay(retryMs);
  }
  return true;
}
