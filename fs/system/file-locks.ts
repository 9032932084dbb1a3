// fcntl(2) locks of an open file description (OFD): struct flock of 64-bit Linux, 32 bytes.
import { libcFunction } from './libc.ts';

const fcntl = libcFunction<[number, number, Buffer]>('int fcntl(int fd, int command, void *flock)');

const F_OFD_GETLK = 36;
const F_OFD_SETLK = 37;
export const F_RDLCK = 0;
export const F_WRLCK = 1;
export const F_UNLCK = 2;

const typeAt = 0;
const startAt = 8;
const lengthAt = 16;
const pidAt = 24;
const words = new Uint32Array(8);
const flock = Buffer.from(words.buffer);

/** A number below 2^53, or a bigint. */
type Offset = number | bigint;

/** `lengthBytes` 0 reaches to the end of the file. False, with errno, when another lock is in the way. */
export function setFileLock(fd: number, type: number, startBytes: Offset, lengthBytes: Offset): boolean {
  fill(type, startBytes, lengthBytes);
  return fcntl(fd, F_OFD_SETLK, flock) === 0;
}

export interface FoundLock {
  readonly type: number;
  readonly start: bigint;
  /** 0: to the end of the file. */
  readonly length: bigint;
  /** -1 when the lock belongs to an open file rather than a process. */
  readonly pid: number;
}

/** The lock of somebody else that would be in the way. */
export function testFileLock(fd: number, type: number, startBytes: Offset, lengthBytes: Offset): FoundLock | undefined {
  fill(type, startBytes, lengthBytes);
  if (fcntl(fd, F_OFD_GETLK, flock) !== 0 || flock.readInt16LE(typeAt) === F_UNLCK) return undefined;
  return {
    type: flock.readInt16LE(typeAt),
    start: flock.readBigInt64LE(startAt),
    length: flock.readBigInt64LE(lengthAt),
    pid: flock.readInt32LE(pidAt),
  };
}

function fill(type: number, startBytes: Offset, lengthBytes: Offset): void {
  words[typeAt / 4] = type;
  fillOffset(startAt, startBytes);
  fillOffset(lengthAt, lengthBytes);
  words[pidAt / 4] = 0; // an OFD request with another value is refused
}

/** Two words are cheaper than a bigint, and an array than a Buffer's methods. */
function fillOffset(at: number, value: Offset): void {
  if (typeof value === 'bigint') {
    flock.writeBigInt64LE(value, at);
    return;
  }
  words[at / 4] = value % 0x100000000;
  words[at / 4 + 1] = Math.floor(value / 0x100000000);
}
