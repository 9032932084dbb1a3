// What the daemon tells systemd, when systemd started it (Type=notify): ready, stopping, alive; and the descriptors
// that systemd keeps for it and hands to its successor, whatever has killed it. Datagrams to the socket that
// NOTIFY_SOCKET names, as sd_notify(3) and sd_listen_fds(3) describe it. Without systemd every call does nothing.
import { closeSync, writeSync } from 'node:fs';
import { DescriptorMessages } from '../../fs/index.ts';
import { messageOf } from '../errors.ts';
import { openDatagramSocket } from '../http/sockets.ts';
import type { Log } from '../log.ts';
import { stopSlackSeconds } from './service-unit.ts';

export interface ServiceManager {
  ready(statusText: string): void;
  /** systemd waits for the drain time and what comes after it, even where the unit says less. */
  stopping(statusText: string, drainSeconds: number): void;
  /** Must be repeated at least every `watchdogMs`, or systemd kills and restarts the service. */
  alive(): void;
  /** undefined when nobody watches. */
  readonly watchdogMs: number | undefined;
  /** Hands over copies of these descriptors, in place of any of the same name. */
  keep(descriptors: Readonly<Record<string, number>>): void;
  forget(names: readonly string[]): void;
  /** What an earlier life of the service gave to keep, by name; this process owns these descriptors. */
  readonly kept: ReadonlyMap<string, number>;
}

const variables = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'LISTEN_FDS', 'LISTEN_FDNAMES', 'LISTEN_PID'];
const firstKeptDescriptor = 3;
/** Thirty years; more overflows what systemd adds it to. */
const mostMicros = 1e15;

/** Takes the variables out of `environment`: they are meant for this process, not for its children. */
export function connectServiceManager(environment: NodeJS.ProcessEnv, log: Log): ServiceManager {
  const { NOTIFY_SOCKET: path, WATCHDOG_USEC: watchdogMicros, WATCHDOG_PID: watchdogPid } = environment;
  const kept = keptDescriptors(environment);
  for (const name of variables) delete environment[name];
  const send = (lines: readonly string[], descriptor?: number) => {
    if (path === undefined) return;
    try {
      notify(path, lines.join('\n'), descriptor);
    } catch (error) {
      log.warn('service-manager-not-told', { reason: messageOf(error), lines });
    }
  };
  const forget = (names: readonly string[]) => {
    for (const name of names) send(['FDSTOREREMOVE=1', `FDNAME=${name}`]);
  };
  const isWatched = path !== undefined && (watchdogPid === undefined || Number(watchdogPid) === process.pid);
  return {
    ready: (statusText) => send(['READY=1', `STATUS=${statusText}`]),
    stopping: (statusText, drainSeconds) =>
      send([
        'STOPPING=1',
        `STATUS=${statusText}`,
        `EXTEND_TIMEOUT_USEC=${Math.min(mostMicros, (drainSeconds + stopSlackSeconds) * 1e6)}`,
      ]),
    alive: () => send(['WATCHDOG=1']),
    watchdogMs: isWatched && Number(watchdogMicros) > 0 ? Number(watchdogMicros) / 1000 : undefined,
    keep: (descriptors) => {
      forget(Object.keys(descriptors));
      for (const [name, descriptor] of Object.entries(descriptors)) send(['FDSTORE=1', `FDNAME=${name}`], descriptor);
    },
    forget,
    kept,
  };
}

function keptDescriptors(environment: NodeJS.ProcessEnv): Map<string, number> {
  if (Number(environment.LISTEN_PID) !== process.pid) return new Map();
  const names = environment.LISTEN_FDNAMES?.split(':') ?? [];
  return new Map(
    names.slice(0, Number(environment.LISTEN_FDS)).map((name, index) => [name, firstKeptDescriptor + index]),
  );
}

function notify(path: string, text: string, descriptor: number | undefined): void {
  const socket = openDatagramSocket(path);
  try {
    if (descriptor === undefined) {
      writeSync(socket, text);
      return;
    }
    const message = new DescriptorMessages(Buffer.byteLength(text));
    message.payload.write(text);
    const result = message.send(socket, descriptor);
    if (result !== 0) throw new Error(`errno ${-result}`);
  } finally {
    closeSync(socket);
  }
}
