// Finds databases in write-ahead mode below the data directory, by their headers and never through SQLite. Links are
// not followed: what they lead to has a path of its own, or lies outside.
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sqliteFileOf } from '../sqlite/files.ts';
import type { DatabaseId } from './commit.ts';
import { lookAtMainFile, readMainHeader } from './tail/main-file.ts';

/** Its identity; undefined where the path is no database in write-ahead mode. */
export function walDatabaseAt(dataDir: string, name: string): DatabaseId | undefined {
  const path = join(dataDir, name);
  try {
    if (readMainHeader(path)?.journalMode !== 'wal') return undefined;
    const file = lookAtMainFile(path);
    return file === undefined ? undefined : { inode: file.inode, device: file.device, name };
  } catch {
    return undefined; // it may not be read, or has gone
  }
}

export async function* walDatabasesBelow(dataDir: string, folder = ''): AsyncGenerator<DatabaseId> {
  for (const entry of await entriesOf(join(dataDir, folder))) {
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* walDatabasesBelow(dataDir, name);
    else if (entry.isFile() && sqliteFileOf(entry.name).kind === 'database') {
      const found = walDatabaseAt(dataDir, name);
      if (found !== undefined) yield found;
    }
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch {
    return []; // it has gone, or may not be read
  }
}
