// Makes and removes the mount with the kernel's own calls: no libfuse, no helper program. Needs root (CAP_SYS_ADMIN).
import { closeSync, constants, openSync, statSync, writeFileSync } from 'node:fs';
import { FsError } from '../errors.ts';
import { lastError, libcFunction } from '../system/libc.ts';

/** The file system type that this program's mounts show in /proc/self/mountinfo. */
export const mountType = 'fuse.hoody-sqlite';

const MS_NOSUID = 2;
const MS_NODEV = 4;
const MNT_FORCE = 1;
const MNT_DETACH = 2;

const mount = libcFunction<[string, string, string, number, string]>(
  'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
);
const umount2 = libcFunction<[string, number]>('int umount2(const char *target, int flags)');

export interface MountOptions {
  /** Absolute path of an existing directory. */
  readonly mountPoint: string;
}

/**
 * Opens /dev/fuse and mounts it. Nobody serves the mount yet: whoever touches it waits until the fs process,
 * given the returned descriptor as its fd 3, answers. The mount dies with the last copy of that descriptor.
 */
export function mountFuse({ mountPoint }: MountOptions): number {
  const mode = directoryMode(mountPoint);
  const device = openDevice();
  const data = `fd=${device},rootmode=${mode.toString(8)},user_id=0,group_id=0,allow_other,default_permissions`;
  if (mount('hoody-sqlite', mountPoint, mountType, MS_NOSUID | MS_NODEV, data) === 0) return device;
  const cause = lastError('mount', mountPoint);
  closeSync(device);
  throw new FsError(cause.code, `cannot mount on ${mountPoint}: ${cause.code}`, {
    op: 'mount',
    path: mountPoint,
    cause,
    hint:
      cause.code === 'EPERM'
        ? 'mounting needs root (CAP_SYS_ADMIN); in a container add --cap-add SYS_ADMIN --device /dev/fuse'
        : 'see `hoody-sqlite check`',
  });
}

/**
 * Unmounts. `plain` fails with EBUSY while files are open; `lazy` detaches the name now and ends when the last file is
 * closed; `force` aborts the connection first, so that every waiting call fails.
 */
export function unmountFuse(mountPoint: string, how: 'plain' | 'lazy' | 'force' = 'plain'): void {
  // EBUSY when files are open: the connection is aborted then, and only the name is left to detach.
  if (how === 'force' && umount2(mountPoint, MNT_FORCE) === 0) return;
  if (umount2(mountPoint, how === 'plain' ? 0 : MNT_DETACH) === 0) return;
  throw lastError('unmount', mountPoint);
}

/**
 * Ends a connection whatever state it is in: all waiting and later calls of its users fail with ENOTCONN or
 * ECONNABORTED.
 */
export function abortConnection(connection: number): void {
  writeFileSync(`/sys/fs/fuse/connections/${connection}/abort`, '1');
}

function directoryMode(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat?.isDirectory())
    throw new FsError('ENOTDIR', `the mount point ${path} is not a directory`, {
      op: 'mount',
      path,
      hint: `mkdir -p ${path}`,
    });
  return stat.mode;
}

function openDevice(): number {
  try {
    return openSync('/dev/fuse', constants.O_RDWR);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'EIO';
    throw new FsError(code, `cannot open /dev/fuse: ${code}`, {
      op: 'open',
      path: '/dev/fuse',
      cause,
      hint:
        code === 'ENOENT'
          ? 'the kernel has no FUSE (modprobe fuse), or the container lacks --device /dev/fuse'
          : 'run as root, or serve HTTP only with --no-mount',
    });
  }
}
