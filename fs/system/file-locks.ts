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
const flock = Buffer.alloc(32);

/** `lengthBytes` 0 reaches to the end of the file. False, with errno, when another lock is in the way. */
export function setFileLock(fd: number, type: number, startBytes: number, lengthBytes: number): boolean {
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
export function testFileLock(fd: number, type: number, startBytes: number, lengthBytes: number): FoundLock | undefined {
  fill(type, startBytes, lengthBytes);
  if (fcntl(fd, F_OFD_GETLK, flock) !== 0 || flock.readInt16LE(typeAt) === F_UNLCK) return undefined;
  return {
    type: flock.readInt16LE(typeAt),
    start: flock.readBigInt64LE(startAt),
    length: flock.readBigInt64LE(lengthAt),
    pid: flock.readInt32LE(pidAt),
  };
}

function fill(type: number, startBytes: number, lengthBytes: number): void {
  flock.fill(0);
  flock.writeInt16LE(type, typeAt);
  // Below 2^53, as everywhere here: two words are cheaper than a BigInt.
  flock.writeUInt32LE(startBytes % 0x100000000, startAt);
  flock.writeUInt32LE(Math.floor(startBytes / 0x100000000), startAt + 4);
  flock.writeUInt32LE(lengthBytes % 0x100000000, lengthAt);
  flock.writeUInt32LE(Math.floor(lengthBytes / 0x100000000), lengthAt + 4);
}
