// What the daemon says about itself to `hoody-sqlite status`. The names in the JSON are a promise to scripts.
import { type FsStatus, filesOf, type LockView } from '../../fs/index.ts';
import type { RamdiskFigures } from '../../server/index.ts';
import { type ArchiveSummary, summaryOf } from '../archive/summary.ts';
import type { Role } from '../children/child.ts';
import type { KeptChild } from '../children/kept-child.ts';
import type { LoggedEvent } from '../log.ts';
import type { KernelLockedDirectory } from '../mount/kernel-locks.ts';
import { usersOf } from '../mount/mount-users.ts';
import { summaryOfTier, troublesOfTier } from '../ramdisk/summary.ts';
import { type ShipSummary, shipFault, summaryOf as summaryOfShip } from '../ship/summary.ts';
import { programVersion } from '../version.ts';
import { downChildren } from './down-children.ts';
import { missedChildren, type Running } from './running.ts';
import { archiveLimitsOf } from './start-archive.ts';

export interface ProcessStatus {
  readonly role: Role | 'supervisor' | 'executor';
  readonly pid: number;
}

export interface ChildStatus {
  readonly role: Role;
  /** null while it is down. */
  readonly pid: number | null;
  /** Another one than the daemon's after an upgrade and a reload; null while it is down. */
  readonly version: string | null;
  readonly restarts: number;
  readonly memoryBytes: number;
  /** How the last one ended; null when none has. */
  readonly lastExit: string | null;
}

export interface FencedDatabase {
  /** Its path below the data directory. */
  readonly database: string;
  /** As far as /proc can tell. */
  readonly by: readonly { readonly pid: number; readonly command: string }[];
}

export interface DaemonStatus {
  /** Of the supervisor that runs, whatever is installed by now. */
  readonly version: string;
  readonly uptimeSeconds: number;
  /** null while nothing is mounted. */
  readonly mount: string | null;
  readonly data: string;
  readonly stateDir: string;
  /** null when the file system does not say. */
  readonly freeBytes: number | null;
  readonly url: string;
  /** What is in effect, not what was asked for. */
  readonly passthrough: boolean;
  readonly processes: readonly ProcessStatus[];
  readonly children: readonly ChildStatus[];
  readonly fuse: Partial<FsStatus> & { readonly requests: Readonly<Record<string, number>> };
  readonly http: { readonly requests: number; readonly openDatabases: number; readonly queuedJobs: number };
  /** Locks on databases of the mount right now; 0 where the kernel keeps them. */
  readonly locks: { readonly databases: number; readonly holders: number; readonly waiters: number };
  /** Directories of the mount in which the kernel keeps the locks. */
  readonly kernelLocks: readonly KernelLockedDirectory[];
  /** The commits that are kept; null where none are (`--archive off`) or the archive process does not answer. */
  readonly archive: ArchiveSummary | null;
  /** Why commits are not kept, or not with all that belongs to them, one sentence each. */
  readonly archiveLimits: readonly string[];
  /** The copy elsewhere; null where there is none (no `--ship`) or the ship process does not answer. */
  readonly ship: ShipSummary | null;
  /** Databases that work in RAM; null where none can, or the tier process does not answer. */
  readonly ramdisk: (RamdiskFigures & { readonly directory: string }) | null;
  /** Databases that are locked for programs which have them open through a mount that has died. */
  readonly fenced: readonly FencedDatabase[];
  /** What does not work as asked for, one sentence each. */
  readonly degraded: readonly string[];
  readonly lastError: LoggedEvent | null;
}

export async function collectStatus(running: Running): Promise<DaemonStatus> {
  const { mounted, httpService, data, stateDir } = running;
  const mountService = mounted?.service;
  const askFs = (name: string) => mountService?.process.current?.query(name).catch(() => undefined);
  const [fs, locks, http, archive, shipped, tier, freeBytes] = await Promise.all([
    askFs('status') as Promise<FsStatus | undefined> | undefined,
    askFs('locks') as Promise<LockView | undefined> | undefined,
    httpService?.status(),
    running.archive?.status(),
    running.ship?.status(),
    running.ramdisk?.status(),
    running.freeSpace.bytes(data),
  ]);
  const children = running.services.map((service) => service.process);
  const ship = shipped && summaryOfShip(shipped);
  const kernelLocks = running.kernelLocks?.directories ?? [];
  return {
    version: programVersion(),
    uptimeSeconds: Math.floor((performance.now() - running.startedAtMs) / 1000),
    mount: mountService?.connection === undefined ? null : (mounted?.mountPoint ?? null),
    data,
    stateDir,
    freeBytes,
    url: running.url,
    passthrough: fs?.passthrough ?? mountService?.passthrough.active ?? false,
    processes: [
      { role: 'supervisor', pid: process.pid },
      ...children.flatMap(({ current }) => (current ? [{ role: current.role, pid: current.pid }] : [])),
      ...(http?.executors ?? []).map((pid) => ({ role: 'executor' as const, pid })),
    ],
    children: children.map(childStatus),
    fuse: { ...fs, requests: fs?.requests ?? {} },
    http: {
      requests: http?.requests ?? 0,
      openDatabases: http?.openDatabases ?? 0,
      queuedJobs: http?.queuedJobs ?? 0,
    },
    locks: countLocks(locks),
    kernelLocks,
    archive: archive === undefined ? null : summaryOf(archive),
    archiveLimits: archiveLimitsOf(running),
    ship: ship ?? null,
    ramdisk: tier === undefined ? null : { directory: running.ramdisk?.directory ?? '', ...summaryOfTier(tier) },
    fenced: fencedDatabases(running.fenced, running.kept?.dead ?? []),
    degraded: [
      ...running.degraded,
      ...kernelLocks.flatMap(({ directory, reason }) =>
        reason === undefined ? [] : [`the kernel does not keep the locks in ${directory}: ${reason}`],
      ),
      ...shipFault(ship),
      ...(tier === undefined ? [] : troublesOfTier(tier)),
      ...(running.isStopping ? ['the daemon is stopping'] : downChildren(missedChildren(running))),
      ...(freeBytes === null ? [`the file system of ${data} does not answer`] : []),
    ],
    lastError: running.log.lastError() ?? null,
  };
}

function countLocks(view: LockView | undefined): DaemonStatus['locks'] {
  const databases = view?.databases ?? [];
  return {
    databases: databases.length,
    holders: databases.reduce((sum, { holders }) => sum + holders.length, 0),
    waiters: databases.reduce((sum, { waiters }) => sum + waiters.length, 0),
  };
}

function fencedDatabases(databases: readonly string[], connections: readonly number[]): FencedDatabase[] {
  if (databases.length === 0) return [];
  const users = connections.flatMap(usersOf);
  return databases.map((database) => ({
    database,
    by: users.flatMap(({ pid, command, path }) => (isFileOf(path, database) ? [{ pid, command }] : [])),
  }));
}

/** `path` is a link of /proc: as its process sees it, and perhaps with a note behind it. */
function isFileOf(path: string, database: string): boolean {
  return filesOf(database).some((file) => path.includes(`/${file}`));
}

function childStatus(child: KeptChild): ChildStatus {
  const { lastExit } = child;
  return {
    role: child.role,
    pid: child.current?.pid ?? null,
    version: child.current?.version ?? null,
    restarts: child.restarts,
    memoryBytes: child.current?.memoryBytes() ?? 0,
    lastExit: lastExit ? (lastExit.signal ?? `exit code ${lastExit.code}`) : null,
  };
}
