// Mounts inside a mount of this program: a directory of the backing directory, bound over what the mount shows of it.
// Its files are those of the backing file system then, with the kernel's own locks. Linux 5.12 and newer
// (mount_setattr(2)): the new mount has its flags before anybody can see it. Nothing here waits on the calling thread
// for the mount's answer.
import { type FileHandle, mkdir, open, statfs } from 'node:fs/promises';
import { FsError } from '../errors.ts';
import { close, O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH } from '../system/files.ts';
import { lastError, libcFunction } from '../system/libc.ts';
import { unmountFuse } from './mount.ts';
import { type MountRow, readMounts } from './mount-info.ts';

// The same numbers on x86-64 and arm64.
const SYS_open_tree = 428;
const SYS_move_mount = 429;
const SYS_mount_setattr = 442;
const OPEN_TREE_CLONE = 1;
const AT_EMPTY_PATH = 0x1000;
const MOVE_MOUNT_F_EMPTY_PATH = 0x04;
const MOVE_MOUNT_T_EMPTY_PATH = 0x40;
const MOUNT_ATTR_NOSUID = 2n;
const MOUNT_ATTR_NODEV = 4n;
const MS_PRIVATE = 1n << 18n;
const FUSE_SUPER_MAGIC = 0x65735546;
const madeMode = 0o755;

const syscall = libcFunction<[number, number, Buffer, number, Buffer, number]>(
  'int64_t syscall(int64_t number, int64_t fd, void *path, int64_t flags, void *attributes, int64_t size)',
);
const moveMount = libcFunction<[number, number, Buffer, number, Buffer, number]>(
  'int64_t syscall(int64_t number, int64_t from, void *fromPath, int64_t to, void *toPath, int64_t flags)',
);
const nowhere = Buffer.from('\0');

export interface BoundDirectory {
  readonly dataDir: string;
  /** Where `dataDir` is mounted by this program. */
  readonly mountPoint: string;
  /** Path below both, of plain names: `a/b`. */
  readonly directory: string;
}

/**
 * Binds it, as nosuid and nodev as the mount around it. A missing directory is made through the mount. No symbolic link
 * on the way is followed. @throws Error of the call that failed
 */
export async function bindBelow({ dataDir, mountPoint, directory }: BoundDirectory): Promise<void> {
  const place = await openDirectory(mountPoint, directory, true);
  try {
    const source = await openDirectory(dataDir, directory, false);
    try {
      bind(source.fd, place.fd, directory);
    } finally {
      await source.close();
    }
  } finally {
    await place.close();
  }
}

/** Mounts inside that mount, the outermost first. */
export function mountsBelow(mountPoint: string): MountRow[] {
  return readMounts().filter((row) => row.mountPoint.startsWith(`${mountPoint}/`));
}

/** Unmounts them all. `plain` fails with EBUSY at the first of which a program has a file open. */
export function unmountBelow(mountPoint: string, how: 'plain' | 'lazy'): void {
  for (const row of mountsBelow(mountPoint).reverse()) unmountFuse(row.mountPoint, how);
}

async function openDirectory(root: string, directory: string, isOnMount: boolean): Promise<FileHandle> {
  let at = await open(root, O_PATH | O_DIRECTORY);
  try {
    // Else the bare directory below the mount would get a folder.
    if (isOnMount && (await statfs(pathOf(at))).type !== FUSE_SUPER_MAGIC) throw notMounted(root);
    for (const name of directory.split('/')) {
      const path = `${pathOf(at)}/${name}`;
      if (isOnMount) await mkdir(path, madeMode).catch(ignoreExisting);
      const next = await open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
      await at.close();
      at = next;
    }
    return at;
  } catch (error) {
    await at.close();
    throw error;
  }
}

function bind(source: number, place: number, directory: string): void {
  const flags = OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH;
  const tree = syscall(SYS_open_tree, source, nowhere, flags, nowhere, 0);
  if (tree < 0) throw lastError('open_tree', directory);
  try {
    // Private: what is mounted inside the backing directory later is not to appear here.
    const attributes = Buffer.from(
      new BigUint64Array([MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0n, MS_PRIVATE, 0n]).buffer,
    );
    if (syscall(SYS_mount_setattr, tree, nowhere, AT_EMPTY_PATH, attributes, attributes.length) < 0) {
      throw lastError('mount_setattr', directory);
    }
    const both = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
    if (moveMount(SYS_move_mount, tree, nowhere, place, nowhere, both) < 0) throw lastError('move_mount', directory);
  } finally {
    close(tree);
  }
}

const pathOf = (directory: FileHandle) => `/proc/self/fd/${directory.fd}`;

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}

function notMounted(path: string): FsError {
  return new FsError('ENODEV', `nothing is mounted on ${path}`, { op: 'statfs', path });
}
