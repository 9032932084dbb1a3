// What the server's metrics show of the daemon as a whole.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LockView } from '../../fs/index.ts';
import type { DaemonState } from '../../server/index.ts';
import type { KeptChild } from '../children/kept-child.ts';
import type { MountService } from '../mount/mount-service.ts';

export interface DaemonStateSources {
  readonly data: string;
  readonly mountService: MountService | undefined;
  readonly children: readonly KeptChild[];
  readonly fenced: readonly string[];
  readonly degraded: readonly string[];
  /** Databases that executors have open: paths below the data directory. */
  readonly openDatabases: readonly string[];
}

export async function daemonState(sources: DaemonStateSources): Promise<DaemonState> {
  const { mountService, children } = sources;
  const fs = mountService?.process.current;
  const locks = (await fs?.query('locks').catch(() => undefined)) as LockView | undefined;
  const open = new Set([...sources.openDatabases, ...(locks?.databases ?? []).map(({ db }) => db)]);
  const sizes = await Promise.all([...open].map((database) => sizeOf(join(sources.data, `${database}-wal`))));
  return {
    isMountUp: fs?.isReady === true,
    degraded: sources.degraded.length + children.filter(({ current }) => current === undefined).length,
    fencedDatabases: sources.fenced.length,
    restarts: Object.fromEntries(children.map(({ role, restarts }) => [role, restarts])),
    walBytes: sizes.reduce((sum, size) => sum + size, 0),
  };
}

/** 0 for a file that is not there. */
async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
}
