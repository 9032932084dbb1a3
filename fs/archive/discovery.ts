// Finds databases below the data directory, by their headers and never through SQLite. Links are
// not followed: what they lead to has a path of its own, or lies outside.
import { type Dirent, readlinkSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { sqliteFileOf } from '../sqlite/files.ts';
import type { JournalMode } from '../sqlite/header.ts';
import type { DatabaseId } from './commit.ts';
import { lookAtMainFile, readMainHeader } from './tail/main-file.ts';

export interface FoundDatabase {
  readonly id: DatabaseId;
  readonly journalMode: JournalMode;
}

/** undefined where the path is no database. */
export function databaseAt(dataDir: string, name: string): FoundDatabase | undefined {
  const path = join(dataDir, name);
  try {
    const header = readMainHeader(path);
    const file = header === undefined ? undefined : lookAtMainFile(path);
    if (header === undefined || file === undefined) return undefined;
    return { id: { inode: file.inode, device: file.device, name }, journalMode: header.journalMode };
  } catch {
    return undefined; // it may not be read, or has gone
  }
}

/**
 * The HTTP server makes a database under such a name, which has no extension, and links it to its own one. What it is
 * made of are no states that anybody would go back to.
 */
export function isInTheMaking(name: string): boolean {
  return /(^|\/)\.new-[0-9a-z]+(-[0-9a-z]+)?$/.test(name);
}

/** In words for whoever asks for its past; undefined where nothing keeps it from being followed. */
export function whyNotFollowed(dataDir: string, name: string): string | undefined {
  try {
    const mode = readMainHeader(join(dataDir, name))?.journalMode;
    if (mode === undefined || mode === 'wal') return undefined;
    return 'it is not in WAL mode: PRAGMA journal_mode=WAL begins one, and --archive all keeps other modes as well';
  } catch {
    return undefined;
  }
}

export async function* databasesBelow(dataDir: string, folder = ''): AsyncGenerator<FoundDatabase> {
  for (const entry of await entriesOf(join(dataDir, folder))) {
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) yield* databasesBelow(dataDir, name);
    else if (entry.isFile() && sqliteFileOf(entry.name).kind === 'database') {
      const found = databaseAt(dataDir, name);
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

/** The database whose write-ahead log a process has open; undefined where it is not below the data directory. */
export function nameByLog(dataDir: string, pid: number, walFd: number): string | undefined {
  try {
    const wal = readlinkSync(`/proc/${pid}/fd/${walFd}`);
    const name = relative(dataDir, wal.replace(/ \(deleted\)$/, '').replace(/-wal$/, ''));
    return name.startsWith('..') ? undefined : name;
  } catch {
    return undefined; // the descriptor has been closed: a scan finds the database
  }
}
