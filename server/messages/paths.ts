// Turns the `db`, `path` and `dest_path` parameters into a file path, by text alone. What the
// disk says (symlinks, directories, headers) is checked where the file is opened, in executors/files.ts.
import { basename, dirname, extname, isAbsolute, join, normalize, relative } from 'node:path';
import { ApiError } from './errors.ts';
import { unicodeProblem } from './unicode.ts';

/** What SQLite adds to a database's name for the files that it keeps beside it. */
export const sidecars = ['-wal', '-shm', '-journal'] as const;

/** The longest name that a file system takes, less `-journal`: with more, SQLite cannot open what it has made. */
const nameMaxBytes = 255 - '-journal'.length;

/** Of a tmpfs: the daemon keeps the working copies of databases in RAM there. */
export const ramFolder = '.hoody-sqlite';

/** A database that a request names. */
export interface DatabaseTarget {
  /** The parameter as sent: what answers echo. */
  readonly name: string;
  /** Absolute, normalised. Also the key under which its work is queued. */
  readonly path: string;
}

export interface PathRules {
  readonly root: string;
  readonly dataDir: string;
  readonly allowAnyAbsoluteDbPath: boolean;
  /** Where the server keeps states of the past, which executors may read. */
  readonly pastDir?: string;
}

/** @throws ApiError INVALID_DB_PATH */
export function resolveDatabase(name: string, rules: PathRules): DatabaseTarget {
  if (name === '') throw invalid('a database path is required');
  if (/[?#\0]/.test(name)) throw invalid('a database path must not contain ?, # or NUL');
  // Node would write U+FFFD in its place: another file than the one that was named.
  const problem = unicodeProblem(name);
  if (problem !== null) throw invalid(`the database path ${problem}`);
  const path = isAbsolute(name) ? absolute(name, rules) : bare(name, rules);
  checkFileName(basename(path));
  return { name, path };
}

function checkFileName(name: string): void {
  const suffix = sidecars.find((sidecar) => name.endsWith(sidecar));
  if (suffix !== undefined) {
    throw invalid(`a name that ends in ${suffix} is no database: SQLite keeps a file of that name beside one`);
  }
  const bytes = Buffer.byteLength(name);
  if (bytes > nameMaxBytes) {
    throw invalid(
      `the file name has ${bytes} bytes; at most ${nameMaxBytes}, as SQLite adds -journal, -wal and -shm to it`,
    );
  }
}

/** True when `path` is `directory` or lies below it, by text. */
export function isInside(path: string, directory: string): boolean {
  const rest = relative(directory, path);
  return rest === '' || (!rest.startsWith('../') && rest !== '..' && !isAbsolute(rest));
}

/**
 * True for a folder with databases in RAM. They are opened through the mount, which keeps their locks. `directory` is a
 * real path.
 */
export function holdsWorkingCopies(directory: string, { root, dataDir }: PathRules): boolean {
  return root !== dataDir && directory.split('/').includes(ramFolder);
}

function bare(name: string, rules: PathRules): string {
  const plain = name.startsWith('./') ? name.slice(2) : name;
  if (/[/\\]/.test(plain)) {
    throw invalid('relative database paths with a directory are not allowed; use a bare name or an absolute path');
  }
  if (!/^[A-Za-z0-9._-]+$/.test(plain) || /^\.+$/.test(plain)) {
    throw invalid('invalid database name; allowed: letters, numbers, dot, dash, underscore');
  }
  return join(rules.root, extname(plain) === '' ? `${plain}.db` : plain);
}

function absolute(name: string, rules: PathRules): string {
  if (name.includes(':memory:')) throw invalid('in-memory databases are not supported');
  if (name.endsWith('/')) throw new ApiError('PATH_IS_DIRECTORY', 'the path is a directory, a database file is needed');
  const path = throughRoot(normalize(name), rules);
  if (!rules.allowAnyAbsoluteDbPath && !isInside(path, rules.root)) {
    throw invalid(`absolute database paths outside ${rules.root} are disallowed`);
  }
  if (basename(dirname(path)) === '.hoody_sqlite') throw invalid('this file belongs to a directory store');
  return path;
}

/** The files behind the mount are opened through the mount: one lock domain for everybody. */
function throughRoot(path: string, rules: PathRules): string {
  return isInside(path, rules.dataDir) ? join(rules.root, relative(rules.dataDir, path)) : path;
}

function invalid(message: string): ApiError {
  return new ApiError('INVALID_DB_PATH', message);
}
