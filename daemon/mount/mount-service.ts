// The mount and the fs process that serves it. The supervisor owns the mount and every descriptor that a successor of
// the fs process needs: when it dies, the next one goes on with the same connection, and programs only wait for a
// moment. Where that cannot be - a crash loop, a kernel before 6.9 - the mount is ended and made anew.
import { closeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type ArchiveState,
  createKeptState,
  type FsStartOptions,
  fsProcessPath,
  inspectMount,
  type KeptStateDescriptors,
  keptStateInChild,
  mountFuse,
  type RamdiskOptions,
  remainsOf,
  unmountFuse,
} from '../../fs/index.ts';
import { Backoff } from '../children/backoff.ts';
import { Child, type Message } from '../children/child.ts';
import { CrashLoop } from '../children/crash-loop.ts';
import type { Drain } from '../children/drain.ts';
import { type Death, KeptChild } from '../children/kept-child.ts';
import { answerTimeoutMs } from '../children/liveness.ts';
import { messageOf, sentenceOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { BareDirectory } from './bare-directory.ts';
import { describeUsers, usersOf } from './mount-users.ts';

export interface MountServiceSpec {
  readonly options: FsStartOptions;
  /** As it is now. */
  readonly ramdisk?: () => RamdiskOptions | undefined;
  /** The mount of an earlier daemon, to go on with. */
  readonly adopted?: Mount | undefined;
  readonly onMessage: (message: Message) => void;
  /** The mount or the process that serves it is another one now. */
  readonly onChange: () => void;
  /** The connection is about to be given up, in which programs may have files open. */
  readonly onGivenUp: (connection: number) => void;
  /** The mount is gone: everything of ours that has files on it must let go before this resolves. */
  readonly onLost: () => Promise<void>;
  /** A new mount serves in its place. */
  readonly onBack: () => void;
  readonly log: Log;
}

export interface Mount {
  readonly fd: number;
  readonly connection: number;
  /** The supervisor's own copies of what an fs process leaves to the next one. */
  readonly keptState: KeptStateDescriptors;
}

export interface Passthrough {
  readonly active: boolean;
  readonly reason?: string;
}

const retryMs = 100;
/** How long programs may meet the bare directory after somebody has unmounted it. */
const lookIntervalMs = 1_000;
const stopTimeoutMs = 5_000;
const mostNamedFiles = 10;

export class MountService {
  readonly process: KeptChild;
  readonly #spec: MountServiceSpec;
  readonly #crashLoop = new CrashLoop();
  readonly #backoff = new Backoff();
  #mount: Mount | undefined;
  /** The connection has to be given up before the next fs process starts. */
  #isLost = false;
  /** An earlier mount of the data directory has died: its programs may still have files open. */
  #isFenced: boolean;
  #passthrough: Passthrough = { active: false };
  #archive: ArchiveState = { active: false };
  /** Of every fs process that may not have ended. */
  #pids: readonly number[] = [];
  #lookTimer: NodeJS.Timeout | undefined;

  constructor(spec: MountServiceSpec) {
    this.#spec = spec;
    this.#isFenced = spec.options.fence ?? false;
    this.process = new KeptChild({
      role: 'fs',
      spawn: () => this.#spawn(),
      restartDelayMs: (death) => this.#afterDeath(death),
      beforeRestart: async (signal) => {
        if (this.#isLost || !this.#mount) await this.#mountAgain(signal);
      },
      afterRestart: () => this.#restarted(),
      log: spec.log,
    });
  }

  /** undefined while nothing is mounted. */
  get connection(): number | undefined {
    return this.#mount?.connection;
  }

  /** undefined while nothing is mounted. */
  get mount(): Mount | undefined {
    return this.#mount;
  }

  /** Whether commits are noted for the archive process. */
  get archive(): ArchiveState {
    return this.#archive;
  }

  get passthrough(): Passthrough {
    return this.#passthrough;
  }

  /** Mounts and serves, or throws and leaves nothing mounted. */
  async start(): Promise<void> {
    try {
      const ready = await this.#startFirst();
      this.#passthrough = ready.passthrough as Passthrough;
      this.#archive = ready.archive as ArchiveState;
      this.#lookTimer = setInterval(() => this.#endIfUnmounted(), lookIntervalMs);
    } catch (error) {
      this.#endMount();
      throw error;
    }
  }

  async #startFirst(): Promise<Message> {
    const { adopted, log } = this.#spec;
    if (adopted) {
      this.#mount = adopted;
      try {
        return await this.process.start();
      } catch (error) {
        log.error('mount-given-up', { reason: sentenceOf(error) });
        this.#giveUpMount();
      }
    }
    await this.#mountOnce();
    return await this.process.start();
  }

  /** A new fs process, of the program as it is on disk now, goes on with the mount. Programs wait for a moment. */
  reload(): Promise<void> {
    return this.process.replace({ type: 'stop' }, stopTimeoutMs);
  }

  /**
   * Unmounts as soon as no program has a file open, when the drain time is over in any case. Resolves with false in the
   * latter case: programs still have files of the ended mount.
   */
  async stop(drain: Drain): Promise<boolean> {
    clearInterval(this.#lookTimer);
    const isUnused = this.#mount === undefined || (await this.#unmountWhenUnused(drain));
    await this.process.stop({ type: 'stop' }, stopTimeoutMs);
    this.#endMount();
    return isUnused;
  }

  /** Resolves when the loop that serves the kernel answers. */
  async ask(): Promise<void> {
    const { current } = this.process;
    if (!current) throw new Error('the fs process is not there');
    await current.query('status', undefined, answerTimeoutMs);
  }

  #spawn(): Child {
    if (!this.#mount) throw new Error('nothing is mounted');
    const { fd, keptState } = this.#mount;
    const ramdisk = this.#spec.ramdisk?.();
    const predecessors = this.#pids.filter((pid) => remainsOf(pid) !== 'none');
    const child = new Child({
      role: 'fs',
      programPath: fsProcessPath,
      inheritedFds: [fd, keptState.memoryFd, keptState.sendFd, keptState.receiveFd],
      startOptions: {
        ...this.#spec.options,
        ramdisk,
        fence: this.#isFenced,
        keptState: keptStateInChild,
        predecessors,
      },
      isStuck: (pid) => remainsOf(pid) === 'stuck',
      onMessage: this.#spec.onMessage,
      log: this.#spec.log,
    });
    this.#pids = [...predecessors, child.pid];
    this.#spec.onChange();
    return child;
  }

  /** Of the process that serves the mount or is about to, and of those before it that may not have ended. */
  get pids(): readonly number[] {
    return this.#pids;
  }

  /** Not over a file that a program has open: see bare-directory.ts. */
  async #mountOnce(): Promise<void> {
    const { mountPoint } = this.#spec.options;
    const bare = new BareDirectory(mountPoint);
    try {
      for (;;) {
        await bare.whenUnused();
        this.#warnAboutHiddenFiles(bare);
        const fd = mountFuse({ mountPoint });
        // Nobody serves it yet: a program that was quicker is held at its next path, and let go by the unmount.
        if (bare.usedFiles().length === 0) {
          const connection = inspectMount(mountPoint)?.connection ?? 0;
          this.#mount = { fd, connection, keptState: createKeptState() };
          return;
        }
        unmountFuse(mountPoint, 'force');
        closeSync(fd);
      }
    } finally {
      bare.close(this.#mount !== undefined);
    }
  }

  #warnAboutHiddenFiles(bare: BareDirectory): void {
    const { mountPoint, dataDir } = this.#spec.options;
    const hidden = bare.hiddenFiles();
    if (hidden.length === 0) return;
    this.#spec.log.warn('mount-hides-files', {
      mount: mountPoint,
      files: hidden.length,
      named: hidden.slice(0, mostNamedFiles),
      effect: `nobody sees them; after a stop look whether ${dataDir} lacks them, move or remove them, and start again`,
    });
  }

  /** False after somebody else's umount, also a lazy one, which the fs process does not notice while files are open. */
  #isMounted({ connection }: Mount): boolean {
    return inspectMount(this.#spec.options.mountPoint)?.connection === connection;
  }

  /** The next fs process then gets a new mount. */
  #endIfUnmounted(): void {
    if (this.#mount && !this.#isMounted(this.#mount)) this.process.current?.kill();
  }

  /** Milliseconds until the next start. */
  #afterDeath(death: Death): number {
    const reason = this.#reasonToGiveUp(death);
    if (reason === undefined) return 0;
    this.#spec.log.error('mount-given-up', { reason });
    this.#isLost = true;
    return this.#backoff.nextDelayMs(death.livedMs);
  }

  #reasonToGiveUp(death: Death): string | undefined {
    if (this.#mount && !this.#isMounted(this.#mount)) return 'somebody has unmounted it';
    // One that refuses to take over will not do so at the next attempt either.
    if (death.refused) return 'its successor cannot take over';
    return this.#crashLoop.add(death, performance.now()) ? 'the fs process dies again and again' : undefined;
  }

  #restarted(): void {
    if (this.#isLost) this.#spec.onBack();
    this.#isLost = false;
  }

  async #mountAgain(signal: AbortSignal): Promise<void> {
    // Ended first: what the server has open on the mount would otherwise wait for an answer for ever.
    this.#giveUpMount();
    await this.#spec.onLost();
    signal.throwIfAborted();
    await this.#mountOnce();
  }

  async #unmountWhenUnused(drain: Drain): Promise<boolean> {
    const { mountPoint } = this.#spec.options;
    const users = () => describeUsers(usersOf(this.connection ?? 0));
    for (let attempt = 0; ; attempt++) {
      const reason = this.#tryUnmount();
      if (reason === undefined) return true;
      if (drain.isOver) break;
      if (attempt === 0) this.#spec.log.warn('mount-in-use', { reason, users: users() });
      await delay(retryMs);
    }
    this.#spec.log.warn('mount-detached-in-use', { mount: mountPoint, users: users() });
    return false;
  }

  /**
   * undefined when it is unmounted and no program has a file of it open, in containers with a copy of the mount either.
   */
  #tryUnmount(): string | undefined {
    try {
      unmountFuse(this.#spec.options.mountPoint);
    } catch (error) {
      // EINVAL: it is unmounted already.
      if ((error as NodeJS.ErrnoException).code !== 'EINVAL') return messageOf(error);
    }
    return usersOf(this.connection ?? 0).length > 0 ? 'programs in other mount namespaces use it' : undefined;
  }

  #giveUpMount(): void {
    if (this.#mount) this.#spec.onGivenUp(this.#mount.connection);
    this.#isFenced = true;
    this.#endMount();
  }

  /** Takes the mount away from whoever uses it. Safe to call when there is none. */
  #endMount(): void {
    const mount = this.#mount;
    if (!mount) return;
    this.#mount = undefined;
    // Forced before the descriptor is closed, so that calls that wait fail now even if a copy of it lives on.
    if (this.#isMounted(mount)) unmountFuse(this.#spec.options.mountPoint, 'force');
    for (const fd of [mount.fd, ...Object.values(mount.keptState)]) closeSync(fd);
  }
}
