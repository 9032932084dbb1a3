// What the disk says about a database path, checked in the executor where it is opened: symlinks, directories, the
// SQLite header, and whether the path leads behind the mount (then it is taken through the mount).
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ApiError, type ErrorCode } from '../messages/errors.ts';
import { holdsWorkingCopies, isInside, type PathRules } from '../messages/paths.ts';

const sqliteMagic = 'SQLite format 3\0';
/** SQLite's own limit (MAX_PATHNAME of os_unix.c), less `-journal`. */
const pathMaxBytes = 512 - '-journal'.length;

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
  checkPathLength(resolved);
  const stat = lookUp(() => lstatSync(resolved, { bigint: true, throwIfNoEntry: false }));
  if (stat === undefined) return { path: resolved, identity: null, sizeBytes: 0 };
  if (stat.isSymbolicLink()) throw new ApiError('INVALID_DB_PATH', 'the database path is a symbolic link');
  if (stat.isDirectory()) {
    throw new ApiError('PATH_IS_DIRECTORY', 'the path is a directory, a database file is needed');
  }
  if (!stat.isFile()) throw new ApiError('INVALID_DB_PATH', 'the database path is not a regular file');
  return { path: resolved, identity: `${stat.dev}:${stat.ino}`, sizeBytes: Number(stat.size) };
}

/** @throws ApiError INVALID_DB_PATH for a path that is too long for SQLite */
export function checkPathLength(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes <= pathMaxBytes) return;
  throw new ApiError('INVALID_DB_PATH', `the whole path has ${bytes} bytes; SQLite opens at most ${pathMaxBytes}`);
}

/** The real path of a directory, inside the root (unless any path is allowed) and never behind the mount. */
export function resolveDirectory(directory: string, rules: PathRules, outsideCode: ErrorCode): string {
  const real = lookUp(() => realpathSync(directory));
  if (real === undefined) {
    throw new ApiError('DATABASE_NOT_FOUND', 'database not found: its directory does not exist');
  }
  if (real === rules.pastDir) return real;
  if (holdsWorkingCopies(real, rules)) {
    throw new ApiError('INVALID_DB_PATH', 'databases in RAM are opened by their names on the mount');
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
 * Refuses a file that is no SQLite database. Only for a file that this process has not open: closing any descriptor of
 * a file drops the process's POSIX locks on it.
 */
export function checkHeader(file: FoundFile): void {
  if (readMagic(file) !== sqliteMagic)
    throw new ApiError('INVALID_SQLITE_HEADER', 'the file is not an SQLite database');
}

/** '' for what has no size and cannot be read either, as many files of /proc. */
function readMagic({ path, sizeBytes }: FoundFile): string {
  const bytes = Buffer.alloc(sqliteMagic.length);
  try {
    // Some files of /proc and /sys, and a FIFO that has just got the name, would wait for ever.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return bytes.toString('latin1', 0, readSync(fd, bytes, 0, bytes.length, 0));
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    const code = errnoOf(cause);
    if (code === 'EACCES' || code === 'EPERM') throw cause;
    if (sizeBytes === 0) return '';
    if (code === 'EIO') throw cause;
    throw new ApiError('INVALID_DB_PATH', `the file cannot be read (${code})`, { cause });
  }
}

/** dev:ino and time of birth of what has this name now, or null: a number alone is given again to a new file. */
export function identityOf(path: string): string | null {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? null : `${stat.dev}:${stat.ino}:${stat.birthtimeNs}`;
}

/**
 * dev:ino of the descriptor that this process holds on exactly `path`, or null: a swapped path opened something else.
 */
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

/**
 * Makes a directory and its parents, one by one: Node's `recursive` never ends where nothing can be made, as in /proc.
 * @throws ApiError INVALID_DB_PATH for a path that can be none
 */
export function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  makeDirectory(dirname(path));
  try {
    mkdirSync(path);
  } catch (cause) {
    const code = errnoOf(cause);
    if (code !== 'EEXIST') throw code === 'ENOENT' || unusablePath.has(code) ? unusable(code, cause) : cause;
  }
}

/** undefined for a path that is not there; a path that cannot be one is refused. */
function lookUp<Result>(look: () => Result): Result | undefined {
  try {
    return look();
  } catch (cause) {
    const code = errnoOf(cause);
    if (code === 'ENOENT') return undefined;
    throw unusablePath.has(code) ? unusable(code, cause) : cause;
  }
}

const unusablePath: ReadonlySet<string> = new Set(['ENOTDIR', 'ENAMETOOLONG', 'ELOOP']);

function unusable(code: string, cause: unknown): ApiError {
  return new ApiError('INVALID_DB_PATH', `the database path cannot be used (${code})`, { cause });
}

function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
