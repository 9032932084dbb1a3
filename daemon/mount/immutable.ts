// The immutable flag of a directory, chattr +i: nothing may be made or removed in it. FS_IOC_GETFLAGS and
// FS_IOC_SETFLAGS of include/uapi/linux/fs.h, which take an int where their numbers say long.
import { libcFunction } from '../../fs/index.ts';

const FS_IOC_GETFLAGS = 0x80086601;
const FS_IOC_SETFLAGS = 0x40086602;
const FS_IMMUTABLE_FL = 0x10;

const ioctl = libcFunction<[number, number, Buffer]>('int ioctl(int fd, unsigned long request, void *value)');

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
