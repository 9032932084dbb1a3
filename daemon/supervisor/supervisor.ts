// The supervisor: starts the parts of the daemon in order, ends them in the reverse order, and answers what the control
// socket asks. It does no work of its own; each part is a file beside this one.
import type { Server } from 'node:net';
import {
  type FromFsProcess,
  type FsStatus,
  inspectFuse,
  type LockView,
  mountType,
  type WriterRecord,
} from '../../fs/index.ts';
import type { DaemonState, UnprivilegedUser } from '../../server/index.ts';
import { Drain } from '../children/drain.ts';
import type { Probe } from '../children/liveness.ts';
import { identityOf } from '../children/process-identity.ts';
import { urlOf } from '../config/listen-address.ts';
import type { Settings } from '../config/options.ts';
import { findGroup, findUser } from '../config/system-users.ts';
import { openControlSocket } from '../control/server.ts';
import type { StopRequest } from '../control/stop-request.ts';
import { CommandError, type ExitCode, exitCodes, messageOf, sentenceOf, usageError } from '../errors.ts';
import { HttpService } from '../http/http-service.ts';
import { type ListeningSocket, openHttpSocket } from '../http/listening-socket.ts';
import { serverOptions } from '../http/server-options.ts';
import { claimDataDirectory, claimMountPoint } from '../instance/claims.ts';
import { createDataDirectory, howToClose, isOpenToAll } from '../instance/data-directory.ts';
import {
  createInstanceFolder,
  createRunDir,
  currentBootId,
  type Instance,
  type InstanceRecord,
  instanceOf,
  mountClaimFile,
  readRecord,
  removeInstance,
  writeRecord,
} from '../instance/instances.ts';
import { canonicalMountPoint, createDirectory, refuseNesting } from '../instance/paths.ts';
import type { Log, LogLevel } from '../log.ts';
import { DataFence } from '../mount/data-fence.ts';
import { fileSystemOf } from '../mount/file-system.ts';
import { adoptMount } from '../mount/mount-from-orphan.ts';
import { KeptMount } from '../mount/mount-from-systemd.ts';
import { type Mount, MountService } from '../mount/mount-service.ts';
import { endStaleMounts } from '../mount/stale-mounts.ts';
import type { ServiceManager } from '../systemd/notify.ts';
import { programVersion } from '../version.ts';
import { daemonState } from './daemon-state.ts';
import { FreeSpace } from './free-space.ts';
import { toFsCounters, toLockSnapshot, toServerMessages, toWriteRecord } from './fs-to-server.ts';
import { collectStatus, type DaemonStatus } from './status.ts';

/** The server of a daemon that has crashed needs a moment to notice and end; its port is taken until then. */
const oldServerEndsMs = 5_000;

/** One step of the end; runs in the reverse order of the starts. */
type EndStep = (drain: Drain) => Promise<unknown>;

type StopListener = (reason: string, exitCode: ExitCode) => void;

export class Supervisor {
  readonly #settings: Settings;
  readonly #log: Log;
  readonly #keptMount: KeptMount;
  readonly #endSteps: EndStep[] = [];
  readonly #degraded: string[] = [];
  readonly #startedAtMs = performance.now();
  readonly #freeSpace = new FreeSpace();
  #data = '';
  #url = '';
  #user: UnprivilegedUser | undefined;
  #logLevel: LogLevel;
  #mountPoint: string | null = null;
  #mountService: MountService | undefined;
  #httpService: HttpService | undefined;
  /**
   * Programs still had files open at the end, or a mount of an earlier daemon has not been taken over yet: the next start must find out
   * whether they have closed them.
   */
  #keepsRecord = false;
  /** Of mounts that have died: their programs may still have files open, until a survey has said that nothing is open. */
  #deadConnections: readonly number[] = [];
  /** Databases that are locked for those programs. */
  #fenced: readonly string[] = [];
  #isRecorded = false;
  #isStartUnwanted = false;
  /** How long the stop to come waits for requests and programs. */
  #drainSeconds: number;
  #control: Server | undefined;
  #reloading: Promise<void> | undefined;
  #end: { readonly drain: Drain; readonly done: Promise<void> } | undefined;
  #onStop: StopListener = () => {};

  constructor(settings: Settings, log: Log, serviceManager: ServiceManager) {
    this.#settings = settings;
    this.#logLevel = settings.logLevel;
    this.#drainSeconds = settings.drainSeconds;
    this.#log = log;
    this.#keptMount = new KeptMount(serviceManager, log);
  }

  /** Resolves when the mount and HTTP serve. Rejects with everything undone that had been started. */
  async start(): Promise<{ readonly mount: string | null; readonly url: string }> {
    try {
      await this.#startInOrder();
      await Promise.all(this.probes().map(({ ask }) => ask()));
      return { mount: this.#mountPoint, url: this.#url };
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
    this.#isStartUnwanted = true;
  }

  /** Ends everything, waiting at most `drainSeconds` for requests and programs. Further calls wait for the first. */
  stop(drainSeconds = this.#drainSeconds): Promise<void> {
    if (!this.#end) {
      const drain = new Drain(drainSeconds);
      this.#end = { drain, done: this.#endInOrder(drain) };
    }
    return this.#end.done;
  }

  /** A stop, this one or the one to come, waits for no requests and programs any more. */
  hurry(): void {
    this.#drainSeconds = 0;
    this.#end?.drain.hurry();
  }

  get drainSeconds(): number {
    return this.#drainSeconds;
  }

  status(): Promise<DaemonStatus> {
    return collectStatus({
      version: programVersion(),
      startedAtMs: this.#startedAtMs,
      data: this.#data,
      freeSpace: this.#freeSpace,
      url: this.#url,
      mount: this.#mountPoint,
      mountService: this.#mountService,
      httpService: this.#httpService,
      fenced: this.#fenced,
      deadConnections: this.#deadConnections,
      degraded: this.#degraded,
      isStopping: this.#end !== undefined,
      lastError: this.#log.lastError(),
    });
  }

  /** Questions that a process answers only while it really serves. */
  probes(): Probe[] {
    const services = [this.#mountService, this.#httpService].filter((service) => service !== undefined);
    return services.map((service) => ({
      name: service.process.role,
      ask: () => service.ask(),
      isStarting: () => service.process.current?.isReady !== true,
      end: () => service.process.current?.kill(),
    }));
  }

  /**
   * The fs process and the server are replaced by new ones of the program as it is on disk now; no client gets an error. Where a
   * new one does not start, it rejects and the old one serves on. A call during a reload waits for that one.
   */
  async reload(): Promise<void> {
    if (this.#end) throw new CommandError(exitCodes.failed, 'the daemon is stopping');
    this.#reloading ??= this.#reload().finally(() => {
      this.#reloading = undefined;
    });
    await this.#reloading;
  }

  async #reload(): Promise<void> {
    await this.#mountService?.reload();
    await this.#httpService?.reload(new Drain(this.#settings.drainSeconds));
    this.#log.info('reloaded');
  }

  setLogLevel(level: Settings['logLevel']): void {
    this.#logLevel = level;
    this.#log.setLevel(level);
    this.#httpService?.send({ type: 'log-level', level });
  }

  async #startInOrder(): Promise<void> {
    const settings = this.#settings;
    const mountPoint = this.#isMountPossible() ? canonicalMountPoint(settings.mount) : null;
    this.#user = settings.user === undefined ? undefined : findUser(settings.user);
    this.#data = createDataDirectory(settings.data, { isMounted: mountPoint !== null, user: this.#user });
    if (mountPoint !== null) refuseNesting(this.#data, mountPoint);
    createRunDir(settings.runDir);
    const instance = instanceOf(settings.runDir, this.#data);
    await this.#claim(instance, mountPoint);
    createInstanceFolder(instance);
    const earlier = readRecord(instance);
    this.#keepsRecord = earlier !== undefined;
    this.#atEnd(async () => {
      if (!this.#keepsRecord && this.#deadConnections.length === 0) removeInstance(instance);
    });
    // Answers until nothing else runs: whoever has asked for a stop may want it to be quicker. Connections stay open until the
    // process ends: `hoody-sqlite stop` waits for that.
    this.#atEnd(async () => this.#control?.close());

    // A start that fails here has touched no mount.
    createStateDirectory(settings.stateDir);
    const socket = await openHttpSocket(settings.listen, earlier ? oldServerEndsMs : 0, {
      mode: settings.socketMode,
      gid: settings.socketGroup === undefined ? undefined : findGroup(settings.socketGroup),
    });
    this.#url = urlOf(socket.address);
    this.#atEnd(() => socket.close());

    const adopted =
      earlier && mountPoint !== null
        ? ((await this.#keptMount.adopt(earlier, mountPoint)) ?? (await adoptMount(earlier, mountPoint, this.#log)))
        : undefined;
    if (adopted) this.#deadConnections = earlier?.dead ?? [];
    else await this.#endStaleMounts(instance, mountPoint, earlier);
    if (mountPoint !== null) await this.#startMount(instance, mountPoint, adopted);
    if (this.#mountService === undefined) this.#startDataFence(instance);
    this.#record(instance, this.#mountPoint, this.#mountService);
    await this.#startHttp(socket);
    await this.#openControl(instance);
  }

  async #endStaleMounts(
    instance: Instance,
    mountPoint: string | null,
    earlier: InstanceRecord | undefined,
  ): Promise<void> {
    const remember = (connections: readonly number[]) => {
      this.#deadConnections = connections;
      if (connections.length > 0) this.#record(instance, null, undefined);
    };
    await endStaleMounts(mountPoint, earlier, remember, this.#log);
    this.#keepsRecord = false;
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
    this.#degraded.push(`nothing is mounted: ${reason}`);
    this.#log.warn('no-mount', { mount, reason, effect: 'HTTP serves the data directory' });
  }

  async #claim(instance: Instance, mountPoint: string | null): Promise<void> {
    // On another daemon's mount the data directory is that one's; this daemon is one of its clients.
    const isClient = fileSystemOf(this.#data)?.type === mountType;
    if (isClient && mountPoint !== null) {
      throw usageError(
        `--data ${this.#data} lies on the mount of another daemon`,
        'add --no-mount to serve it over HTTP',
      );
    }
    if (isClient) createInstanceFolder(instance);
    const claim = await claimDataDirectory(this.#data, isClient ? instance.folder : this.#data, this.#log);
    this.#atEnd(() => claim.release());
    if (mountPoint === null) return;
    const mountClaim = claimMountPoint(mountPoint, mountClaimFile(this.#settings.runDir, mountPoint));
    this.#atEnd(() => mountClaim.release());
  }

  /** A mount that is impossible is no failure: HTTP then serves the data directory. */
  async #startMount(instance: Instance, mountPoint: string, adopted: Mount | undefined): Promise<void> {
    const { passthrough, locks, lockLimits, idlePolling, requireMount } = this.#settings;
    const service = new MountService({
      options: {
        dataDir: this.#data,
        mountPoint,
        passthrough,
        locks,
        lockLimits,
        idlePolling,
        stateDir: instance.folder,
        fence: this.#deadConnections.length > 0,
      },
      adopted,
      onChange: () => {
        this.#record(instance, mountPoint, service);
        if (service.mount) this.#keptMount.keep(service.mount);
      },
      onGivenUp: (connection) => {
        this.#deadConnections = [...this.#deadConnections, connection];
        this.#record(instance, mountPoint, service);
      },
      onMessage: (message) => {
        if (message.type === 'fenced') {
          this.#noteFenced(message.databases as readonly string[]);
          this.#record(instance, mountPoint, service);
        }
        for (const told of toServerMessages(message as unknown as FromFsProcess)) this.#httpService?.send(told);
      },
      onLost: async () => {
        await this.#httpService?.stop(new Drain(0));
      },
      onBack: () => {
        this.#httpService?.start().catch((error: unknown) => {
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
      this.#keepsRecord = false; // an adopted mount serves, or is among the dead connections
    }
    this.#mountPoint = mountPoint;
    this.#mountService = service;
    if (isOpenToAll(this.#data)) {
      this.#log.warn('data-directory-open-to-all', {
        data: this.#data,
        effect: 'set-user-ID programs that containers put there work for every user of this machine',
        cure: howToClose(this.#data, mountPoint),
      });
    }
    if (!service.passthrough.active && passthrough !== 'off') {
      this.#degraded.push(`no passthrough: ${service.passthrough.reason ?? 'unknown reason'}`);
    }
    this.#atEnd(async (drain) => {
      const isUnused = await service.stop(drain);
      this.#keepsRecord = !isUnused;
      this.#keptMount.forget();
    });
  }

  #startDataFence(instance: Instance): void {
    if (this.#deadConnections.length === 0) return;
    const fence = new DataFence(
      this.#data,
      instance.folder,
      (databases) => {
        this.#noteFenced(databases);
        this.#httpService?.send({ type: 'fenced', databases });
        this.#record(instance, null, undefined);
      },
      this.#log,
    );
    this.#noteFenced(fence.databases);
    this.#atEnd(async () => fence.stop());
  }

  /** A survey has looked at every file, or a fence was lifted. */
  #noteFenced(databases: readonly string[]): void {
    this.#fenced = databases;
    if (databases.length === 0) this.#deadConnections = [];
  }

  async #startHttp({ fd: socketFd, address }: ListeningSocket): Promise<void> {
    const service = new HttpService({
      socketFd,
      address,
      options: () =>
        serverOptions(
          { ...this.#settings, logLevel: this.#logLevel },
          { dataDir: this.#data, mountPoint: this.#mountPoint, fenced: this.#fenced, user: this.#user },
        ),
      answer: (name, args) => this.#answerServer(name, args),
      log: this.#log,
    });
    await service.start();
    this.#httpService = service;
    this.#atEnd((drain) => service.stop(drain));
  }

  async #answerServer(name: string, args: unknown): Promise<unknown> {
    const fs = this.#mountService?.process.current;
    if (name === 'daemon-state') return this.#state(args as readonly string[]);
    if (name === 'locks') return toLockSnapshot((await fs?.query('locks')) as LockView | undefined);
    if (name === 'writers') return toWriteRecord((await fs?.query('writers', args)) as WriterRecord | undefined);
    return toFsCounters((await fs?.query('status')) as FsStatus | undefined);
  }

  #state(openDatabases: readonly string[]): Promise<DaemonState> {
    const services = [this.#mountService, this.#httpService].filter((service) => service !== undefined);
    return daemonState({
      data: this.#data,
      mountService: this.#mountService,
      children: services.map((service) => service.process),
      fenced: this.#fenced,
      degraded: this.#degraded,
      openDatabases,
    });
  }

  async #openControl(instance: Instance): Promise<void> {
    this.#control = await openControlSocket(instance.controlSocket, {
      status: () => this.status(),
      locks: async () => (await this.#mountService?.process.current?.query('locks')) ?? { databases: [] },
      reload: () => this.reload(),
      alive: async () => {
        await Promise.all(this.probes().map(({ ask }) => ask()));
      },
      stop: async (args) => this.#stopAsAsked((args ?? {}) as StopRequest),
    });
  }

  #stopAsAsked({ drainSeconds }: StopRequest): void {
    if (drainSeconds !== undefined) {
      this.#drainSeconds = drainSeconds;
      this.#end?.drain.endWithin(drainSeconds);
    }
    this.#onStop('asked by hoody-sqlite stop', exitCodes.ok);
  }

  #record(instance: Instance, mount: string | null, service: MountService | undefined): void {
    const record: InstanceRecord = {
      pid: process.pid,
      data: this.#data,
      mount,
      connection: service?.connection ?? null,
      // Whoever starts next has to fence as well, until the programs of the dead mounts have closed everything.
      dead: this.#deadConnections,
      fs: (service?.pids ?? []).flatMap((pid) => identityOf(pid) ?? []),
      bootId: currentBootId(),
    };
    try {
      writeRecord(instance, record);
      this.#isRecorded = true;
    } catch (cause) {
      const reason = `cannot write to the run-time folder ${instance.folder}: ${messageOf(cause)}`;
      // Without any record the next start would not know of programs that it has to fence.
      if (!this.#isRecorded) throw new CommandError(exitCodes.failed, reason, { hint: 'free space there', cause });
      this.#log.error('record-not-written', { reason });
    }
  }

  /** Registers how to undo what has just been started. */
  #atEnd(step: EndStep): void {
    this.#endSteps.push(step);
    if (this.#isStartUnwanted)
      throw new CommandError(exitCodes.failed, 'the start is given up: the daemon was told to stop');
  }

  async #endInOrder(drain: Drain): Promise<void> {
    for (let step = this.#endSteps.pop(); step; step = this.#endSteps.pop()) {
      try {
        await step(drain);
      } catch (error) {
        this.#log.error('stop-step-failed', { reason: messageOf(error) });
      }
    }
  }
}

function createStateDirectory(path: string): void {
  try {
    createDirectory(path);
  } catch (cause) {
    throw new CommandError(exitCodes.failed, `--state-dir ${path} cannot be created: ${messageOf(cause)}`, {
      hint: 'choose another directory with --state-dir',
      cause,
    });
  }
}
