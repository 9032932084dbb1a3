// Names for inodes that outlive descriptors and paths: name_to_handle_at(2) and open_by_handle_at(2).
import { close, emptyPath, O_CLOEXEC, O_PATH, openDirectoryAgain } from './files.ts';
import { libcFunction } from './libc.ts';
import { AT_EMPTY_PATH } from './stat.ts';

/**
 * struct file_handle: u32 size of the rest after 8 bytes, i32 type, then up to this many bytes. Known file systems need
 * 40.
 */
const longestHandleBytes = 56;
export const inodeHandleBytes = 8 + longestHandleBytes;

const nameToHandleAt = libcFunction<[number, Buffer, Buffer, Buffer, number]>(
  'int name_to_handle_at(int directory, void *path, void *handle, void *mountId, int flags)',
);
const openByHandleAt = libcFunction<[number, Buffer, number]>(
  'int open_by_handle_at(int mountFd, void *handle, int flags)',
);
const mountIdBytes = Buffer.alloc(4);

/** Fills `handle` (inodeHandleBytes) and returns the mount's id, or -1 where the file system has no handles. */
export function readInodeHandle(fd: number, handle: Buffer): number {
  handle.fill(0);
  handle.writeUInt32LE(longestHandleBytes, 0);
  return nameToHandleAt(fd, emptyPath, handle, mountIdBytes, AT_EMPTY_PATH) === 0 ? mountIdBytes.readInt32LE() : -1;
}

/** An O_PATH descriptor, or -1 with errno. `mountFd` is any descriptor on the handle's mount, but not an O_PATH one. */
export function openInodeHandle(mountFd: number, handle: Buffer): number {
  return openByHandleAt(mountFd, handle, O_PATH | O_CLOEXEC);
}

/**
 * Whether both calls work on the mount of this directory: overlayfs has no handles, and a container may lack the right
 * to use them.
 */
export function canOpenByHandle(directory: number, handle: Buffer): boolean {
  if (readInodeHandle(directory, handle) < 0) return false;
  const mountFd = openDirectoryAgain(directory);
  if (mountFd < 0) return false;
  const fd = openInodeHandle(mountFd, handle);
  if (fd >= 0) close(fd);
  close(mountFd);
  return fd >= 0;
}
