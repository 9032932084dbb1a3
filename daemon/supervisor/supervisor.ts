// The supervisor: starts the parts of the daemon in order, ends them in the reverse order, and answers what the control
// socket asks. It does no work of its own; each part is a file beside this one.
import type { Server } from 'node:net';
import type { ArchiveQuestion } from '../../fs/index.ts';
import type { ServerRequest } from '../../server/index.ts';
import { Drain } from '../children/drain.ts';
import type { Probe } from '../children/liveness.ts';
import { urlOf } from '../config/listen-address.ts';
import type { SettingName, Settings } from '../config/options.ts';
import { findGroup, findUser } from '../config/system-users.ts';
import { openControlSocket } from '../control/server.ts';
import type { StopRequest } from '../control/stop-request.ts';
import { CommandError, type ExitCode, exitCodes } from '../errors.ts';
import { HttpService } from '../http/http-service.ts';
import { type ListeningSocket, openHttpSocket } from '../http/listening-socket.ts';
import { serverOptions } from '../http/server-options.ts';
import { createDataDirectory } from '../instance/data-directory.ts';
import {
  createInstanceFolder,
  createRunDir,
  type Instance,
  type InstanceRecord,
  instanceOf,
} from '../instance/instances.ts';
import { canonicalMountPoint, refuseNesting } from '../instance/paths.ts';
import type { Log, LogLevel } from '../log.ts';
import { DataFence } from '../mount/data-fence.ts';
import { adoptMount } from '../mount/mount-from-orphan.ts';
import { KeptMount } from '../mount/mount-from-systemd.ts';
import type { Mount } from '../mount/mount-service.ts';
import { endStaleMounts } from '../mount/stale-mounts.ts';
import { startTier } from '../ramdisk/opening.ts';
import { answerOfTier, type TierRequest } from '../ramdisk/requests.ts';
import type { ServiceManager } from '../systemd/notify.ts';
import { answerOfArchive, answerServer, locksOf, probeAll, probesOf, requestOfServer } from './answers.ts';
import { claimDirectories, createStateDirectory } from './claim-directories.ts';
import { EndSteps } from './end-steps.ts';
import { KeptRecord } from './kept-record.ts';
import { Running } from './running.ts';
import { makeArchive, startArchiveUnlessFenced } from './start-archive.ts';
import { startKernelLocks } from './start-kernel-locks.ts';
import { isMountPossible, startMount } from './start-mount.ts';
import { startShip } from './start-ship.ts';
import { collectStatus, type DaemonStatus } from './status.ts';

/** The server of a daemon that has crashed needs a moment to notice and end; its port is taken until then. */
const oldServerEndsMs = 5_000;

/** False: the setting is as it is by default. */
type IsAskedFor = (name: SettingName) => boolean;

type StopListener = (reason: string, exitCode: ExitCode) => void;

export class Supervisor {
  readonly #settings: Settings;
  readonly #log: Log;
  readonly #keptMount: KeptMount;
  readonly #endSteps: EndSteps;
  readonly #running: Running;
  #logLevel: LogLevel;
  /** How long the stop to come waits for requests and programs. */
  #drainSeconds: number;
  #control: Server | undefined;
  #reloading: Promise<void> | undefined;
  #stopping: { readonly drain: Drain; readonly done: Promise<void> } | undefined;
  #onStop: StopListener = () => {};

  constructor(settings: Settings, log: Log, serviceManager: ServiceManager, isAskedFor: IsAskedFor) {
    this.#settings = settings;
    this.#logLevel = settings.logLevel;
    this.#drainSeconds = settings.drainSeconds;
    this.#log = log;
    this.#running = new Running(log);
    this.#running.isArchiveAskedFor = isAskedFor('archive') || isAskedFor('ship');
    this.#endSteps = new EndSteps(log);
    this.#keptMount = new KeptMount(serviceManager, log);
  }

  /** Resolves when the mount and HTTP serve. Rejects with everything undone that had been started. */
  async start(): Promise<{ readonly mount: string | null; readonly url: string }> {
    try {
      await this.#startInOrder();
      await probeAll(this.#running);
      return { mount: this.#running.mounted?.mountPoint ?? null, url: this.#running.url };
    } catch (error) {
      await this.stop(0);
      throw error;
    }
  }

  /** Called when the daemon should end: `hoody-sqlite stop` asks for it, or a part is lost for good. */
  set onStop(listener: StopListener) {
    this.#onStop = listener;
  }

  /** A start that is under way rejects at its next step. */
  giveUpStart(): void {
    this.#endSteps.giveUpStart();
  }

  /** Ends everything, waiting at most `drainSeconds` for requests and programs. Further calls wait for the first. */
  stop(drainSeconds = this.#drainSeconds): Promise<void> {
    if (!this.#stopping) {
      const drain = new Drain(drainSeconds);
      this.#running.isStopping = true;
      this.#stopping = { drain, done: this.#endSteps.run(drain) };
    }
    return this.#stopping.done;
  }

  /** A stop, this one or the one to come, waits for no requests and programs any more. */
  hurry(): void {
    this.#drainSeconds = 0;
    this.#stopping?.drain.hurry();
  }

  get drainSeconds(): number {
    return this.#drainSeconds;
  }

  status(): Promise<DaemonStatus> {
    return collectStatus(this.#running);
  }

  probes(): Probe[] {
    return probesOf(this.#running);
  }

  /**
   * The processes are replaced by new ones of the program as it is on disk now; no client gets an error. Where a new fs
   * process or server does not start, it rejects and the old one serves on. A call during a reload waits for that one.
   */
  async reload(): Promise<void> {
    if (this.#stopping) throw new CommandError(exitCodes.failed, 'the daemon is stopping');
    this.#reloading ??= this.#reload().finally(() => {
      this.#reloading = undefined;
    });
    await this.#reloading;
  }

  async #reload(): Promise<void> {
    await this.#running.mounted?.service.reload();
    await this.#running.archive?.restart();
    await this.#running.ship?.restart();
    await this.#running.ramdisk?.service.restart();
    await this.#running.httpService?.reload(new Drain(this.#settings.drainSeconds));
    this.#log.info('reloaded');
  }

  setLogLevel(level: Settings['logLevel']): void {
    this.#logLevel = level;
    this.#log.setLevel(level);
    this.#running.httpService?.send({ type: 'log-level', level });
  }

  async #startInOrder(): Promise<void> {
    const settings = this.#settings;
    const running = this.#running;
    const { instance, mountPoint, kept } = await this.#claim();
    // A start that fails here has touched no mount.
    createStateDirectory(settings.stateDir);
    running.stateDir = settings.stateDir;
    const socket = await openHttpSocket(settings.listen, kept.earlier ? oldServerEndsMs : 0, {
      mode: settings.socketMode,
      gid: settings.socketGroup === undefined ? undefined : findGroup(settings.socketGroup),
    });
    running.url = urlOf(socket.address);
    this.#endSteps.add(() => socket.close());

    const adopted = await this.#adoptMount(kept.earlier, mountPoint);
    if (adopted) kept.setDead(kept.earlier?.dead ?? []);
    else await this.#endStaleMounts(mountPoint, kept);
    // Programs commit until the mount has ended. The archive process is to read that, and the ship process to ship it.
    this.#endSteps.add(async () => running.ship?.stop());
    this.#endSteps.add(async () => running.archive?.stop());
    if (mountPoint !== null) {
      await startTier(settings, running, this.#endSteps, adopted === undefined);
      const keptMount = this.#keptMount;
      const onServerLost = () => this.#onStop('the server cannot be started again', exitCodes.failed);
      const start = { settings, running, instance, mountPoint, adopted, kept, keptMount, onServerLost };
      await startMount(start, this.#endSteps);
    }
    await startKernelLocks(settings, running, this.#endSteps);
    if (running.mounted === undefined) this.#startDataFence(instance, kept);
    kept.write(running.mounted);
    running.archive = makeArchive(settings, running);
    startArchiveUnlessFenced(running);
    running.ship = startShip(settings, running);
    await this.#startHttp(socket);
    await this.#openControl(instance);
  }

  /** The directories, for this daemon alone. No mount point: nothing is to be mounted. */
  async #claim(): Promise<{ instance: Instance; mountPoint: string | null; kept: KeptRecord }> {
    const settings = this.#settings;
    const running = this.#running;
    const mountPoint = isMountPossible(settings, running) ? canonicalMountPoint(settings.mount) : null;
    running.user = settings.user === undefined ? undefined : findUser(settings.user);
    running.data = createDataDirectory(settings.data, { isMounted: mountPoint !== null, user: running.user });
    if (mountPoint !== null) refuseNesting(running.data, mountPoint);
    createRunDir(settings.runDir);
    const instance = instanceOf(settings.runDir, running.data);
    const claimed = { data: running.data, mountPoint, runDir: settings.runDir };
    await claimDirectories(claimed, instance, this.#endSteps, this.#log);
    createInstanceFolder(instance);
    const kept = new KeptRecord(instance, running.data, this.#log);
    running.kept = kept;
    this.#endSteps.add(async () => kept.removeUnlessNeeded());
    // Answers until nothing else runs: whoever has asked for a stop may want it to be quicker. Connections stay open
    // until the process ends: `hoody-sqlite stop` waits for that.
    this.#endSteps.add(async () => this.#control?.close());
    return { instance, mountPoint, kept };
  }

  /** The mount of a daemon that has died, to go on with. */
  async #adoptMount(earlier: InstanceRecord | undefined, mountPoint: string | null): Promise<Mount | undefined> {
    if (earlier === undefined || mountPoint === null) return undefined;
    return (await this.#keptMount.adopt(earlier, mountPoint)) ?? (await adoptMount(earlier, mountPoint, this.#log));
  }

  async #endStaleMounts(mountPoint: string | null, kept: KeptRecord): Promise<void> {
    const remember = (connections: readonly number[]) => {
      kept.setDead(connections);
      if (connections.length > 0) kept.write(undefined);
    };
    await endStaleMounts(mountPoint, kept.earlier, remember, this.#log);
    kept.setNeeded(false);
  }

  #startDataFence(instance: Instance, kept: KeptRecord): void {
    if (kept.dead.length === 0) return;
    const fence = new DataFence(
      this.#running.data,
      instance.folder,
      (databases) => {
        kept.setFenced(databases);
        this.#running.httpService?.send({ type: 'fenced', databases });
        kept.write(undefined);
        startArchiveUnlessFenced(this.#running);
      },
      this.#log,
    );
    kept.setFenced(fence.databases);
    this.#endSteps.add(async () => fence.stop());
  }

  async #startHttp({ fd: socketFd, address }: ListeningSocket): Promise<void> {
    const service = new HttpService({
      socketFd,
      address,
      options: () =>
        serverOptions(
          { ...this.#settings, logLevel: this.#logLevel },
          {
            dataDir: this.#running.data,
            mountPoint: this.#running.mounted?.mountPoint ?? null,
            fenced: this.#running.fenced,
            user: this.#running.user,
          },
        ),
      answer: (name, args) => answerServer(this.#running, name, args),
      onCommitted: (databases) => this.#running.archive?.committed(databases),
      log: this.#log,
    });
    await service.start();
    this.#running.httpService = service;
    this.#endSteps.add((drain) => service.stop(drain));
  }

  async #openControl(instance: Instance): Promise<void> {
    this.#control = await openControlSocket(instance.controlSocket, {
      status: () => this.status(),
      locks: () => locksOf(this.#running),
      reload: () => this.reload(),
      alive: () => probeAll(this.#running),
      tier: (args) => answerOfTier(this.#running, args as TierRequest),
      archive: (args) => answerOfArchive(this.#running, args as ArchiveQuestion),
      request: (args, gone) => requestOfServer(this.#running, args as ServerRequest, gone),
      stop: async (args) => this.#stopAsAsked((args ?? {}) as StopRequest),
    });
  }

  #stopAsAsked({ drainSeconds }: StopRequest): void {
    if (drainSeconds !== undefined) {
      this.#drainSeconds = drainSeconds;
      this.#stopping?.drain.endWithin(drainSeconds);
    }
    this.#onStop('asked by hoody-sqlite stop', exitCodes.ok);
  }
}
