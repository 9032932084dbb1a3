// Which files below a directory are SQLite databases, told by their first bytes as file(1) does.
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { isSidecarName } from './name.ts';
import { isUnfinishedName } from './unfinished-file.ts';

/** https://sqlite.org/fileformat.html#magic_header_string */
const header = Buffer.from('SQLite format 3\0', 'latin1');

export interface FoundFiles {
  /** Absolute, sorted. */
  readonly databases: readonly string[];
  /** Regular files that hold something else: encrypted or damaged databases are among them. Empty files are in neither list. */
  readonly others: readonly string[];
}

/** Symbolic links are not followed; what SQLite keeps beside a database belongs to it. */
export function findDatabases(root: string): FoundFiles {
  const databases: string[] = [];
  const others: string[] = [];
  const look = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) look(path);
      if (!entry.isFile() || isSidecarName(entry.name) || isUnfinishedName(entry.name)) continue;
      const start = firstBytes(path);
      if (start?.equals(header)) databases.push(path);
      else if (start !== undefined && start.length > 0) others.push(path);
    }
  };
  look(root);
  return { databases: databases.sort(), others: others.sort() };
}

/** undefined when the file has gone meanwhile. */
function firstBytes(path: string): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const bytes = Buffer.alloc(header.length);
    return bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(fd);
  }
}
