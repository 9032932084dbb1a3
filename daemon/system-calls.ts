// The few libc calls that the supervisor needs and Node lacks: file locks on a descriptor, a listening socket that this
// process only keeps and never accepts on, and datagrams to systemd's notification socket. Buffers follow the layouts of x86-64 and arm64 Linux.
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import koffi from 'koffi';
import type { ListenAddress } from './listen-address.ts';

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const FS_IOC_GETFLAGS = 0x80086601;
const FS_IOC_SETFLAGS = 0x40086602;
const FS_IMMUTABLE_FL = 0x10;
const LOCK_EX = 2;
const LOCK_NB = 4;

const libc = koffi.load(null);
const flock = libc.func('int flock(int fd, int operation)') as (fd: number, operation: number) => number;
const socket = libc.func('int socket(int domain, int type, int protocol)') as (...args: number[]) => number;
const bind = libc.func('int bind(int fd, void *address, unsigned int length)') as SocketAddressCall;
const getsockname = libc.func('int getsockname(int fd, void *address, void *length)') as (
  fd: number,
  address: Buffer,
  length: Buffer,
) => number;
const listen = libc.func('int listen(int fd, int backlog)') as (fd: number, backlog: number) => number;
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, void *value, unsigned int length)') as (
  fd: number,
  level: number,
  name: number,
  value: Buffer,
  length: number,
) => number;
const connect = libc.func('int connect(int fd, void *address, unsigned int length)') as SocketAddressCall;
const ioctl = libc.func('int ioctl(int fd, unsigned long request, void *value)') as (
  fd: number,
  request: number,
  value: Buffer,
) => number;
const inetPton = libc.func('int inet_pton(int family, const char *text, void *address)') as (
  family: number,
  text: string,
  address: Buffer,
) => number;

type SocketAddressCall = (fd: number, address: Buffer, length: number) => number;

/** An errno as a Node error: `code` is its name. */
export class SystemCallError extends Error {
  readonly code: string;

  constructor(call: string) {
    const errno = koffi.errno();
    const code = Object.entries(constants.errno).find(([, value]) => value === errno)?.[0] ?? `E${errno}`;
    super(`${call}: ${code}`);
    this.name = 'SystemCallError';
    this.code = code;
  }
}

/** Takes an exclusive flock(2) that ends with the descriptor's last copy, however the process ends. False = somebody has it. */
export function tryLockFile(fd: number): boolean {
  if (flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
  const error = new SystemCallError('flock');
  if (error.code === 'EAGAIN' || error.code === 'EWOULDBLOCK') return false;
  throw error;
}

/** Whether nothing may be made or removed in the directory of this descriptor: chattr +i. */
export function isImmutable(fd: number): boolean {
  return ((inodeFlags(fd) ?? 0) & FS_IMMUTABLE_FL) !== 0;
}

/** False where the file system or this process's rights do not allow it. */
export function setImmutable(fd: number, immutable: boolean): boolean {
  const flags = inodeFlags(fd);
  if (flags === undefined) return false;
  const value = Buffer.alloc(8);
  value.writeInt32LE(immutable ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL);
  return ioctl(fd, FS_IOC_SETFLAGS, value) === 0;
}

/** undefined on a file system that has none. */
function inodeFlags(fd: number): number | undefined {
  const value = Buffer.alloc(8);
  return ioctl(fd, FS_IOC_GETFLAGS, value) === 0 ? value.readInt32LE(0) : undefined;
}

/** A close-on-exec socket that listens on an IP address (no names) or a socket file that does not exist yet. */
export function openListeningSocket(address: ListenAddress, family: 4 | 6, backlog: number): number {
  const [domain, name] = socketName(address, family);
  const fd = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new SystemCallError('socket');
  const one = Buffer.alloc(4);
  one.writeInt32LE(1);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, one, one.length);
  if (bind(fd, name, name.length) !== 0) throw new SystemCallError('bind');
  if (listen(fd, backlog) !== 0) throw new SystemCallError('listen');
  return fd;
}

/** The port that the kernel chose for port 0. */
export function portOf(fd: number): number {
  const name = Buffer.alloc(128);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(name.length);
  if (getsockname(fd, name, length) !== 0) throw new SystemCallError('getsockname');
  return name.readUInt16BE(2);
}

/** Connected to a socket file; a path that begins with @ is in the abstract name space. */
export function openDatagramSocket(path: string): number {
  const name = unixSocketName(path.startsWith('@') ? `\0${path.slice(1)}` : `${path}\0`);
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new SystemCallError('socket');
  if (connect(fd, name, name.length) === 0) return fd;
  const error = new SystemCallError('connect');
  closeSync(fd);
  throw error;
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
  if (inetPton(domain, address.host, name.subarray(addressOffset)) !== 1) throw new SystemCallError('inet_pton');
  return [domain, name];
}
