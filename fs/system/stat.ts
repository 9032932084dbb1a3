// statx(2) into buffers. The offsets are those of struct statx in include/uapi/linux/stat.h.
import { libcFunction } from './libc.ts';

export const AT_FDCWD = -100;
export const AT_SYMLINK_NOFOLLOW = 0x100;
export const AT_EMPTY_PATH = 0x1000;
export const AT_NO_AUTOMOUNT = 0x800;
export const AT_STATX_DONT_SYNC = 0x4000;
/** type, mode, nlink, uid, gid, atime, mtime, ctime, ino, size, blocks */
const STATX_BASIC_STATS = 0x7ff;
const STATX_INO = 0x100;

export const statxSize = 256;
/** Byte offsets into a statx buffer. */
export const statxOffset = {
  blksize: 4,
  nlink: 16,
  uid: 20,
  gid: 24,
  mode: 28,
  ino: 32,
  size: 40,
  blocks: 48,
  atime: 64,
  ctime: 96,
  mtime: 112,
  rdevMajor: 128,
  rdevMinor: 132,
  devMajor: 136,
  devMinor: 140,
} as const;

const statx = libcFunction<[number, Buffer, number, number, Buffer]>(
  'int statx(int dirfd, void *path, int flags, unsigned int mask, void *buffer)',
);

/** Fills `into` (statxSize bytes). `path` ends with a zero byte. Returns false with errno set on failure. */
export function statAt(directory: number, path: Buffer, flags: number, into: Buffer): boolean {
  return statx(directory, path, flags, STATX_BASIC_STATS, into) === 0;
}

/** The device of a path (following links) from what is cached: never asks a network or FUSE server. */
export function cachedDevice(path: string): { readonly major: number; readonly minor: number } | undefined {
  const buffer = Buffer.alloc(statxSize);
  if (statx(AT_FDCWD, Buffer.from(`${path}\0`), AT_STATX_DONT_SYNC, STATX_INO, buffer) !== 0) return undefined;
  return { major: buffer.readUInt32LE(statxOffset.devMajor), minor: buffer.readUInt32LE(statxOffset.devMinor) };
}
