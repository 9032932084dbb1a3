// Runs the daemon in the foreground until a signal or `hoody-sqlite stop` ends it.

import { watchLiveness } from '../children/liveness.ts';
import type { CommandInput } from '../cli/command-table.ts';
import { CommandError, type ExitCode, exitCodes, messageOf, sentenceOf } from '../cli/errors.ts';
import type { Settings } from '../config/options.ts';
import { checkTogether, readSettingsFile } from '../config/settings.ts';
import { watchFile } from '../config/watched-file.ts';
import { findSqlite } from '../databases/sqlite-binding.ts';
import { createLog, type Log } from '../supervisor/log.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { connectServiceManager, type ServiceManager } from '../systemd/notify.ts';

const livenessIntervalMs = 5_000;

export async function run({ settings, warnings }: CommandInput): Promise<ExitCode> {
  checkTogether(settings);
  await requireSqlite();
  // Whoever reads the log may go away; that must not end the daemon.
  process.stderr.on('error', () => {});
  process.stdout.on('error', () => {});
  const log = createLog(process.stderr, settings.logLevel);
  for (const reason of warnings) log.warn('configuration', { reason });
  const serviceManager = connectServiceManager(process.env, log);
  const supervisor = new Supervisor(settings, log, serviceManager);
  const stopRequest = stopRequested(supervisor, log);
  const { mount, url } = await supervisor.start();
  const stopWatching = await reloadOnChange(settings, supervisor, log);
  log.info('ready', { pid: process.pid, mount, url, data: settings.data });
  process.stdout.write(`hoody-sqlite ready mount=${mount ?? 'none'} url=${url}\n`);
  serviceManager.ready(`${mount ?? 'no mount'}, ${url}`);
  const liveness = startLiveness(supervisor, serviceManager, log);
  const { reason, exitCode } = await stopRequest;
  log.info('stopping', { reason });
  serviceManager.stopping(`stopping: ${reason}`);
  liveness.abort();
  await stopWatching();
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

/** Resolves with the first request to stop: a signal, the command `stop`, or a failure that leaves nothing to serve. */
function stopRequested(supervisor: Supervisor, log: Log): Promise<StopRequest> {
  return new Promise((resolve) => {
    supervisor.onStop = (reason, exitCode) => resolve({ reason, exitCode });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => resolve({ reason: signal, exitCode: exitCodes.ok }));
    }
    process.on('uncaughtException', (error) => {
      log.error('bug', { reason: messageOf(error), stack: error.stack });
      resolve({ reason: 'a bug in the supervisor', exitCode: exitCodes.failed });
    });
  });
}

function startLiveness(supervisor: Supervisor, serviceManager: ServiceManager, log: Log): AbortController {
  const end = new AbortController();
  const spec = {
    probes: supervisor.probes(),
    intervalMs: Math.min(livenessIntervalMs, (serviceManager.watchdogMs ?? Number.POSITIVE_INFINITY) / 4),
    onAllAlive: () => serviceManager.alive(),
    log,
  };
  watchLiveness(spec, end.signal);
  return end;
}

/** A change of the file applies what may change while the daemon runs. SIGHUP does that too, and replaces the processes. */
async function reloadOnChange(settings: Settings, supervisor: Supervisor, log: Log): Promise<() => Promise<void>> {
  const { config } = settings;
  const reload = () => {
    if (config === undefined) return;
    try {
      const { logLevel } = readSettingsFile(config);
      supervisor.setLogLevel(logLevel ?? settings.logLevel);
      log.info('configuration-reloaded', { file: config });
    } catch (error) {
      log.error('configuration-not-reloaded', { reason: messageOf(error) });
    }
  };
  process.on('SIGHUP', () => {
    reload();
    supervisor.reload().catch((error: unknown) => log.error('not-reloaded', { reason: sentenceOf(error) }));
  });
  return config === undefined ? async () => {} : watchFile(config, reload);
}
