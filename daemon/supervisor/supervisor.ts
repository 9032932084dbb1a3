// The supervisor: starts the parts of the daemon in order, ends them in the reverse order, and answers what the control
// socket asks. It does no work of its own; each part is a file beside this one.
import type { Server } from 'node:net';
import { type ArchiveQuestion, type FromFsProcess, inspectFuse } from '../../fs/index.ts';
import type { ServerRequest } from '../../server/index.ts';
import { Drain } from '../children/drain.ts';
import type { Probe } from '../children/liveness.ts';
import { urlOf } from '../config/listen-address.ts';
import type { SettingName, Settings } from '../config/options.ts';
import { findGroup, findUser } from '../config/system-users.ts';
import { openControlSocket } from '../control/server.ts';
import type { StopRequest } from '../control/stop-request.ts';
import { CommandError, type ExitCode, exitCodes, messageOf, sentenceOf } from '../errors.ts';
import { HttpService } from '../http/http-service.ts';
import { type ListeningSocket, openHttpSocket } from '../http/listening-socket.ts';
import { serverOptions } from '../http/server-options.ts';
import { createDataDirectory, howToClose, isOpenToAll } from '../instance/data-directory.ts';
import { createInstanceFolder, createRunDir, type Instance, instanceOf } from '../instance/instances.ts';
import { canonicalMountPoint, createDirectory, refuseNesting } from '../instance/paths.ts';
import type { Log, LogLevel } from '../log.ts';
import { DataFence } from '../mount/data-fence.ts';
import { adoptMount } from '../mount/mount-from-orphan.ts';
import { KeptMount } from '../mount/mount-from-systemd.ts';
import { type Mount, MountService } from '../mount/mount-service.ts';
import { endStaleMounts } from '../mount/stale-mounts.ts';
import { startTier } from '../ramdisk/opening.ts';
import { answerOfTier, type TierRequest } from '../ramdisk/requests.ts';
import type { ServiceManager } from '../systemd/notify.ts';
import { answerOfArchive, answerServer, locksOf, probeAll, probesOf, requestOfServer } from './answers.ts';
import { claimDirectories, createStateDirectory } from './claim-directories.ts';
import { EndSteps } from './end-steps.ts';
import { toServerMessages } from './fs-to-server.ts';
import { KeptRecord } from './kept-record.ts';
import { Running } from './running.ts';
import { archivingOptions, makeArchive, startArchiveUnlessFenced } from './start-archive.ts';
import { kernelLockedDirectories, startKernelLocks } from './start-kernel-locks.ts';
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
    const mountPoint = this.#isMountPossible() ? canonicalMountPoint(settings.mount) : null;
    this.#running.user = settings.user === undefined ? undefined : findUser(settings.user);
    this.#running.data = createDataDirectory(settings.data, {
      isMounted: mountPoint !== null,
      user: this.#running.user,
    });
    if (mountPoint !== null) refuseNesting(this.#running.data, mountPoint);
    createRunDir(settings.runDir);
    const instance = instanceOf(settings.runDir, this.#running.data);
    await claimDirectories(
      { data: this.#running.data, mountPoint, runDir: settings.runDir },
      instance,
      this.#endSteps,
      this.#log,
    );
    createInstanceFolder(instance);
    const kept = new KeptRecord(instance, this.#running.data, this.#log);
    const { earlier } = kept;
    this.#running.kept = kept;
    this.#endSteps.add(async () => kept.removeUnlessNeeded());
    // Answers until nothing else runs: whoever has asked for a stop may want it to be quicker. Connections stay open
    // until the process ends: `hoody-sqlite stop` waits for that.
    this.#endSteps.add(async () => this.#control?.close());

    // A start that fails here has touched no mount.
    createStateDirectory(settings.stateDir);
    this.#running.stateDir = settings.stateDir;
    const socket = await openHttpSocket(settings.listen, earlier ? oldServerEndsMs : 0, {
      mode: settings.socketMode,
      gid: settings.socketGroup === undefined ? undefined : findGroup(settings.socketGroup),
    });
    this.#running.url = urlOf(socket.address);
    this.#endSteps.add(() => socket.close());

    const adopted =
      earlier && mountPoint !== null
        ? ((await this.#keptMount.adopt(earlier, mountPoint)) ?? (await adoptMount(earlier, mountPoint, this.#log)))
        : undefined;
    if (adopted) kept.setDead(earlier?.dead ?? []);
    else await this.#endStaleMounts(mountPoint, kept);
    // Programs commit until the mount has ended. The archive process is to read that, and the ship process to ship it.
    this.#endSteps.add(async () => this.#running.ship?.stop());
    this.#endSteps.add(async () => this.#running.archive?.stop());
    if (mountPoint !== null) await startTier(settings, this.#running, this.#endSteps, adopted === undefined);
    if (mountPoint !== null) await this.#startMount(instance, mountPoint, adopted, kept);
    await startKernelLocks(settings, this.#running, this.#endSteps);
    if (this.#running.mounted === undefined) this.#startDataFence(instance, kept);
    kept.write(this.#running.mounted);
    this.#running.archive = makeArchive(settings, this.#running);
    startArchiveUnlessFenced(this.#running);
    this.#running.ship = startShip(settings, this.#running);
    await this.#startHttp(socket);
    await this.#openControl(instance);
  }

  async #endStaleMounts(mountPoint: string | null, kept: KeptRecord): Promise<void> {
    const remember = (connections: readonly number[]) => {
      kept.setDead(connections);
      if (connections.length > 0) kept.write(undefined);
    };
    await endStaleMounts(mountPoint, kept.earlier, remember, this.#log);
    kept.setNeeded(false);
  }

  /** A user that may not mount has no use for the mount point, which may be that of root's daemon. */
  #isMountPossible(): boolean {
    const { noMount, requireMount, passthrough, mount } = this.#settings;
    if (noMount) return false;
    if (requireMount || passthrough === 'on' || inspectFuse().mayMount) return true;
    this.#serveWithoutMount(mount, 'this user may not mount (run it as root, with CAP_SYS_ADMIN)');
    return false;
  }

  #serveWithoutMount(mount: string, reason: string): void {
    this.#running.degraded.push(`nothing is mounted: ${reason}`);
    this.#log.warn('no-mount', { mount, reason, effect: 'HTTP serves the data directory' });
  }

  /** A mount that is impossible is no failure: HTTP then serves the data directory. */
  async #startMount(
    instance: Instance,
    mountPoint: string,
    adopted: Mount | undefined,
    kept: KeptRecord,
  ): Promise<void> {
    const { passthrough, locks, lockLimits, idlePolling, requireMount } = this.#settings;
    const service = new MountService({
      options: {
        dataDir: this.#running.data,
        mountPoint,
        passthrough,
        locks,
        lockLimits,
        idlePolling,
        stateDir: instance.folder,
        fence: kept.dead.length > 0,
        kernelLocks: kernelLockedDirectories(this.#settings),
        ...archivingOptions(this.#settings),
      },
      ramdisk: () => this.#running.ramdisk?.options,
      adopted,
      onChange: () => {
        kept.write({ mountPoint, service });
        if (service.mount) this.#keptMount.keep(service.mount);
      },
      onGivenUp: (connection) => {
        kept.setDead([...kept.dead, connection]);
        kept.write({ mountPoint, service });
      },
      onMessage: (message) => {
        if (message.type === 'fenced') {
          kept.setFenced(message.databases as readonly string[]);
          kept.write({ mountPoint, service });
          startArchiveUnlessFenced(this.#running);
        }
        // Its `type` says what else it holds: the fs process sends nothing but these.
        const told = message as unknown as FromFsProcess;
        if (told.type === 'committed') this.#running.archive?.committed(told.databases.map(({ name }) => name));
        if (told.type === 'unread') {
          this.#running.archive?.unread(told.database);
          this.#running.ramdisk?.service.unread(told.database);
        }
        for (const toServer of toServerMessages(told)) this.#running.httpService?.send(toServer);
      },
      onLost: async () => {
        await Promise.all([this.#running.httpService?.stop(new Drain(0)), this.#running.archive?.stop()]);
      },
      onBack: () => {
        startArchiveUnlessFenced(this.#running); // the fs process of the new mount notes commits in other memory
        const isBound = this.#running.kernelLocks?.look() ?? Promise.resolve();
        isBound
          .then(() => this.#running.httpService?.start())
          .catch((error: unknown) => {
            this.#log.error('server-not-restarted', { reason: messageOf(error) });
            this.#onStop('the server cannot be started again', exitCodes.failed);
          });
      },
      log: this.#log,
    });
    try {
      // An adopted mount has nobody to answer yet: whoever looks at it waits.
      if (!adopted) createDirectory(mountPoint);
      await service.start();
    } catch (error) {
      const reason = sentenceOf(error);
      if (passthrough === 'on' || requireMount) {
        throw new CommandError(exitCodes.failed, `cannot mount: ${reason}`, { cause: error });
      }
      this.#serveWithoutMount(mountPoint, reason);
      return;
    } finally {
      kept.setNeeded(false); // an adopted mount serves, or is among the dead connections
    }
    this.#running.mounted = { mountPoint, service };
    if (isOpenToAll(this.#running.data)) {
      this.#log.warn('data-directory-open-to-all', {
        data: this.#running.data,
        effect: 'set-user-ID programs that containers put there work for every user of this machine',
        cure: howToClose(this.#running.data, mountPoint),
      });
    }
    if (!service.passthrough.active && passthrough !== 'off') {
      this.#running.degraded.push(`no passthrough: ${service.passthrough.reason ?? 'unknown reason'}`);
    }
    this.#endSteps.add(async (drain) => {
      const isUnused = await service.stop(drain);
      kept.setNeeded(!isUnused);
      this.#keptMount.forget();
    });
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
