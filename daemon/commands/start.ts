// Runs the daemon in the foreground until a signal or `hoody-sqlite stop` ends it.

import { inspectSqlGuard } from '../../server/index.ts';
import { watchLiveness } from '../children/liveness.ts';
import type { CommandInput } from '../cli/command.ts';
import { fileEdit } from '../config/edited-file.ts';
import type { SettingName } from '../config/options.ts';
import { checkTogether, readSettingsFile } from '../config/settings.ts';
import { watchFile } from '../config/watched-file.ts';
import { findSqlite } from '../databases/sqlite-binding.ts';
import { CommandError, type ExitCode, exitCodes, messageOf, sentenceOf } from '../errors.ts';
import { faultOfTokens } from '../http/token-file.ts';
import { createLog, type Log } from '../log.ts';
import { faultOfShip } from '../ship/ship-place.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { connectServiceManager, type ServiceManager } from '../systemd/notify.ts';

const livenessIntervalMs = 5_000;
/** Ctrl-C reaches this process from the terminal, and `npm start` hands it on once more: that is one signal. */
const sameSignalMs = 500;

export async function run(input: CommandInput): Promise<ExitCode> {
  const { settings, origins, warnings } = input;
  const onHangUp = holdBackHangUps();
  checkTogether(settings);
  const fault = faultOfShip(settings) ?? (await faultOfTokens(settings));
  if (fault) throw fault;
  await requireSqlite();
  // Whoever reads the log may go away; that must not end the daemon.
  process.stderr.on('error', () => {});
  process.stdout.on('error', () => {});
  const log = createLog(process.stderr, settings.logLevel, { format: settings.logFormat });
  for (const reason of warnings) log.warn('configuration', { reason });
  const missingGuard = await inspectSqlGuard();
  if (missingGuard !== null) log.warn('sql-guard-missing', { reason: missingGuard });
  const serviceManager = connectServiceManager(process.env, log);
  const isAskedFor = (name: SettingName) => origins.get(name)?.from !== 'default';
  const supervisor = new Supervisor(settings, log, serviceManager, isAskedFor);
  const stopRequest = stopRequested(supervisor, log);
  try {
    const { mount, url } = await supervisor.start();
    await reloadOnChange(input, supervisor, onHangUp, log);
    log.info('ready', { pid: process.pid, mount, url, data: settings.data });
    process.stdout.write(`hoody-sqlite ready mount=${mount ?? 'none'} url=${url}\n`);
    serviceManager.ready(`${mount ?? 'no mount'}, ${url}`);
    watchSigns(supervisor, serviceManager, stopRequest, log);
    await stopRequest.made;
  } catch (error) {
    // The start has given up because of a signal, or something else has failed: all that was started is ended.
    if (!stopRequest.signal.aborted) {
      await supervisor.stop(0);
      throw error;
    }
  }
  const { reason, exitCode } = await stopRequest.made;
  log.info('stopping', { reason });
  serviceManager.stopping(`stopping: ${reason}`, supervisor.drainSeconds);
  await supervisor.stop();
  log.info('stopped');
  process.exit(exitCode);
}

/** @throws CommandError where better-sqlite3 cannot be loaded: every request would fail */
async function requireSqlite(): Promise<void> {
  const found = await findSqlite();
  if ('version' in found) return;
  throw new CommandError(exitCodes.failed, `better-sqlite3 cannot be loaded: ${found.reason}`, { hint: found.fix });
}

interface StopRequest {
  readonly reason: string;
  readonly exitCode: ExitCode;
}

interface StopRequested {
  /** Resolves with the first request: a signal, the command `stop`, or a failure that leaves nothing to serve. */
  readonly made: Promise<StopRequest>;
  /** Aborted by it. */
  readonly signal: AbortSignal;
}

function stopRequested(supervisor: Supervisor, log: Log): StopRequested {
  const aborting = new AbortController();
  const made = new Promise<StopRequest>((resolve) => {
    const stop = (request: StopRequest) => {
      aborting.abort();
      supervisor.giveUpStart();
      resolve(request);
    };
    supervisor.onStop = (reason, exitCode) => stop({ reason, exitCode });
    onTermination((signal, isSecond) => {
      if (isSecond) log.warn('stopping-now', { reason: `${signal} for the second time` });
      if (isSecond) supervisor.hurry();
      stop({ reason: signal, exitCode: exitCodes.ok });
    });
    process.on('uncaughtException', (error) => {
      log.error('bug', { reason: messageOf(error), stack: error.stack });
      stop({ reason: 'a bug in the supervisor', exitCode: exitCodes.failed });
    });
  });
  return { made, signal: aborting.signal };
}

function onTermination(listener: (signal: string, isSecond: boolean) => void): void {
  let firstAtMs: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      firstAtMs ??= performance.now();
      listener(signal, performance.now() - firstAtMs > sameSignalMs);
    });
  }
}

/** Signs of life for whoever restarts the service, and the end of processes that give none. */
function watchSigns(supervisor: Supervisor, serviceManager: ServiceManager, { signal }: StopRequested, log: Log): void {
  const spec = {
    probes: supervisor.probes(),
    intervalMs: Math.min(livenessIntervalMs, (serviceManager.watchdogMs ?? Number.POSITIVE_INFINITY) / 4),
    onAllAlive: () => serviceManager.alive(),
    log,
  };
  watchLiveness(spec, signal);
}

/**
 * SIGHUP would end a process that does not expect it. One that comes during the start waits for the returned listener.
 */
function holdBackHangUps(): (listener: () => void) => void {
  let isWaiting = false;
  let onHangUp = () => {
    isWaiting = true;
  };
  process.on('SIGHUP', () => onHangUp());
  return (listener) => {
    onHangUp = listener;
    if (isWaiting) listener();
  };
}

/**
 * A change of the file applies what may change while the daemon runs. SIGHUP does that too, and replaces the processes.
 */
async function reloadOnChange(
  { settings, named }: CommandInput,
  supervisor: Supervisor,
  onHangUp: (listener: () => void) => void,
  log: Log,
): Promise<void> {
  const { config } = settings;
  const atStart = config === undefined ? {} : readSettingsFile(config);
  const readAgain = () => {
    if (config === undefined) return;
    try {
      const { logLevel, afterRestart, overridden } = fileEdit(atStart, readSettingsFile(config), named);
      if (logLevel) supervisor.setLogLevel(logLevel);
      log.info('configuration-reloaded', { file: config });
      if (afterRestart.length > 0) log.warn('configuration-needs-restart', { file: config, keys: afterRestart });
      if (overridden.length > 0) log.warn('configuration-overridden', { file: config, keys: overridden });
    } catch (error) {
      log.error('configuration-not-reloaded', { reason: messageOf(error) });
    }
  };
  if (config !== undefined) await watchFile(config, readAgain);
  onHangUp(() => {
    readAgain();
    supervisor.reload().catch((error: unknown) => log.error('not-reloaded', { reason: sentenceOf(error) }));
  });
}
