// Opens the HTTP socket that the supervisor keeps for the whole life of the daemon and each server process inherits:
// while no server runs, connections wait in its backlog instead of being refused.
import { lookup } from 'node:dns/promises';
import { chmodSync, chownSync, closeSync, unlinkSync } from 'node:fs';
import { stat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type ListenAddress, urlOf } from '../config/listen-address.ts';
import { CommandError, exitCodes, messageOf } from '../errors.ts';
import { openListeningSocket, portOf } from './sockets.ts';

const backlog = 1024;
const retryMs = 50;

export interface ListeningSocket {
  readonly fd: number;
  /** With the port that is really used. */
  readonly address: ListenAddress;
  /** Closes the descriptor and removes a socket file. */
  close(): Promise<void>;
}

/** Who may connect to a socket file: connecting needs the permission to write. */
export interface SocketAccess {
  /** undefined: what the umask leaves. */
  readonly mode?: number | undefined;
  /** undefined: the group of this process. */
  readonly gid?: number | undefined;
}

/** An address that is in use is tried again for `patienceMs`. */
export async function openHttpSocket(
  address: ListenAddress,
  patienceMs = 0,
  access: SocketAccess = {},
): Promise<ListeningSocket> {
  const endsAtMs = performance.now() + patienceMs;
  try {
    for (;;) {
      try {
        return address.kind === 'unix' ? await openSocketFile(address, access) : await openPort(address);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || performance.now() >= endsAtMs) throw error;
      }
      await delay(retryMs);
    }
  } catch (error) {
    throw new CommandError(exitCodes.failed, `cannot listen on ${urlOf(address)}: ${reasonOf(error)}`, {
      hint: 'choose another address with --listen',
      cause: error,
    });
  }
}

async function openPort(address: ListenAddress & { kind: 'tcp' }): Promise<ListeningSocket> {
  const found = await lookup(address.host);
  const fd = openListeningSocket({ ...address, host: found.address }, found.family === 6 ? 6 : 4, backlog);
  return { fd, address: { ...address, port: portOf(fd) }, close: async () => closeSync(fd) };
}

async function openSocketFile(
  address: ListenAddress & { kind: 'unix' },
  { mode, gid }: SocketAccess,
): Promise<ListeningSocket> {
  await removeStaleSocketFile(address.path);
  const fd = openListeningSocket(address, 4, backlog, () => {
    try {
      // The group first: chown(2) may take mode bits away.
      if (gid !== undefined) chownSync(address.path, -1, gid);
      if (mode !== undefined) chmodSync(address.path, mode);
    } catch (error) {
      unlinkSync(address.path);
      throw error;
    }
  });
  const close = async () => {
    closeSync(fd);
    await unlink(address.path).catch(() => {});
  };
  return { fd, address, close };
}

/** Removes a socket file that nobody listens on. Anything else at that path stays, and the bind then fails. */
export async function removeStaleSocketFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isSocket() && !(await isAnswered(path))) await unlink(path);
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    const finish = (answered: boolean) => {
      probe.destroy();
      resolve(answered);
    };
    probe.on('connect', () => finish(true));
    // A full backlog (EAGAIN) belongs to somebody alive; only a refusal proves that nobody listens.
    probe.on('error', (error: NodeJS.ErrnoException) => finish(error.code !== 'ECONNREFUSED'));
  });
}

function reasonOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return 'the address is in use';
  if (code === 'EADDRNOTAVAIL') return 'this machine does not have that address';
  if (code === 'EPERM') return 'this user may not give the socket file to that group';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'no such host name';
  return messageOf(error);
}
