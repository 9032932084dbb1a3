// Sockets as Node does not make them: one that listens and that this process only keeps and never accepts on, and one
// for datagrams to systemd's notification socket. Buffers follow the layouts of x86-64 and arm64 Linux.
import { closeSync } from 'node:fs';
import { lastError, libcFunction } from '../../fs/index.ts';
import type { ListenAddress } from '../config/listen-address.ts';

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;

const socket = libcFunction<[number, number, number]>('int socket(int domain, int type, int protocol)');
const bind = libcFunction<[number, Buffer, number]>('int bind(int fd, void *address, unsigned int length)');
const connect = libcFunction<[number, Buffer, number]>('int connect(int fd, void *address, unsigned int length)');
const listen = libcFunction<[number, number]>('int listen(int fd, int backlog)');
const getsockname = libcFunction<[number, Buffer, Buffer]>('int getsockname(int fd, void *address, void *length)');
const setsockopt = libcFunction<[number, number, number, Buffer, number]>(
  'int setsockopt(int fd, int level, int name, void *value, unsigned int length)',
);
const inetPton = libcFunction<[number, string, Buffer]>('int inet_pton(int family, const char *text, void *address)');

/**
 * A close-on-exec socket that listens on an IP address (no names) or a socket file that does not exist yet.
 * @param onBound called while nobody can connect yet @throws FsError, or what `onBound` throws
 */
export function openListeningSocket(
  address: ListenAddress,
  family: 4 | 6,
  backlog: number,
  onBound: () => void = () => {},
): number {
  const [domain, name] = socketName(address, family);
  const fd = openSocket(domain, SOCK_STREAM);
  const one = Buffer.alloc(4);
  one.writeInt32LE(1);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, one, one.length);
  if (bind(fd, name, name.length) !== 0) throw closedAfter('bind', fd);
  try {
    onBound();
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  if (listen(fd, backlog) !== 0) throw closedAfter('listen', fd);
  return fd;
}

/** The port that the kernel chose for port 0. */
export function portOf(fd: number): number {
  const name = Buffer.alloc(128);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(name.length);
  if (getsockname(fd, name, length) !== 0) throw lastError('getsockname');
  return name.readUInt16BE(2);
}

/** Connected to a socket file; a path that begins with @ is in the abstract name space. @throws FsError */
export function openDatagramSocket(path: string): number {
  const name = unixSocketName(path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`);
  const fd = openSocket(AF_UNIX, SOCK_DGRAM);
  if (connect(fd, name, name.length) !== 0) throw closedAfter('connect', fd);
  return fd;
}

function openSocket(domain: number, type: number): number {
  const fd = socket(domain, type | SOCK_CLOEXEC, 0);
  if (fd < 0) throw lastError('socket');
  return fd;
}

/** The error of the call that has just failed. */
function closedAfter(call: string, fd: number): Error {
  const error = lastError(call);
  closeSync(fd);
  return error;
}

function unixSocketName(pathBytes: string): Buffer {
  const path = Buffer.from(pathBytes);
  const name = Buffer.alloc(2 + path.length);
  name.writeUInt16LE(AF_UNIX, 0);
  path.copy(name, 2);
  return name;
}

/** struct sockaddr_un, sockaddr_in or sockaddr_in6. */
function socketName(address: ListenAddress, family: 4 | 6): [number, Buffer] {
  if (address.kind === 'unix') return [AF_UNIX, unixSocketName(`${address.path}\0`)];
  const domain = family === 6 ? AF_INET6 : AF_INET;
  const name = Buffer.alloc(family === 6 ? 28 : 16);
  name.writeUInt16LE(domain, 0);
  name.writeUInt16BE(address.port, 2);
  const addressOffset = family === 6 ? 8 : 4;
  if (inetPton(domain, address.host, name.subarray(addressOffset)) !== 1) throw lastError('inet_pton');
  return [domain, name];
}
