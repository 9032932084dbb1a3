// What the daemon tells systemd, when systemd started it (Type=notify): ready, stopping, alive. One datagram each
// to the socket that NOTIFY_SOCKET names, as sd_notify(3) describes it. Without systemd every call does nothing.
import { messageOf } from './errors.ts';
import type { Log } from './log.ts';
import { sendDatagram } from './system-calls.ts';

export interface ServiceManager {
  ready(statusText: string): void;
  stopping(statusText: string): void;
  /** Must be repeated at least every `watchdogMs`, or systemd kills and restarts the service. */
  alive(): void;
  /** undefined when nobody watches. */
  readonly watchdogMs: number | undefined;
}

/** Takes the variables out of `environment`: they are meant for this process, not for its children. */
export function connectServiceManager(environment: NodeJS.ProcessEnv, log: Log): ServiceManager {
  const { NOTIFY_SOCKET: path, WATCHDOG_USEC: watchdogMicros, WATCHDOG_PID: watchdogPid } = environment;
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete environment[name];
  const send = (...lines: string[]) => {
    if (path === undefined) return;
    try {
      sendDatagram(path, Buffer.from(lines.join('\n')));
    } catch (error) {
      log.warn('service-manager-not-told', { reason: messageOf(error), lines });
    }
  };
  const isWatched = path !== undefined && (watchdogPid === undefined || Number(watchdogPid) === process.pid);
  return {
    ready: (statusText) => send('READY=1', `STATUS=${statusText}`),
    stopping: (statusText) => send('STOPPING=1', `STATUS=${statusText}`),
    alive: () => send('WATCHDOG=1'),
    watchdogMs: isWatched && Number(watchdogMicros) > 0 ? Number(watchdogMicros) / 1000 : undefined,
  };
}
