// Looks at mounts of this program that are there already: which, dead or alive, and who still uses them. Nothing here
// can hang on a mount whose daemon is gone or stuck: it is only asked for cached facts, or by another process with a
// deadline.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { cachedDevice } from '../system/stat.ts';
import { mountType } from './mount.ts';
import { readMounts } from './mount-info.ts';

export interface FuseMount {
  readonly mountPoint: string;
  /** N of /sys/fs/fuse/connections/N: the minor device number. */
  readonly connection: number;
}

/** `dead`: its daemon is gone. `hung`: no answer in time, so its daemon is stopped, stuck or overloaded. */
export type MountState = 'alive' | 'dead' | 'hung';

export interface MountUser {
  readonly pid: number;
  readonly command: string;
  /** What of the mount it has: a path as that process sees it. */
  readonly path: string;
}

/** All mounts of this program that this mount namespace shows; an upper one on the same directory comes later. */
export function findMounts(): FuseMount[] {
  return readMounts()
    .filter(({ type }) => type === mountType)
    .map(({ mountPoint, device }) => ({ mountPoint, connection: Number(device.split(':')[1]) }));
}

/**
 * The uppermost mount of this program on that very directory, if there is one. `mountPoint` is absolute and canonical.
 */
export function inspectMount(mountPoint: string): FuseMount | undefined {
  return findMounts().findLast((mount) => mount.mountPoint === mountPoint);
}

/** Asks the mount for its statistics from another process, which may hang in our place. */
export function probeMount(mountPoint: string, timeoutMs = 2000): Promise<MountState> {
  return new Promise((resolve) => {
    const child = spawn('stat', ['-f', '--', mountPoint], { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
    let message = '';
    const finish = (state: MountState) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      child.stderr.destroy();
      child.unref();
      resolve(state);
    };
    const timer = setTimeout(() => finish('hung'), timeoutMs);
    child.stderr.on('data', (chunk: Buffer) => {
      message += chunk.toString('latin1');
    });
    child.on('error', () => finish('hung'));
    child.on('close', (code) => finish(code === 0 || message === '' ? 'alive' : 'dead'));
  });
}

/**
 * Processes that have a file, directory or mapping of that connection open, also after a lazy unmount. Needs root to
 * see all.
 */
export function findMountUsers(connection: number): MountUser[] {
  return processIds().flatMap((pid) => {
    const path = firstUse(pid, connection);
    return path === undefined ? [] : [{ pid, command: commandOf(pid), path }];
  });
}

function processIds(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function firstUse(pid: number, connection: number): string | undefined {
  const links = ['cwd', 'root', ...linksIn(pid, 'fd'), ...linksIn(pid, 'map_files')].map(
    (name) => `/proc/${pid}/${name}`,
  );
  const link = links.find((candidate) => {
    const device = cachedDevice(candidate);
    return device !== undefined && device.major === 0 && device.minor === connection;
  });
  if (link === undefined) return undefined;
  try {
    return readlinkSync(link);
  } catch {
    return link;
  }
}

function linksIn(pid: number, folder: 'fd' | 'map_files'): string[] {
  try {
    return readdirSync(`/proc/${pid}/${folder}`).map((name) => `${folder}/${name}`);
  } catch {
    return []; // the process has ended, or belongs to somebody else
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '?';
  }
}
