// The prerequisites of a start, looked at one by one without changing anything.
import { accessSync, constants, existsSync, readlinkSync, statfsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { inspectFuse, inspectMount, probeMount } from '../../fs/index.ts';
import { inspectSqlGuard } from '../../server/index.ts';
import { bytesText } from '../cli/status-text.ts';
import { urlOf } from '../config/listen-address.ts';
import type { Settings } from '../config/options.ts';
import { connectToAll } from '../control/client.ts';
import { findSqlite } from '../databases/sqlite-binding.ts';
import { type CommandError, messageOf } from '../errors.ts';
import { openHttpSocket } from '../http/listening-socket.ts';
import { howToClose, isOpenToAll } from '../instance/data-directory.ts';
import { canonicalMountPoint, canonicalPath } from '../instance/paths.ts';
import { hiddenFilesIn } from '../mount/bare-directory.ts';
import { fileSystemOf } from '../mount/file-system.ts';
import { checkPlace } from '../ship/check-place.ts';
import type { DaemonStatus } from '../supervisor/status.ts';

export interface Check {
  readonly name: string;
  /** `failed`: a start could not mount, or not serve. */
  readonly result: 'ok' | 'warning' | 'failed';
  readonly text: string;
  /** What to type or change. */
  readonly fix?: string;
}

/** Why a file system is a bad home for databases that are locked, mapped and synced. */
const poorFileSystems: Readonly<Record<string, string>> = {
  nfs: 'locks and mapped memory of several hosts are unreliable',
  nfs4: 'locks and mapped memory of several hosts are unreliable',
  cifs: 'locks behave differently from local ones',
  smb3: 'locks behave differently from local ones',
  virtiofs: 'mapped memory may not be shared, and passthrough may be refused',
  '9p': 'mapped memory is not shared',
  overlay: 'the data is lost with the container, and passthrough may be refused',
  tmpfs: 'the data is lost at the next boot',
};

/** The kernel's own number for it, the same on every machine: PROC_PID_INIT_INO in linux/proc_ns.h. */
const firstPidNamespace = `pid:[${0xeffffffc}]`;
const littleFreeBytes = 2 ** 30;
const mostNamedFiles = 5;

export async function inspectMachine(settings: Settings): Promise<Check[]> {
  const fuse = inspectFuse();
  return [
    rootCheck(fuse.mayMount),
    deviceCheck(fuse.device),
    await sqliteCheck(),
    await guardCheck(),
    processesCheck(),
    passthroughCheck(fuse.passthrough, fuse.kernel, fuse.missing),
    await mountPointCheck(canonicalMountPoint(settings.mount)),
    ...dataChecks(canonicalPath(settings.data), canonicalMountPoint(settings.mount), fuse.mayMount),
    await portCheck(settings),
    ...(settings.ship === undefined ? [] : [await shipCheck(settings.ship)]),
  ];
}

function rootCheck(mayMount: boolean): Check {
  if (mayMount) return { name: 'root', result: 'ok', text: 'this user may mount' };
  return {
    name: 'root',
    result: 'failed',
    text: 'this user may not mount: CAP_SYS_ADMIN is missing',
    fix: 'run it as root (sudo hoody-sqlite start); in a container add --cap-add SYS_ADMIN; --no-mount serves HTTP only',
  };
}

function deviceCheck(hasDevice: boolean): Check {
  if (hasDevice) return { name: '/dev/fuse', result: 'ok', text: 'can be opened' };
  const exists = existsSync('/dev/fuse');
  return {
    name: '/dev/fuse',
    result: 'failed',
    text: exists ? 'exists, but may not be opened by this user' : 'does not exist',
    fix: exists
      ? 'run as root; in a container add --device /dev/fuse'
      : 'modprobe fuse; in a container add --device /dev/fuse',
  };
}

async function sqliteCheck(): Promise<Check> {
  const found = await findSqlite();
  if ('version' in found) return { name: 'sqlite', result: 'ok', text: `better-sqlite3 with SQLite ${found.version}` };
  return { name: 'sqlite', result: 'failed', text: `better-sqlite3 cannot be loaded: ${found.reason}`, fix: found.fix };
}

/** The kernel tells a mount who asks for a lock by a number in the pid namespace of the mount's maker. */
function processesCheck(): Check {
  const name = 'processes';
  if (readlinkSync('/proc/self/ns/pid') === firstPidNamespace)
    return { name, result: 'ok', text: 'clients in all containers can be seen' };
  return {
    name,
    result: 'warning',
    text: 'clients outside of this pid namespace cannot be seen: their locks queue, but show "pid 0 (hidden)"; after a crash nobody can say which program holds a database',
    fix: 'podman run --pid host, docker run --pid host, or hostPID: true in a pod',
  };
}

async function guardCheck(): Promise<Check> {
  const name = 'SQL guard';
  const reason = await inspectSqlGuard();
  if (reason === null) return { name, result: 'ok', text: 'SQLite itself refuses what SQL over HTTP may not do' };
  return {
    name,
    result: 'warning',
    text: `SQL over HTTP is limited to statements that are known to be harmless: ${reason}`,
    fix: 'apt-get install -y gcc libc6-dev && npm run build, where the program is built',
  };
}

function passthroughCheck(isPossible: boolean, kernel: string, missing: readonly string[]): Check {
  if (isPossible) return { name: 'kernel', result: 'ok', text: `${kernel}, passthrough looks possible` };
  return {
    name: 'kernel',
    result: 'warning',
    text: `${kernel}, no passthrough: reads and writes go through the daemon`,
    ...(missing.length > 0 && { fix: missing.join(' ') }),
  };
}

async function mountPointCheck(mountPoint: string): Promise<Check> {
  const name = 'mount point';
  if (!inspectMount(mountPoint)) return freeMountPointCheck(mountPoint);
  const state = await probeMount(mountPoint);
  if (state === 'alive') return { name, result: 'ok', text: `${mountPoint} is mounted and answers` };
  return {
    name,
    result: 'warning',
    text: `${mountPoint} is mounted, but its daemon ${state === 'dead' ? 'is gone' : 'does not answer'}`,
    fix: `hoody-sqlite unmount --mount ${mountPoint}; a start does it too`,
  };
}

function freeMountPointCheck(mountPoint: string): Check {
  const name = 'mount point';
  const existing = nearestExisting(mountPoint);
  const fix = 'choose another directory with --mount';
  if (!statSync(existing).isDirectory()) {
    return { name, result: 'failed', text: `${existing} is not a directory`, fix };
  }
  if (existing === mountPoint) return bareDirectoryCheck(mountPoint);
  if (isWritable(existing)) return { name, result: 'ok', text: `${mountPoint} can be created` };
  return { name, result: 'failed', text: `${mountPoint} cannot be created in ${existing} by this user`, fix };
}

function bareDirectoryCheck(mountPoint: string): Check {
  const name = 'mount point';
  const hidden = hiddenFiles(mountPoint);
  if (hidden.length === 0) return { name, result: 'ok', text: `${mountPoint} is free` };
  const files = hidden.length === 1 ? '1 file' : `${hidden.length} files`;
  return {
    name,
    result: 'warning',
    text: `${mountPoint} holds ${files} that a mount hides: ${hidden.slice(0, mostNamedFiles).join(', ')}`,
    fix: 'programs made them while nothing was mounted: move them to the data directory, if it lacks them, or remove them',
  };
}

function dataChecks(data: string, mountPoint: string, mayMount: boolean): Check[] {
  const existing = nearestExisting(data);
  const type = fileSystemOf(existing)?.type ?? 'unknown';
  const poor = poorFileSystems[type];
  const { bavail, bsize } = statfsSync(existing);
  const freeBytes = bavail * bsize;
  return [
    writableCheck(data, existing),
    // Without a mount no container puts programs there.
    ...(mayMount && existing === data ? [openToAllCheck(data, mountPoint)] : []),
    poor === undefined
      ? { name: 'file system', result: 'ok', text: `${data} is on ${type}` }
      : {
          name: 'file system',
          result: 'warning',
          text: `${data} is on ${type}: ${poor}`,
          fix: 'choose a directory on ext4, xfs or btrfs with --data',
        },
    {
      name: 'free space',
      result: freeBytes < littleFreeBytes ? 'warning' : 'ok',
      text: `${bytesText(freeBytes)} for ${data}`,
      ...(freeBytes < littleFreeBytes && { fix: 'free some space: a full disk makes every write fail' }),
    },
  ];
}

function openToAllCheck(data: string, mountPoint: string): Check {
  const name = 'data rights';
  if (!isOpenToAll(data)) return { name, result: 'ok', text: `other users of this machine cannot reach ${data}` };
  return {
    name,
    result: 'warning',
    text: `every user of this machine can reach ${data}: set-user-ID programs that containers put there work for them`,
    fix: howToClose(data, mountPoint),
  };
}

function writableCheck(data: string, existing: string): Check {
  const name = 'data';
  if (isWritable(existing)) {
    return { name, result: 'ok', text: existing === data ? `${data} can be written` : `${data} can be created` };
  }
  return {
    name,
    result: 'failed',
    text: `${existing} cannot be written by this user`,
    fix: 'choose another directory with --data',
  };
}

/** None where this user may not look; only a start as root could mount. */
function hiddenFiles(mountPoint: string): readonly string[] {
  try {
    return hiddenFilesIn(mountPoint);
  } catch {
    return [];
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function nearestExisting(path: string): string {
  return existsSync(path) ? path : nearestExisting(dirname(path));
}

/** It never fails: a start serves without the copy elsewhere. */
async function shipCheck(ship: string): Promise<Check> {
  const { url, isUsable, remarks } = await checkPlace(ship);
  if (isUsable && remarks.length === 0) return { name: 'ship', result: 'ok', text: `${url} can be shipped to` };
  return {
    name: 'ship',
    result: 'warning',
    text: `${isUsable ? url : `${url} cannot be shipped to from here`}: ${remarks.join('; ')}`,
    ...(isUsable ? {} : { fix: 'a service may have credentials that this shell lacks: see hoody-sqlite status' }),
  };
}

async function portCheck(settings: Settings): Promise<Check> {
  const { listen } = settings;
  try {
    const socket = await openHttpSocket(listen);
    await socket.close();
    return { name: 'port', result: 'ok', text: `${urlOf(listen)} is free` };
  } catch (error) {
    const pid = await daemonServing(urlOf(listen), settings);
    if (pid !== undefined)
      return { name: 'port', result: 'ok', text: `${urlOf(listen)} is served by the daemon with pid ${pid}` };
    const { hint } = error as CommandError;
    return { name: 'port', result: 'warning', text: messageOf(error), ...(hint !== undefined && { fix: hint }) };
  }
}

/** Its pid; undefined when no daemon of ours that can be asked is the one. */
async function daemonServing(url: string, settings: Settings): Promise<number | undefined> {
  try {
    const daemons = await connectToAll({ settings, named: new Set() });
    try {
      for (const daemon of daemons) if (((await daemon.ask('status')) as DaemonStatus).url === url) return daemon.pid;
    } finally {
      for (const daemon of daemons) daemon.close();
    }
  } catch {
    // It does not answer, or belongs to another user.
  }
  return undefined;
}
