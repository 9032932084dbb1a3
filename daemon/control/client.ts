// The other end of the control socket: finds the daemon that a command means and asks it.
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { CommandInput } from '../cli/command.ts';
import type { SettingName } from '../config/options.ts';
import { CommandError, exitCodes, usageError } from '../errors.ts';
import { type InstanceRecord, type KnownInstance, listInstances } from '../instance/instances.ts';
import { canonicalMountPoint, canonicalPath } from '../instance/paths.ts';
import type { DaemonStatus } from '../supervisor/status.ts';
import { type ControlAnswer, signOfLifeMs } from './server.ts';

/** A daemon that says nothing for so long does not answer. */
const silenceMs = 3 * signOfLifeMs;

export interface DaemonConnection {
  readonly pid: number;
  readonly data: string;
  /** The directories of its databases: the mount, and what lies behind it. */
  readonly roots: readonly string[];
  ask(command: string, args?: unknown): Promise<unknown>;
  /** Resolves when the daemon has closed the connection, as it does by ending. */
  readonly closed: Promise<void>;
  close(): void;
}

/**
 * Connects to the daemon with this pid; else to the one that --mount or --data names, or to the only one.
 * @throws CommandError, noDaemon without one
 */
export async function connectToDaemon({ settings, named }: CommandInput, pid?: number): Promise<DaemonConnection> {
  const input = { settings, named: pid === undefined ? named : new Set<SettingName>() };
  const found = await connectToAll(input, pid);
  const [only, ...others] = found;
  if (!only) {
    const { data, mount } = namesOf(input);
    const where = pid
      ? ` with pid ${pid}`
      : data
        ? ` for the data directory ${data}`
        : mount
          ? ` for the mount point ${mount}`
          : '';
    throw new CommandError(exitCodes.noDaemon, `no daemon runs${where}`, { hint: 'hoody-sqlite start' });
  }
  if (others.length > 0) {
    for (const daemon of found) daemon.close();
    const list = found.map(({ pid, data }) => `pid ${pid} --data ${data}`).join(', ');
    throw usageError(`several daemons run: ${list}`, 'name one with --data or --mount');
  }
  return only;
}

/** Where the running daemon keeps databases. */
export interface DaemonPlaces {
  /** Where clients open them: the mount, or the data directory where nothing is mounted. */
  readonly root: string;
  /** The directory behind the mount. */
  readonly data: string;
}

export async function placesOfDaemon(input: CommandInput): Promise<DaemonPlaces> {
  const daemon = await connectToDaemon(input);
  try {
    const { mount, data } = (await daemon.ask('status')) as DaemonStatus;
    return { root: mount ?? data, data };
  } finally {
    daemon.close();
  }
}

/** A connection to every running daemon that --mount and --data leave in question. The caller closes them. */
export async function connectToAll(
  input: Pick<CommandInput, 'settings' | 'named'>,
  pid?: number,
): Promise<DaemonConnection[]> {
  const found: DaemonConnection[] = [];
  for (const { instance, record } of instancesMeant(input)) {
    if (pid !== undefined && record.pid !== pid) continue;
    const socket = await tryConnect(instance.controlSocket);
    if (socket) found.push(createConnection(record, socket));
  }
  return found;
}

/** Every daemon, running or crashed, that --mount and --data leave in question. */
export function instancesMeant(input: Pick<CommandInput, 'settings' | 'named'>): KnownInstance[] {
  const { data, mount } = namesOf(input);
  return listInstances(input.settings.runDir).filter(
    ({ record }) => (data === undefined || record.data === data) && (mount === undefined || record.mount === mount),
  );
}

function namesOf({ settings, named }: Pick<CommandInput, 'settings' | 'named'>) {
  return {
    data: named.has('data') ? canonicalPath(settings.data) : undefined,
    mount: named.has('mount') ? canonicalMountPoint(settings.mount) : undefined,
  };
}

function createConnection({ pid, data, mount }: InstanceRecord, socket: Socket): DaemonConnection {
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  let onAnswer = (_: string) => {};
  // One listener for all questions: setTimeout itself would add one for each.
  socket.on('timeout', () => socket.destroy());
  // A daemon that works on the answer sends empty lines meanwhile.
  const lines = createInterface({ input: socket });
  lines.on('error', () => {}); // handed on from the socket, whose close says the same
  lines.on('line', (line) => line !== '' && onAnswer(line));
  return {
    pid,
    data,
    roots: mount === null ? [data] : [mount, data],
    closed,
    close: () => socket.destroy(),
    ask: async (command, args) => {
      const answered = new Promise<string>((resolve) => {
        onAnswer = resolve;
      });
      socket.setTimeout(silenceMs);
      socket.write(`${JSON.stringify({ command, args })}\n`);
      const line = await Promise.race([answered, closed]);
      socket.setTimeout(0);
      if (line === undefined) {
        throw new CommandError(exitCodes.failed, `the daemon with pid ${pid} does not answer`, {
          hint: `it is stopped, overloaded or has just ended: ps -o stat,pcpu,args ${pid}`,
        });
      }
      const answer = JSON.parse(line) as ControlAnswer;
      if ('error' in answer) throw new CommandError(exitCodes.failed, answer.error);
      return answer.value;
    },
  };
}

/** undefined when nobody listens there, as after a crash. */
function tryConnect(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      // Errors from here on end the connection, which whoever waits on it sees as its close.
      socket.removeAllListeners('error').on('error', () => {});
      resolve(socket);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined);
      else reject(new CommandError(exitCodes.failed, `cannot ask the daemon: ${error.message}`, { cause: error }));
    });
  });
}
