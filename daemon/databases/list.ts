// Which files below a directory are SQLite databases, told by their first bytes as file(1) does.
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { isSidecarName } from './name.ts';
import { isUnfinishedName } from './unfinished-file.ts';

/** https://sqlite.org/fileformat.html#magic_header_string */
const header = Buffer.from('SQLite format 3\0', 'latin1');

export interface FoundFiles {
  /** Absolute, sorted. */
  readonly databases: readonly string[];
  /**
   * Regular files that hold something else: encrypted or damaged databases are among them. Empty files are in neither
   * list.
   */
  readonly others: readonly string[];
  /** Folders and files that this user may not read. */
  readonly unreadable: readonly { readonly path: string; readonly reason: string }[];
}

/** Symbolic links are not followed; what SQLite keeps beside a database belongs to it. */
export function findDatabases(root: string): FoundFiles {
  const databases: string[] = [];
  const others: string[] = [];
  const unreadable: { path: string; reason: string }[] = [];
  const look = (folder: string): void => {
    const entries = unlessGone(folder, unreadable, () => readdirSync(folder, { withFileTypes: true }));
    for (const entry of entries ?? []) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) look(path);
      if (!entry.isFile() || isSidecarName(entry.name) || isUnfinishedName(entry.name)) continue;
      const start = unlessGone(path, unreadable, () => firstBytes(path));
      if (start?.equals(header)) databases.push(path);
      else if (start !== undefined && start.length > 0) others.push(path);
    }
  };
  look(root);
  return { databases: databases.sort(), others: others.sort(), unreadable: unreadable.sort(byPath) };
}

function byPath(a: { readonly path: string }, b: { readonly path: string }): number {
  return a.path < b.path ? -1 : 1;
}

/** undefined for what has gone meanwhile, and for what is noted as unreadable. */
function unlessGone<T>(path: string, unreadable: { path: string; reason: string }[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') unreadable.push({ path, reason: messageOf(error) });
    return undefined;
  }
}

function firstBytes(path: string): Buffer {
  const fd = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(header.length);
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
}
