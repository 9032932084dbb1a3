// Ways into a directory that lead nowhere else: each name is opened below the descriptor of its directory, follows no
// symbolic link, and stays on the same file system and out of the data directory of the mount.
//
// Node has no openat(): `/proc/self/fd/N/name` is the same, since the kernel follows N to the open directory and not to
// a path. Descriptors are O_PATH (open(2)): they open nothing, so that no device is touched and no FIFO waits.
import { type BigIntStats, constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open } from 'node:fs/promises';
import { ApiError } from '../../messages/errors.ts';

/** Of x86-64 and arm64; Node does not name it. */
const O_PATH = 0o10000000;
const placeFlags = O_PATH | constants.O_NOFOLLOW;
const directoryFlags = placeFlags | constants.O_DIRECTORY;

/** What every step is held against. */
export interface Bounds {
  /** Of the directory that it all lies in. */
  readonly dev: bigint;
  /** dev:ino of directories that nobody may come into. */
  readonly closed: ReadonlySet<string>;
}

export function identityOf({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

/** The path of a name in an open directory, or of the directory. */
export function below(directory: FileHandle, name = ''): string {
  return `/proc/self/fd/${directory.fd}/${name}`;
}

export function openDirectory(path: string): Promise<FileHandle> {
  return open(path, directoryFlags);
}

/**
 * The directory in which the last of `names` stands. The caller closes it.
 * @returns null where a directory is missing. @throws ApiError for a name that is none
 */
export async function openParent(
  base: FileHandle,
  names: readonly string[],
  bounds: Bounds,
  create: boolean,
): Promise<FileHandle | null> {
  let at = await openDirectory(below(base, '.'));
  for (const name of names.slice(0, -1)) {
    let next: FileHandle | null;
    try {
      next = await enter(at, name, bounds, create);
    } finally {
      await at.close();
    }
    if (next === null) return null;
    at = next;
  }
  return at;
}

/** One directory further. null where there is none, and none is to be made. */
export async function enter(at: FileHandle, name: string, bounds: Bounds, create: boolean): Promise<FileHandle | null> {
  if (create) await mkdir(below(at, name)).catch((error: unknown) => ignore(error, 'EEXIST'));
  const next = await openDirectory(below(at, name)).catch((error: unknown) => {
    ignore(error, 'ENOENT', 'ENOTDIR', 'ELOOP');
    return null;
  });
  if (next === null) {
    if (create) throw new ApiError('CONFLICT', `a part of the key is no directory: ${name}`);
    return null;
  }
  try {
    checkBounds(await next.stat({ bigint: true }), bounds);
    return next;
  } catch (error) {
    await next.close();
    throw error;
  }
}

/** A regular file, opened for reading. null: there is none. The caller closes it. */
export async function openFile(parent: FileHandle, name: string, bounds: Bounds): Promise<FileHandle | null> {
  const place = await open(below(parent, name), placeFlags).catch((error: unknown) => {
    ignore(error, 'ENOENT', 'ENAMETOOLONG');
    return null;
  });
  if (place === null) return null;
  try {
    const stat = await place.stat({ bigint: true });
    if (stat.isDirectory()) return null;
    checkRegular(stat);
    checkBounds(stat, bounds);
    return await open(`/proc/self/fd/${place.fd}`, constants.O_RDONLY);
  } finally {
    await place.close();
  }
}

/** What stands under the name; null: nothing. @throws ApiError for anything but a regular file */
export async function fileStat(parent: FileHandle, name: string): Promise<BigIntStats | null> {
  const stat = await lstat(below(parent, name), { bigint: true }).catch((error: unknown) => {
    ignore(error, 'ENOENT');
    return null;
  });
  if (stat === null) return null;
  if (stat.isDirectory()) throw new ApiError('CONFLICT', 'the key names a directory, which holds other keys');
  checkRegular(stat);
  return stat;
}

function checkRegular(stat: BigIntStats): void {
  if (stat.isFile()) return;
  const what = stat.isSymbolicLink() ? 'a symbolic link' : 'no regular file';
  throw new ApiError('INVALID_PARAMETERS', `the key leads to ${what}`);
}

function checkBounds(stat: BigIntStats, { dev, closed }: Bounds): void {
  if (stat.dev === dev && !closed.has(identityOf(stat))) return;
  throw new ApiError(
    'INVALID_PARAMETERS',
    'the key leads out of the directory, to another file system or the databases',
  );
}

/** @throws the error, unless its code is one of these */
export function ignore(error: unknown, ...codes: readonly string[]): void {
  if (!(error instanceof Error && 'code' in error && codes.includes(String(error.code)))) throw error;
}
