// The ship process: started beside the archive process and started again when it dies. The daemon serves on without
// it: whatever happens to it or to the store, nobody waits, and only the copy elsewhere falls behind.
import { type ShipStartOptions, type ShipStatus, shipProcessPath } from '../../fs/index.ts';
import { Backoff } from '../children/backoff.ts';
import { Child } from '../children/child.ts';
import { KeptChild } from '../children/kept-child.ts';
import { answerTimeoutMs } from '../children/liveness.ts';
import type { Log } from '../log.ts';

export interface ShipServiceSpec {
  readonly options: ShipStartOptions;
  readonly log: Log;
  /** Default: the ship process of this program. */
  readonly programPath?: string;
}

/** It finishes the file that it writes. */
const stopTimeoutMs = 5_000;
/** A folder that cannot be written stays so for a while. */
const longestDelayMs = 60_000;
/** `hoody-sqlite status` and /metrics would rather show nothing than wait. */
const statusTimeoutMs = 2_000;

export class ShipService {
  readonly process: KeptChild;

  constructor({ options, log, programPath = shipProcessPath }: ShipServiceSpec) {
    const backoff = new Backoff(longestDelayMs);
    this.process = new KeptChild({
      role: 'ship',
      spawn: () =>
        new Child({ role: 'ship', programPath, inheritedFds: [], startOptions: options, onMessage: () => {}, log }),
      restartDelayMs: ({ livedMs }) => backoff.nextDelayMs(livedMs),
      log,
    });
  }

  /** In the background. */
  start(): void {
    this.process.begin();
  }

  /** A new process of the program as it is on disk now. The old one ends first. */
  restart(): Promise<void> {
    return this.process.restart({ type: 'stop' }, stopTimeoutMs);
  }

  async stop(): Promise<void> {
    await this.process.stop({ type: 'stop' }, stopTimeoutMs);
  }

  /** undefined where it does not say at once. */
  async status(): Promise<ShipStatus | undefined> {
    const asked = this.process.current?.query('status', undefined, statusTimeoutMs).catch(() => undefined);
    return (await asked) as ShipStatus | undefined;
  }

  /** Rejects where a process that runs does not answer. One that is down or starts is watched by whoever starts it. */
  async ask(): Promise<void> {
    const { current } = this.process;
    if (current?.isReady) await current.query('alive', undefined, answerTimeoutMs);
  }
}
