// What the server's metrics show of the daemon as a whole.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LockView } from '../../fs/index.ts';
import type { DaemonState } from '../../server/index.ts';
import { summaryOf } from '../archive/summary.ts';
import { summaryOfTier, troublesOfTier } from '../ramdisk/summary.ts';
import { shipFault, summaryOf as summaryOfShip } from '../ship/summary.ts';
import { downChildren } from './down-children.ts';
import { missedChildren, type Running } from './running.ts';

/** `openDatabases`: those that executors have open, as paths below the data directory. */
export async function daemonState(running: Running, openDatabases: readonly string[]): Promise<DaemonState> {
  const children = running.services.map((service) => service.process);
  const fs = running.mounted?.service.process.current;
  const [locks, archive, shipped, tier] = await Promise.all([
    fs?.query('locks').catch(() => undefined) as Promise<LockView | undefined> | undefined,
    running.archive?.status(),
    running.ship?.status(),
    running.ramdisk?.status(),
  ]);
  const open = new Set([...openDatabases, ...(locks?.databases ?? []).map(({ db }) => db)]);
  const sizes = await Promise.all([...open].map((database) => sizeOf(join(running.data, `${database}-wal`))));
  const ship = shipped && summaryOfShip(shipped);
  return {
    isMountUp: fs?.isReady === true,
    degraded: [
      running.degraded,
      downChildren(missedChildren(running)),
      shipFault(ship),
      tier ? troublesOfTier(tier) : [],
    ].flat().length,
    fencedDatabases: running.fenced.length,
    restarts: Object.fromEntries(children.map(({ role, restarts }) => [role, restarts])),
    walBytes: sizes.reduce((sum, size) => sum + size, 0),
    archive: archive === undefined ? null : summaryOf(archive),
    ship: ship === undefined ? null : { ...ship, isFailing: ship.failure !== null },
    ramdisk: tier === undefined ? null : summaryOfTier(tier),
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
