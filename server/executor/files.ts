// What the disk says about a database path, checked in the executor where it is opened: symlinks, directories, the
// SQLite header, and whether the path leads behind the mount (then it is taken through the mount).
import {
  closeSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ApiError, type ErrorCode } from '../messages/errors.ts';
import { isInside, type PathRules } from '../messages/paths.ts';

const sqliteMagic = 'SQLite format 3\0';
/** What SQLite adds to a database's name for the files that it keeps beside it. */
export const sidecars = ['-wal', '-shm', '-journal'] as const;

export interface FoundFile {
  /** The path to open: parents resolved, through the mount. */
  readonly path: string;
  /** dev:ino, or null when there is no file. */
  readonly identity: string | null;
  readonly sizeBytes: number;
}

/**
 * Looks a database path up.
 * @throws ApiError for a parent that is missing or leaves the root (`outsideCode`), a symlink, a directory, a device
 */
export function findFile(path: string, rules: PathRules, outsideCode: ErrorCode = 'INVALID_DB_PATH'): FoundFile {
  const parent = resolveDirectory(dirname(path), rules, outsideCode);
  const resolved = join(parent, basename(path));
  const stat = lookUp(() => lstatSync(resolved, { bigint: true, throwIfNoEntry: false }));
  if (stat === undefined) return { path: resolved, identity: null, sizeBytes: 0 };
  if (stat.isSymbolicLink()) throw new ApiError('INVALID_DB_PATH', 'the database path is a symbolic link');
  if (stat.isDirectory()) {
    throw new ApiError('PATH_IS_DIRECTORY', 'the path is a directory, a database file is needed');
  }
  if (!stat.isFile()) throw new ApiError('INVALID_DB_PATH', 'the database path is not a regular file');
  return { path: resolved, identity: `${stat.dev}:${stat.ino}`, sizeBytes: Number(stat.size) };
}

/** The real path of a directory, inside the root (unless any path is allowed) and never behind the mount. */
export function resolveDirectory(directory: string, rules: PathRules, outsideCode: ErrorCode): string {
  const real = lookUp(() => realpathSync(directory));
  if (real === undefined) {
    throw new ApiError('DATABASE_NOT_FOUND', 'database not found: its directory does not exist');
  }
  const mapped = rules.root === rules.dataDir ? real : throughMount(real, rules);
  if (!rules.allowAnyAbsoluteDbPath && !isInside(mapped, realpathSync(rules.root))) {
    throw new ApiError(outsideCode, 'the path leaves the database directory');
  }
  return mapped;
}

/** Finds the data directory among the ancestors by device and inode, so that no bind mount or symlink hides it. */
function throughMount(directory: string, rules: PathRules): string {
  const data = statSync(rules.dataDir, { bigint: true });
  const below: string[] = [];
  for (let at = directory; ; at = dirname(at)) {
    const stat = statSync(at, { bigint: true });
    if (stat.dev === data.dev && stat.ino === data.ino) return join(rules.root, ...below);
    if (at === dirname(at)) return directory;
    below.unshift(basename(at));
  }
}

/**
 * Refuses a file that is no SQLite database. Only for a file that this process has not open: closing any descriptor of a
 * file drops the process's POSIX locks on it.
 */
export function checkHeader(file: FoundFile): void {
  const header = Buffer.alloc(sqliteMagic.length);
  const fd = openSync(file.path, 'r');
  try {
    const length = readSync(fd, header, 0, header.length, 0);
    if (length < header.length || header.toString('latin1') !== sqliteMagic) {
      throw new ApiError('INVALID_SQLITE_HEADER', 'the file is not an SQLite database');
    }
  } finally {
    closeSync(fd);
  }
}

/** dev:ino and time of birth of what has this name now, or null: a number alone is given again to a new file. */
export function identityOf(path: string): string | null {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? null : `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`;
}

/** dev:ino of the descriptor that this process holds on exactly `path`, or null: a swapped path opened something else. */
export function identityOfOpenFile(path: string): string | null {
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${name}`) !== path) continue;
      const stat = fstatSync(Number(name), { bigint: true });
      if (stat.isFile()) return `${stat.dev}:${stat.ino}`;
    } catch {
      // The descriptor that listed the directory is gone by now.
    }
  }
  return null;
}

/** undefined for a path that is not there; a path that cannot be one is refused. */
function lookUp<Result>(look: () => Result): Result | undefined {
  try {
    return look();
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : '';
    if (code === 'ENOENT') return undefined;
    if (code === 'ENOTDIR' || code === 'ENAMETOOLONG' || code === 'ELOOP') {
      throw new ApiError('INVALID_DB_PATH', `the database path cannot be used (${code})`, { cause });
    }
    throw cause;
  }
}
