// The /dev/fuse descriptor, the wake descriptor and one that is only listened to, waited for together. Which errors of
// the device are normal is known here.
import { constants } from 'node:os';
import { FsError } from '../errors.ts';
import type { Log } from '../log.ts';
import { encodePrune, encodeResend } from '../protocol/encode.ts';
import { fcntl, O_NONBLOCK, poll, read, write } from '../system/files.ts';
import { lastErrno, lastError } from '../system/libc.ts';
import type { IdleProcessors } from './idle-processors.ts';

const { EAGAIN, EINTR, ENODEV, ENOENT } = constants.errno;
const POLLIN = 1;
const pollfdBytes = 8;
const F_GETFL = 3;
const F_SETFL = 4;

/** What receive returns when the file system was unmounted or its connection aborted. */
export const unmounted = -1;

// Before it sleeps, the thread looks for the next request for a moment: to wake it up costs its client 25 microseconds
// and more where the other processor idles (2-CPU virtual machine: 75 us a round trip without, 22 us with). Where
// nothing came several times in a row - clients are gone, or share this processor - it sleeps at once and tries again
// now and then.
const spinMs = 0.05;
const fullPatience = 4;
const restBetweenTrials = 16;
/** Under load the device never runs dry: the other descriptors are looked at once in so many requests. */
const requestsBetweenPolls = 64;

export class Device {
  readonly #fd: number;
  readonly #wakeFd: number;
  readonly #idle: IdleProcessors;
  readonly #log: Log;
  readonly #fds = Buffer.alloc(3 * pollfdBytes);
  readonly #wakeCount = Buffer.alloc(8);
  /** How many more times in a row spinning may be in vain; 0 and less: how long it has not been tried. */
  #patience = 0;
  #sincePoll = 0;
  #hasHeard = false;
  #arrivedMs: number | undefined;

  /** `wakeFd` is an eventfd. */
  constructor(fd: number, wakeFd: number, idle: IdleProcessors, log: Log) {
    this.#fd = fd;
    this.#wakeFd = wakeFd;
    this.#idle = idle;
    this.#log = log;
    // A request may be taken back between poll and read: then read must not wait for the next one.
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) | O_NONBLOCK) < 0) throw lastError('fcntl', '/dev/fuse');
    this.#fds.writeInt32LE(fd, 0);
    this.#fds.writeInt16LE(POLLIN, 4);
    this.#fds.writeInt32LE(wakeFd, pollfdBytes);
    this.#fds.writeInt16LE(POLLIN, pollfdBytes + 4);
    this.#fds.writeInt16LE(POLLIN, 2 * pollfdBytes + 4);
    this.listenTo(-1);
  }

  /** One more descriptor that ends the wait when it is readable, see hasHeard. -1: none. */
  listenTo(fd: number): void {
    this.#fds.writeInt32LE(fd, 2 * pollfdBytes);
    this.#hasHeard = false;
  }

  /** The descriptor of listenTo has become readable. */
  get hasHeard(): boolean {
    return this.#hasHeard;
  }

  /**
   * When the last wait of receive ended, on the clock of performance.now(); undefined when it found a request without a
   * wait.
   */
  get arrivedMs(): number | undefined {
    return this.#arrivedMs;
  }

  /**
   * Waits for a request and reads it: its length, 0 for a wake-up or the end of the time limit (-1: none), or
   * `unmounted`.
   */
  receive(bytes: Buffer, timeoutMs: number): number {
    this.#sincePoll += 1;
    this.#arrivedMs = undefined;
    const length = this.#sincePoll < requestsBetweenPolls && this.#isWorthSpinning() ? this.#spin(bytes) : 0;
    if (length !== 0) return length;
    this.#sincePoll = 0;
    const ready = poll(this.#fds, 3, this.#idle.boundedMs(timeoutMs));
    this.#arrivedMs = performance.now();
    if (ready <= 0) {
      this.#idle.waited();
      return 0;
    }
    this.#hasHeard = this.#fds.readInt16LE(2 * pollfdBytes + 6) !== 0;
    if (this.#fds.readInt16LE(pollfdBytes + 6) !== 0) {
      read(this.#wakeFd, this.#wakeCount, 8);
      return 0;
    }
    return this.#fds.readInt16LE(6) === 0 ? 0 : this.#read(bytes);
  }

  write(bytes: Buffer, sizeBytes: number): void {
    if (write(this.#fd, bytes, sizeBytes) === sizeBytes) return;
    const error = lastError('write', '/dev/fuse');
    // ENOENT: nobody waits for this answer any more. ENODEV: the next read ends the loop.
    if (error.code !== 'ENOENT' && error.code !== 'ENODEV')
      this.#log('error', 'reply-refused', { error: error.code, sizeBytes });
  }

  /**
   * After a take-over: the kernel is to send every request again that was read and not answered.
   * @throws FsError on kernels before 6.9, which cannot
   */
  askAgain(): void {
    const message = encodeResend();
    if (write(this.#fd, message, message.length) === message.length) return;
    throw new FsError('no-resend', `this kernel cannot send requests again (${lastError('write').code})`, {
      hint: 'the mount has to be made anew; kernels from 6.9 on need not do that',
    });
  }

  /** Lets the other threads run, until one of them has something to say. */
  pause(ms: number): void {
    if (ms > 0) poll(this.#fds.subarray(pollfdBytes, 2 * pollfdBytes), 1, ms);
  }

  /** Whether the kernel can be told to forget inodes by number: Linux 6.18 and newer. */
  takesPrune(): boolean {
    const message = encodePrune([]);
    return write(this.#fd, message, message.length) === message.length;
  }

  #isWorthSpinning(): boolean {
    if (this.#patience > 0) return true;
    this.#patience -= 1;
    if (this.#patience < -restBetweenTrials) this.#patience = 1;
    return false;
  }

  #spin(bytes: Buffer): number {
    const first = this.#read(bytes);
    if (first !== 0) {
      this.#patience = fullPatience;
      return first;
    }
    const startMs = performance.now();
    for (let nowMs = startMs; nowMs < startMs + spinMs; nowMs = performance.now()) {
      const length = this.#read(bytes);
      if (length === 0) continue;
      this.#patience = fullPatience;
      this.#arrivedMs = nowMs;
      return length;
    }
    this.#patience -= 1;
    return 0;
  }

  #read(bytes: Buffer): number {
    const length = read(this.#fd, bytes, bytes.length);
    if (length > 0) {
      this.#idle.asked();
      return length;
    }
    const errno = lastErrno();
    // ENOENT: it was taken back while it was copied.
    if (errno === EAGAIN || errno === EINTR || errno === ENOENT) return 0;
    if (errno === ENODEV) return unmounted;
    throw lastError('read', '/dev/fuse');
  }
}
