// Directories whose locks the kernel keeps (`--locks-kernel`): the directory behind the mount is bound over what the
// mount shows. Where that mount is missing, the daemon queues the locks as everywhere: each of them is also a lock on
// the backing file, so both ways exclude each other.
import { setTimeout as delay } from 'node:timers/promises';
import { bindBelow, mountsBelow, unmountBelow } from '../../fs/index.ts';
import type { Drain } from '../children/drain.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { fileSystemOf } from './file-system.ts';

export interface KernelLockedDirectory {
  /** Path below the data directory. */
  readonly directory: string;
  /** False: its locks are queued by the daemon; `reason` says why. */
  readonly active: boolean;
  readonly reason?: string;
}

interface Spec {
  readonly dataDir: string;
  readonly mountPoint: string;
  readonly directories: readonly string[];
  readonly log: Log;
}

/** How long a directory may be without it after somebody has unmounted it. */
const lookIntervalMs = 1_000;
const retryMs = 100;

export class KernelLocks {
  readonly #spec: Spec;
  readonly #reasons = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #isStopping = false;

  constructor(spec: Spec) {
    this.#spec = spec;
  }

  /** Binds what can be bound, then looks after it. What is left of an earlier daemon's stays where it is wanted. */
  async start(): Promise<void> {
    this.#unmountUnwanted();
    await this.look();
    if (this.#spec.directories.length === 0) return;
    this.#timer = setInterval(() => this.look(), lookIntervalMs);
  }

  /** Binds what is not bound. A failure is told once. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  get directories(): KernelLockedDirectory[] {
    const bound = this.#bound();
    return this.#spec.directories.map((directory) => {
      if (bound.has(directory)) return { directory, active: true };
      return { directory, active: false, reason: this.#reasons.get(directory) ?? 'it is about to be mounted' };
    });
  }

  /**
   * Unmounts them as soon as no program has a file open, when the drain time is over in any case. Their locks are the
   * kernel's: they hold on until the programs close the files.
   */
  async stop(drain: Drain): Promise<void> {
    this.#isStopping = true;
    clearInterval(this.#timer);
    const { mountPoint, directories, log } = this.#spec;
    if (directories.length === 0) return;
    for (let attempt = 0; ; attempt++) {
      try {
        unmountBelow(mountPoint, 'plain');
        return;
      } catch (error) {
        const mounts = mountsBelow(mountPoint).map((row) => row.mountPoint);
        if (drain.isOver) {
          unmountBelow(mountPoint, 'lazy');
          log.warn('kernel-locks-detached-in-use', { mounts });
          return;
        }
        if (attempt === 0) log.warn('kernel-locks-in-use', { mounts, reason: messageOf(error) });
      }
      await delay(retryMs);
    }
  }

  async #look(): Promise<void> {
    const { dataDir, mountPoint, directories, log } = this.#spec;
    const bound = this.#bound();
    for (const directory of directories.filter((one) => !bound.has(one))) {
      if (this.#isStopping) return;
      try {
        await bindBelow({ dataDir, mountPoint, directory });
        this.#reasons.delete(directory);
        log.info('kernel-locks', { directory });
      } catch (error) {
        const reason = messageOf(error);
        if (this.#reasons.get(directory) === reason) continue;
        this.#reasons.set(directory, reason);
        log.warn('kernel-locks-impossible', { directory, reason, effect: 'its locks are queued, as everywhere' });
      }
    }
  }

  #bound(): ReadonlySet<string> {
    const { mountPoint } = this.#spec;
    return new Set(mountsBelow(mountPoint).map((row) => row.mountPoint.slice(mountPoint.length + 1)));
  }

  /** Of a daemon with other options, which has crashed. */
  #unmountUnwanted(): void {
    const { dataDir, mountPoint, directories } = this.#spec;
    const device = fileSystemOf(dataDir)?.device;
    const rows = mountsBelow(mountPoint).filter((row) => row.device === device);
    const isWanted = directories.map((directory) => `${mountPoint}/${directory}`);
    if (rows.some((row) => !isWanted.includes(row.mountPoint))) unmountBelow(mountPoint, 'lazy');
  }
}
