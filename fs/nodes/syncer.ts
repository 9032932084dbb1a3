// fsync(2), which may take milliseconds. On a fast device it is done at once: to hand it to another thread would cost its client more than the
// sync itself. On a slow one the thread that answers the kernel hands it over, so that nobody else waits for the device.
import type { Unique } from '../protocol/requests.ts';
import { close, fdatasync, fsync } from '../system/files.ts';
import { failed, SILENT } from './tree.ts';

/** From this average on a sync is handed over: then the 0.2 ms that this costs matter little. */
const slowMs = 2;
/** Weight of the newest sync in the average. */
const weight = 0.25;

export interface SyncJob {
  /** May be closed meanwhile if its client was killed: then the wrong file or none is synced, and nobody waits for the answer. */
  readonly fd: number;
  /** Opened for this sync: whoever does it closes it. */
  readonly isOwn?: boolean;
  readonly isDataOnly: boolean;
  readonly unique: Unique;
  readonly isResent: boolean;
}

/** How long syncs take, in milliseconds. Shared by the threads that do them. */
export class SyncAverage {
  readonly #average: Float64Array;

  constructor(memory = new SharedArrayBuffer(8)) {
    this.#average = new Float64Array(memory);
  }

  get memory(): SharedArrayBuffer {
    return this.#average.buffer as SharedArrayBuffer;
  }

  get isSlow(): boolean {
    return (this.#average[0] ?? 0) >= slowMs;
  }

  add(tookMs: number): void {
    this.#average[0] = (this.#average[0] ?? 0) * (1 - weight) + tookMs * weight;
  }
}

export class Syncer {
  readonly #average: SyncAverage;
  readonly #handOver: (job: SyncJob) => void;

  /** Whoever gets a job answers its request and adds its time to the average. */
  constructor(average: SyncAverage, handOver: (job: SyncJob) => void) {
    this.#average = average;
    this.#handOver = handOver;
  }

  /** 0, a negative errno, or SILENT when somebody else answers. */
  sync(job: SyncJob): number {
    if (this.#average.isSlow) {
      this.#handOver(job);
      return SILENT;
    }
    const startedMs = performance.now();
    const result = job.isDataOnly ? fdatasync(job.fd) : fsync(job.fd);
    const errno = result < 0 ? failed() : 0;
    if (job.isOwn) close(job.fd);
    this.#average.add(performance.now() - startedMs);
    return errno;
  }
}
