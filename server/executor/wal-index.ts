// Whether anybody has a WAL database open, asked of the locks on its wal-index.
import koffi from 'koffi';

/** struct flock of 64-bit Linux: type i16 at 0, start i64 at 8, length i64 at 16, 32 bytes in all. */
const flockBytes = 32;
const F_OFD_GETLK = 36;
const F_WRLCK = 1;
const F_UNLCK = 2;
/**
 * Held shared on the wal-index by every connection for as long as it has it open (SQLite's os_unix.c: UNIX_SHM_DMS).
 */
const DMS = 128;

const fcntl = koffi.load(null).func('int fcntl(int fd, int command, _Inout_ uint8_t *flock)') as (
  fd: number,
  command: number,
  flock: Buffer,
) => number;

/** `shm`: a descriptor of the wal-index. */
export function isInUse(shm: number): boolean {
  const flock = Buffer.alloc(flockBytes);
  flock.writeInt16LE(F_WRLCK, 0);
  flock.writeBigInt64LE(BigInt(DMS), 8);
  flock.writeBigInt64LE(1n, 16);
  return fcntl(shm, F_OFD_GETLK, flock) !== 0 || flock.readInt16LE(0) !== F_UNLCK;
}
