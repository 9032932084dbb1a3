// Descriptors in flight: an AF_UNIX socket pair, and one descriptor per message sent or received over it (unix(7),
// SCM_RIGHTS).
import { addressOf, lastErrno, lastError, libcFunction } from './libc.ts';

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
const SO_PEEK_OFF = 42;
const SCM_RIGHTS = 1;
const MSG_PEEK = 0x2;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const MSG_CMSG_CLOEXEC = 0x40000000;

const socketpair = libcFunction<[number, number, number, Buffer]>(
  'int socketpair(int domain, int type, int protocol, void *pair)',
);
const sendmsg = libcFunction<[number, Buffer, number]>('int64_t sendmsg(int socket, void *message, int flags)');
const recvmsg = libcFunction<[number, Buffer, number]>('int64_t recvmsg(int socket, void *message, int flags)');
const setsockopt = libcFunction<[number, number, number, Buffer, number]>(
  'int setsockopt(int socket, int level, int name, void *value, unsigned int size)',
);

// struct msghdr: name 0, namelen 8, iov 16, iovlen 24, control 32, controllen 40, flags 48.
const messageHeaderBytes = 56;
const controlLength = 40;
// struct cmsghdr: len 0 (u64), level 8, type 12, then one descriptor at 16, padded to 8.
const controlBytes = 24;
const controlDescriptor = 16;

/**
 * Two connected stream sockets: what is sent to the first is received from the second. Roomy, where root may ask for
 * that.
 */
export function createSocketPair(roomBytes: number): { readonly sendFd: number; readonly receiveFd: number } {
  const pair = Buffer.alloc(8);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) throw lastError('socketpair');
  const sendFd = pair.readInt32LE(0);
  setOption(sendFd, SO_SNDBUFFORCE, roomBytes); // without the right to do so the default has to be enough
  return { sendFd, receiveFd: pair.readInt32LE(4) };
}

/** Sends and receives messages of a fixed size with one descriptor each, never waiting. */
export class DescriptorMessages {
  /** The bytes that go with the descriptor: filled by the caller before send, by receive and peek otherwise. */
  readonly payload: Buffer;
  readonly #header = Buffer.alloc(messageHeaderBytes);
  readonly #vector = Buffer.alloc(16); // struct iovec: base, len
  readonly #control = Buffer.alloc(controlBytes);

  constructor(payloadBytes: number) {
    this.payload = Buffer.alloc(payloadBytes);
    this.#vector.writeBigUInt64LE(addressOf(this.payload), 0);
    this.#vector.writeBigUInt64LE(BigInt(payloadBytes), 8);
    this.#header.writeBigUInt64LE(addressOf(this.#vector), 16);
    this.#header.writeBigUInt64LE(1n, 24);
    this.#header.writeBigUInt64LE(addressOf(this.#control), 32);
  }

  /** 0 or a negative errno: EAGAIN and ETOOMANYREFS mean that no more fits. */
  send(socket: number, fd: number): number {
    this.#control.writeBigUInt64LE(20n, 0); // CMSG_LEN of one descriptor
    this.#control.writeInt32LE(SOL_SOCKET, 8);
    this.#control.writeInt32LE(SCM_RIGHTS, 12);
    this.#control.writeInt32LE(fd, controlDescriptor);
    this.#header.writeBigUInt64LE(BigInt(controlBytes), controlLength);
    return sendmsg(socket, this.#header, MSG_NOSIGNAL | MSG_DONTWAIT) === this.payload.length ? 0 : -lastErrno();
  }

  /** A new descriptor, which the caller has to close, or -1 when nothing is there. */
  receive(socket: number): number {
    return this.#receive(socket, 0);
  }

  /**
   * Copies of all descriptors, which stay in the socket as they are. `take` finds the payload in place; the copy is its
   * own.
   */
  peekAll(socket: number, take: (fd: number) => void): void {
    setOption(socket, SO_PEEK_OFF, 0);
    for (let fd = this.#receive(socket, MSG_PEEK); fd >= 0; fd = this.#receive(socket, MSG_PEEK)) take(fd);
    setOption(socket, SO_PEEK_OFF, -1);
  }

  #receive(socket: number, flags: number): number {
    this.#header.writeBigUInt64LE(BigInt(controlBytes), controlLength);
    this.#control.writeInt32LE(-1, controlDescriptor);
    const size = recvmsg(socket, this.#header, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    return size === this.payload.length ? this.#control.readInt32LE(controlDescriptor) : -1;
  }
}

function setOption(socket: number, option: number, value: number): void {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  setsockopt(socket, SOL_SOCKET, option, bytes, bytes.length);
}
