// fsync(2), which may take milliseconds. On a fast device it is done at once: to hand it to another thread would cost
// its client more than the sync itself. On a slow one, and where much of the file waits to be written, the thread that
// answers the kernel hands it over, so that nobody else waits for the device.

import type { Unique } from '../protocol/requests.ts';
import { SILENT } from '../protocol/results.ts';
import { close, emptyPath, fdatasync, fsync } from '../system/files.ts';
import { failed } from '../system/libc.ts';
import { unwrittenBytes } from '../system/page-cache.ts';
import { AT_EMPTY_PATH, statAt, statxOffset, statxSize } from '../system/stat.ts';

/** From this average on a sync is handed over: then the 0.2 ms that this costs matter little. */
const slowMs = 2;
/**
 * So much takes a good SSD 2 to 4 ms. No less: the kernel counts up to 2 MiB that it caches as one, however little of
 * it was written.
 */
const muchBytes = 2 << 20;
/** To count the dirty pages of a larger file takes as long as to hand its sync over. */
const largeBytes = 64 << 20;
/** Weight of the newest sync in the average. */
const weight = 0.25;

export interface SyncJob {
  /**
   * May be closed meanwhile if its client was killed: then the wrong file or none is synced, and nobody waits for the
   * answer.
   */
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
  readonly #stat = Buffer.alloc(statxSize);

  /** Whoever gets a job answers its request and adds its time to the average. */
  constructor(average: SyncAverage, handOver: (job: SyncJob) => void) {
    this.#average = average;
    this.#handOver = handOver;
  }

  /** 0, a negative errno, or SILENT when somebody else answers. */
  sync(job: SyncJob): number {
    if (this.#average.isSlow || this.#mayBeMuch(job.fd)) {
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

  /** Whether so much of the file may wait to be written that the sync takes long, however fast the device is. */
  #mayBeMuch(fd: number): boolean {
    if (!statAt(fd, emptyPath, AT_EMPTY_PATH, this.#stat)) return false;
    const sizeBytes = this.#stat.readUIntLE(statxOffset.size, 6);
    if (sizeBytes <= muchBytes || sizeBytes > largeBytes) return sizeBytes > largeBytes;
    return (unwrittenBytes(fd) ?? sizeBytes) > muchBytes;
  }
}
