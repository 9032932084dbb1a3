// The run-time folder: one folder per data directory with the control socket and a record of the daemon. The record
// outlives a crash, and is how the next start and the client commands learn about the daemon that was there.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessIdentity } from '../children/process-identity.ts';
import { longestSocketPathBytes } from '../config/listen-address.ts';
import { CommandError, exitCodes, usageError } from '../errors.ts';
import { createDirectory } from './paths.ts';

export interface InstanceRecord {
  readonly pid: number;
  readonly data: string;
  /** null while nothing is mounted. */
  readonly mount: string | null;
  /** Number of the FUSE connection: /sys/fs/fuse/connections/N, minor device number of the mount. */
  readonly connection: number | null;
  /** Connections that have died, until a survey has said that no program has a file of them open. Absent: none. */
  readonly dead?: readonly number[];
  /**
   * The process that serves the mount, and during a reload the one that is to follow it: they may outlive the
   * supervisor.
   */
  readonly fs: readonly ProcessIdentity[];
  /** Connection numbers start again with the kernel. */
  readonly bootId: string;
}

export interface Instance {
  readonly folder: string;
  readonly controlSocket: string;
}

/** Numbers only mean the same processes and connections while the kernel has not been restarted. */
export function currentBootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

/** `data` is a canonical path. */
export function instanceOf(runDir: string, data: string): Instance {
  const instance = instanceIn(join(runDir, digest(data)));
  if (Buffer.byteLength(instance.controlSocket) > longestSocketPathBytes) {
    throw usageError(`--run-dir: ${runDir} is too long for a socket file in it`);
  }
  return instance;
}

/** The file whose lock says that a daemon uses this mount point. */
export function mountClaimFile(runDir: string, mount: string): string {
  return join(runDir, `mount-${digest(mount)}.lock`);
}

/** Makes the folder for its owner only. A folder in /tmp could be somebody else's trap, so its owner is checked. */
export function createRunDir(runDir: string): void {
  try {
    createDirectory(runDir, 0o700);
  } catch (cause) {
    throw new CommandError(exitCodes.failed, `cannot create the run-time folder ${runDir}`, {
      hint: 'choose another one with --run-dir',
      cause,
    });
  }
  if (statSync(runDir).uid !== process.getuid?.()) {
    throw new CommandError(exitCodes.failed, `the run-time folder ${runDir} belongs to another user`, {
      hint: 'choose another one with --run-dir',
    });
  }
}

export function createInstanceFolder(instance: Instance): void {
  createDirectory(instance.folder, 0o700);
}

export function writeRecord(instance: Instance, record: InstanceRecord): void {
  const path = recordPath(instance);
  writeFileSync(`${path}.new`, `${JSON.stringify(record)}\n`);
  renameSync(`${path}.new`, path);
}

/** undefined when there is none, or only one from before the last boot. */
export function readRecord(instance: Instance): InstanceRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(recordPath(instance), 'utf8')) as InstanceRecord;
    return record.bootId === currentBootId() ? record : undefined;
  } catch {
    return undefined;
  }
}

export function removeInstance(instance: Instance): void {
  rmSync(instance.folder, { recursive: true, force: true });
}

export interface KnownInstance {
  readonly instance: Instance;
  readonly record: InstanceRecord;
}

/** Every daemon that runs or has crashed with this run-time folder. */
export function listInstances(runDir: string): KnownInstance[] {
  return namesIn(runDir).flatMap((name) => {
    const instance = instanceIn(join(runDir, name));
    const record = readRecord(instance);
    return record ? [{ instance, record }] : [];
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // no daemon has ever run here
  }
}

function instanceIn(folder: string): Instance {
  return { folder, controlSocket: join(folder, 'control.sock') };
}

function recordPath(instance: Instance): string {
  return join(instance.folder, 'daemon.json');
}

function digest(path: string): string {
  return createHash('sha256').update(path).digest('hex').slice(0, 12);
}
