// The /dev/fuse descriptor and the wake descriptor, waited for together. Which errors of the device are normal is known here.
import { constants } from 'node:os';
import type { Log } from '../log.ts';
import { fcntl, poll, read, write } from '../system/files.ts';
import { lastErrno, lastError } from '../system/libc.ts';

const { EAGAIN, EINTR, ENODEV, ENOENT } = constants.errno;
const POLLIN = 1;
const pollfdBytes = 8;
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;

export class Device {
  readonly #fd: number;
  readonly #wakeFd: number;
  readonly #log: Log;
  readonly #fds = Buffer.alloc(2 * pollfdBytes);
  readonly #wakeCount = Buffer.alloc(8);

  /** `wakeFd` is an eventfd. */
  constructor(fd: number, wakeFd: number, log: Log) {
    this.#fd = fd;
    this.#wakeFd = wakeFd;
    this.#log = log;
    // A request may be taken back between poll and read: then read must not wait for the next one.
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) | O_NONBLOCK) < 0) throw lastError('fcntl', '/dev/fuse');
    this.#fds.writeInt32LE(fd, 0);
    this.#fds.writeInt16LE(POLLIN, 4);
    this.#fds.writeInt32LE(wakeFd, pollfdBytes);
    this.#fds.writeInt16LE(POLLIN, pollfdBytes + 4);
  }

  /** Waits for a request, a wake-up or the time limit (-1: none). True if it was woken. */
  wait(timeoutMs: number): boolean {
    if (poll(this.#fds, 2, timeoutMs) <= 0 || this.#fds.readInt16LE(pollfdBytes + 6) === 0) return false;
    read(this.#wakeFd, this.#wakeCount, 8);
    return true;
  }

  /** Reads one request: its length, 0 if there is none now, -1 if the file system was unmounted or aborted. */
  read(bytes: Buffer): number {
    const length = read(this.#fd, bytes, bytes.length);
    if (length > 0) return length;
    const errno = lastErrno();
    if (errno === EAGAIN || errno === EINTR || errno === ENOENT) return 0; // ENOENT: it was taken back while it was copied
    if (errno === ENODEV) return -1;
    throw lastError('read', '/dev/fuse');
  }

  write(bytes: Buffer, sizeBytes: number): void {
    if (write(this.#fd, bytes, sizeBytes) === sizeBytes) return;
    const error = lastError('write', '/dev/fuse');
    // ENOENT: nobody waits for this answer any more. ENODEV: the next read ends the loop.
    if (error.code !== 'ENOENT' && error.code !== 'ENODEV')
      this.#log('error', 'reply-refused', { error: error.code, sizeBytes });
  }
}
