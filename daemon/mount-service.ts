// The mount and the fs process that serves it. The supervisor owns the /dev/fuse descriptor and the mount; the fs process
// only inherits the descriptor. When the fs process dies, the old mount is ended and a new one made once nobody has a file
// of the old one open: programs write to passthrough files without the daemon, so two mounts at once would corrupt data.
import { closeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type FsStartOptions, fsProcessPath, inspectMount, mountFuse, unmountFuse } from '../fs/index.ts';
import { Child, type Message } from './child.ts';
import { messageOf } from './errors.ts';
import { KeptChild } from './kept-child.ts';
import type { Log } from './log.ts';
import { describeUsers, usersOf } from './mount-users.ts';

export interface MountServiceSpec {
  readonly options: FsStartOptions;
  readonly onMessage: (message: Message) => void;
  /** The mount is gone: everything of ours that has files on it must let go before this resolves. */
  readonly onLost: () => Promise<void>;
  /** A new mount serves in its place. */
  readonly onBack: () => void;
  readonly log: Log;
}

export interface Passthrough {
  readonly active: boolean;
  readonly reason?: string;
}

const retryMs = 100;
const stopTimeoutMs = 5_000;

export class MountService {
  readonly process: KeptChild;
  readonly #spec: MountServiceSpec;
  #mount: { readonly fd: number; readonly connection: number } | undefined;
  #passthrough: Passthrough = { active: false };

  constructor(spec: MountServiceSpec) {
    this.#spec = spec;
    this.process = new KeptChild({
      role: 'fs',
      spawn: () => this.#spawn(),
      beforeRestart: (signal) => this.#mountAgain(signal),
      afterRestart: spec.onBack,
      log: spec.log,
    });
  }

  /** undefined while nothing is mounted. */
  get connection(): number | undefined {
    return this.#mount?.connection;
  }

  get passthrough(): Passthrough {
    return this.#passthrough;
  }

  /** Mounts and serves, or throws and leaves nothing mounted. */
  async start(): Promise<void> {
    this.#mountOnce();
    try {
      const ready = await this.process.start();
      this.#passthrough = ready.passthrough as Passthrough;
    } catch (error) {
      this.#endMount();
      throw error;
    }
  }

  /**
   * Unmounts as soon as no program has a file open, at `drainEndsAtMs` in any case. Resolves with false in the latter
   * case: programs still have files of the ended mount.
   */
  async stop(drainEndsAtMs: number): Promise<boolean> {
    const isUnused = this.#mount === undefined || (await this.#unmountWhenUnused(drainEndsAtMs));
    await this.process.stop({ type: 'stop' }, stopTimeoutMs);
    this.#endMount();
    return isUnused;
  }

  /** Resolves when the loop that serves the kernel answers. */
  async ask(): Promise<void> {
    const { current } = this.process;
    if (!current) throw new Error('the fs process is not there');
    await current.query('status');
  }

  #spawn(): Child {
    if (!this.#mount) throw new Error('nothing is mounted');
    return new Child({
      role: 'fs',
      programPath: fsProcessPath,
      inheritedFd: this.#mount.fd,
      startOptions: this.#spec.options,
      onMessage: this.#spec.onMessage,
      log: this.#spec.log,
    });
  }

  #mountOnce(): void {
    const { mountPoint } = this.#spec.options;
    const fd = mountFuse({ mountPoint });
    this.#mount = { fd, connection: inspectMount(mountPoint)?.connection ?? 0 };
  }

  async #mountAgain(signal: AbortSignal): Promise<void> {
    const { log, onLost } = this.#spec;
    const connection = this.connection;
    // Ended first: what the server has open on the mount would otherwise wait for an answer for ever.
    this.#endMount();
    await onLost();
    let isLogged = false;
    for (;;) {
      const users = connection === undefined ? [] : usersOf(connection);
      if (users.length === 0) break;
      if (!isLogged) log.warn('old-mount-in-use', { users: describeUsers(users) });
      isLogged = true;
      await delay(retryMs, undefined, { signal });
    }
    this.#mountOnce();
  }

  async #unmountWhenUnused(endsAtMs: number): Promise<boolean> {
    const { mountPoint } = this.#spec.options;
    const users = () => describeUsers(usersOf(this.connection ?? 0));
    for (let attempt = 0; ; attempt++) {
      try {
        unmountFuse(mountPoint);
        return true;
      } catch (error) {
        // EINVAL: somebody else has unmounted it.
        if ((error as NodeJS.ErrnoException).code === 'EINVAL') return true;
        if (Date.now() >= endsAtMs) break;
        if (attempt === 0) this.#spec.log.warn('mount-in-use', { reason: messageOf(error), users: users() });
      }
      await delay(retryMs);
    }
    this.#spec.log.warn('mount-detached-in-use', { mount: mountPoint, users: users() });
    return false;
  }

  /** Takes the mount away from whoever uses it. Safe to call when there is none. */
  #endMount(): void {
    const mount = this.#mount;
    if (!mount) return;
    this.#mount = undefined;
    const { mountPoint } = this.#spec.options;
    // Forced before the descriptor is closed, so that calls that wait fail now even if a copy of it lives on.
    if (inspectMount(mountPoint)?.connection === mount.connection) unmountFuse(mountPoint, 'force');
    closeSync(mount.fd);
  }
}
