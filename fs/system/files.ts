// The system calls on files that Node lacks or wraps in exceptions and strings. They return what libc returns, -1 with
// errno included: a missing file is everyday business here, and an exception costs more than the call. Paths end with a
// zero byte.
import { constants } from 'node:fs';
import { addressOf, libcFunction, libcFunctionAsync } from './libc.ts';

/** The path argument of calls that act on a descriptor itself (AT_EMPTY_PATH). */
export const emptyPath = Buffer.from('\0');
/** The longest path that the kernel takes or gives, in bytes, with its zero byte. */
export const PATH_MAX = 4096;
const F_DUPFD_CLOEXEC = 1030;
const currentDirectory = Buffer.from('.\0');
const linkTarget = Buffer.alloc(PATH_MAX);
export const AT_REMOVEDIR = 0x200;
export const O_CLOEXEC = 0o2000000;
/**
 * For every open of what a client has named: a FIFO, or a file under somebody's lease, would keep the thread waiting.
 * Nothing else changes.
 */
export const O_NONBLOCK = 0o4000;
/** Only a name for the inode: no access right is needed and no data can be touched. */
export const O_PATH = 0o10000000;
export const { O_ACCMODE, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = {
  ...constants,
  O_ACCMODE: 3,
};

export const openat = libcFunction<[number, Buffer, number, number]>(
  'int openat(int directory, void *path, int flags, unsigned int mode)',
);
export const close = libcFunction<[number]>('int close(int fd)');
export const readlinkat = libcFunction<[number, Buffer, Buffer, number]>(
  'int64_t readlinkat(int directory, void *path, void *target, size_t size)',
);
export const symlinkat = libcFunction<[Buffer, number, Buffer]>(
  'int symlinkat(void *target, int directory, void *path)',
);
/** `device` as the kernel sends it in a request: up to 32 bits it is libc's dev_t as well. */
export const mknodat = libcFunction<[number, Buffer, number, number]>(
  'int mknodat(int directory, void *path, unsigned int mode, uint64_t device)',
);
export const mkdirat = libcFunction<[number, Buffer, number]>(
  'int mkdirat(int directory, void *path, unsigned int mode)',
);
export const unlinkat = libcFunction<[number, Buffer, number]>('int unlinkat(int directory, void *path, int flags)');
export const renameat2 = libcFunction<[number, Buffer, number, Buffer, number]>(
  'int renameat2(int directory, void *path, int newDirectory, void *newPath, unsigned int flags)',
);
export const linkat = libcFunction<[number, Buffer, number, Buffer, number]>(
  'int linkat(int directory, void *path, int newDirectory, void *newPath, int flags)',
);
export const chmod = libcFunction<[Buffer, number]>('int chmod(void *path, unsigned int mode)');
export const fchownat = libcFunction<[number, Buffer, number, number, number]>(
  'int fchownat(int directory, void *path, unsigned int uid, unsigned int gid, int flags)',
);
/** `times` are two struct timespec of 16 bytes: atime, mtime. */
export const utimensat = libcFunction<[number, Buffer, Buffer, number]>(
  'int utimensat(int directory, void *path, void *times, int flags)',
);
export const truncate = libcFunction<[Buffer, number | bigint]>('int truncate(void *path, int64_t length)');
export const ftruncate = libcFunction<[number, number | bigint]>('int ftruncate(int fd, int64_t length)');
export const fsync = libcFunction<[number]>('int fsync(int fd)');
export const fdatasync = libcFunction<[number]>('int fdatasync(int fd)');
export const fallocate = libcFunction<[number, number, number | bigint, number | bigint]>(
  'int fallocate(int fd, int mode, int64_t offset, int64_t length)',
);
/** The result is a bigint from 2^53 on. */
export const lseek = libcFunction<[number, number | bigint, number], number | bigint>(
  'int64_t lseek(int fd, int64_t offset, int whence)',
);
export const pread = libcFunction<[number, Buffer, number, number | bigint]>(
  'int64_t pread(int fd, void *bytes, size_t size, int64_t offset)',
);
export const pwrite = libcFunction<[number, Buffer, number, number | bigint]>(
  'int64_t pwrite(int fd, void *bytes, size_t size, int64_t offset)',
);
const preadv2 = libcFunction<[number, Buffer, number, number | bigint, number]>(
  'int64_t preadv2(int fd, void *ranges, int count, int64_t offset, int flags)',
);
const RWF_NOWAIT = 8;
const range = Buffer.alloc(16); // struct iovec: address, size
let rangeOf: Buffer | undefined;

/**
 * As pread, of what is in memory: EAGAIN where that is nothing, EOPNOTSUPP where the file system cannot tell. Fewer
 * bytes say nothing of the rest.
 */
export function preadCached(fd: number, into: Buffer, size: number, offset: number | bigint): number {
  if (rangeOf !== into) range.writeBigUInt64LE(addressOf(into), 0);
  rangeOf = into;
  range.writeUIntLE(size, 8, 6);
  return preadv2(fd, range, 1, offset, RWF_NOWAIT);
}

/** `offsets` are pointers to int64: 8 bytes each, advanced by the call. */
export const copyFileRange = libcFunction<[number, Buffer, number, Buffer, number, number]>(
  'int64_t copy_file_range(int from, void *fromOffset, int to, void *toOffset, size_t size, unsigned int flags)',
);
/** Fills `entries` with struct linux_dirent64. */
export const getdents64 = libcFunction<[number, Buffer, number]>(
  'int64_t getdents64(int fd, void *entries, size_t size)',
);
/** struct statfs of 64-bit Linux: 120 bytes. */
export const fstatfs = libcFunction<[number, Buffer]>('int fstatfs(int fd, void *statfs)');
export const read = libcFunction<[number, Buffer, number]>('int64_t read(int fd, void *bytes, size_t size)');
export const write = libcFunction<[number, Buffer, number]>('int64_t write(int fd, void *bytes, size_t size)');
export const writeAsync = libcFunctionAsync<[number, Buffer, number]>(
  'int64_t write(int fd, void *bytes, size_t size)',
);
/** `fds` is an array of struct pollfd, 8 bytes each. */
export const poll = libcFunction<[Buffer, number, number]>('int poll(void *fds, unsigned long count, int timeoutMs)');
export const ioctl = libcFunction<[number, number, Buffer]>('int ioctl(int fd, unsigned long request, void *argument)');
export const fcntl = libcFunction<[number, number, number]>('int fcntl(int fd, int command, int64_t argument)');

/** A descriptor of the same open file, `least` or higher, or -1 with errno. */
export function duplicate(fd: number, least = 0): number {
  return fcntl(fd, F_DUPFD_CLOEXEC, least);
}

/**
 * A data descriptor for the inode of an O_PATH descriptor, with the access mode of `flags` alone: the kernel has seen
 * to all other flags.
 */
export function openAgain(inode: number, flags: number): number {
  return openat(-1, pathOfDescriptor(inode), (flags & O_ACCMODE) | O_NONBLOCK | O_CLOEXEC, 0);
}

/** The directory of an O_PATH descriptor, to be read or synced, or -1 with errno. */
export function openDirectoryAgain(directory: number): number {
  return openat(directory, currentDirectory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
}

/**
 * Where the inode of a descriptor is found by name, or undefined with errno: a directory may be deeper than a path can
 * say.
 */
export function readPathOf(fd: number): Buffer | undefined {
  return linkTargetOf(pathOfDescriptor(fd));
}

/** Where the link at an absolute path leads to, or undefined with errno. */
export function linkTargetOf(path: Buffer): Buffer | undefined {
  const length = readlinkat(-1, path, linkTarget, PATH_MAX);
  return length <= 0 ? undefined : Buffer.from(linkTarget.subarray(0, length));
}

/** A path that stands for the inode behind a descriptor, whatever happens to its name. */
export function pathOfDescriptor(fd: number): Buffer {
  return Buffer.from(`/proc/self/fd/${fd}\0`);
}
