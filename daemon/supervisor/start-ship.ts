// Starts what keeps up a copy of all commits elsewhere, where it is asked for.
import { join } from 'node:path';
import { openStore } from '../../fs/index.ts';
import type { Settings } from '../config/options.ts';
import { ShipService } from '../ship/ship-service.ts';
import type { Running } from './running.ts';

/** In the background: no start of the daemon waits for it. undefined where nothing is shipped. */
export function startShip({ ship, shipKeepSeconds, stateDir }: Settings, { log }: Running): ShipService | undefined {
  if (ship === undefined) return undefined;
  const service = new ShipService({
    options: {
      archiveDir: join(stateDir, 'archive'),
      workDir: join(stateDir, 'ship'),
      url: ship,
      keepSeconds: shipKeepSeconds,
    },
    log,
  });
  log.info('ship-on', { url: openStore(ship).url });
  service.start();
  return service;
}
