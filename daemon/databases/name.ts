// Which file a command means by the name of a database (a path below the directory that clients use, with .db where the
// name has no extension, as over HTTP), and which files SQLite makes of it.
import { extname, isAbsolute, join, resolve } from 'node:path';
import { usageError } from '../errors.ts';
import { isInside } from '../instance/paths.ts';

/**
 * `root` is the mount, or the data directory where nothing is mounted. @throws CommandError for a path outside of it
 */
export function databasePath(name: string, root: string): string {
  const path = isAbsolute(name) ? resolve(name) : join(root, name);
  if (path === root || !isInside(path, root)) {
    throw usageError(`"${name}" is not below ${root}`, 'give the name of a database there, such as app.db');
  }
  if (isSidecarName(path)) {
    throw usageError(`"${name}" is a file that SQLite keeps beside a database`, 'give the name of the database itself');
  }
  return withExtension(path);
}

/** `app` is app.db, as over HTTP. */
export function withExtension(path: string): string {
  return extname(path) === '' ? `${path}.db` : path;
}

/** What SQLite adds to a database's name for the files that it keeps beside it. */
export const sidecars = ['-wal', '-shm', '-journal'] as const;

/** The database's own file and those that SQLite may keep beside it. */
export function filesOf(database: string): string[] {
  return ['', ...sidecars].map((suffix) => database + suffix);
}

/** True for a name that SQLite gives to a file beside a database: no database can have it. */
export function isSidecarName(path: string): boolean {
  return sidecars.some((suffix) => path.endsWith(suffix));
}
