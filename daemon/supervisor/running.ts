// What runs of the daemon, as far as questions about it are concerned. The supervisor fills it in while it starts.
import type { UnprivilegedUser } from '../../server/index.ts';
import type { ArchiveService } from '../archive/archive-service.ts';
import type { KeptChild } from '../children/kept-child.ts';
import type { HttpService } from '../http/http-service.ts';
import type { Log } from '../log.ts';
import type { KernelLocks } from '../mount/kernel-locks.ts';
import type { MountService } from '../mount/mount-service.ts';
import type { PendingMoves } from '../ramdisk/pending.ts';
import type { Ramdisk } from '../ramdisk/ramdisk.ts';
import type { RamdiskOpening } from '../ramdisk/requests.ts';
import type { TierService } from '../ramdisk/tier-service.ts';
import type { ShipService } from '../ship/ship-service.ts';
import { FreeSpace } from './free-space.ts';
import type { KeptRecord, Mounted } from './kept-record.ts';

export class Running {
  readonly log: Log;
  readonly startedAtMs = performance.now();
  readonly freeSpace = new FreeSpace();
  /** What does not work as asked for, one sentence each. */
  readonly degraded: string[] = [];
  /** Why commits are not kept, or not with all that belongs to them, one sentence each. */
  readonly archiveLimits: string[] = [];
  /** False: commits are kept because nobody has said otherwise, and what keeps them from it is no fault of anybody. */
  isArchiveAskedFor = false;
  data = '';
  url = '';
  stateDir = '';
  /** Whom the server and its executors run as; undefined: as whoever has started the daemon. */
  user: UnprivilegedUser | undefined;
  mounted: Mounted | undefined;
  /** undefined without a mount. */
  kernelLocks: KernelLocks | undefined;
  httpService: HttpService | undefined;
  /** undefined where commits are not kept. */
  archive: ArchiveService | undefined;
  /** undefined where commits are not shipped. */
  ship: ShipService | undefined;
  /** undefined where no database is in RAM. */
  ramdisk: Ramdisk | undefined;
  /** undefined before the mount, and without one. */
  ramdiskOpening: RamdiskOpening | undefined;
  pendingMoves: PendingMoves | undefined;
  kept: KeptRecord | undefined;
  isStopping = false;

  constructor(log: Log) {
    this.log = log;
  }

  get services(): readonly (MountService | HttpService | ArchiveService | ShipService | TierService)[] {
    return [this.mounted?.service, this.httpService, this.archive, this.ship, this.ramdisk?.service].filter(
      (service) => service !== undefined,
    );
  }

  /** Databases that are locked for programs of mounts that have died. */
  get fenced(): readonly string[] {
    return this.kept?.fenced ?? [];
  }
}

/** Processes whose absence is a fault. */
export function missedChildren({ services, archive, isArchiveAskedFor }: Running): KeptChild[] {
  return services.filter((service) => service !== archive || isArchiveAskedFor).map((service) => service.process);
}
