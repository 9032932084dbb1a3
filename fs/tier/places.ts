// All databases that have files in RAM, as the folders on the tmpfs say.
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { filesOf, sqliteFileOf } from '../sqlite/files.ts';
import { type Place, placeOf } from './place.ts';

const folderName = /^\d+:\d+:\d+:\d+$/;

export function findPlaces(dataDir: string, root: string): Place[] {
  return foldersIn(root).flatMap((folder) => {
    const directory = directoryOf(folder);
    // Its directory may have gone, or have been renamed a moment ago.
    if (directory === undefined || !isDirectoryOf(folder, join(dataDir, directory))) return [];
    return namesIn(join(folder, 'files'))
      .filter((name) => sqliteFileOf(name).kind === 'database')
      .map((name) => placeOf(dataDir, folder, directory, name));
  });
}

/** What the files of these databases take, logs that are not copied yet included. */
export function ownBytesOf(places: readonly Place[]): number {
  const files = places.flatMap(({ ram }) => filesOf(ram));
  const left = [...new Set(places.map(({ folder }) => join(folder, 'left')))];
  const all = [...files, ...left.flatMap((folder) => namesIn(folder).map((name) => join(folder, name)))];
  return all.reduce((sum, file) => sum + 512 * (lstatSync(file, { throwIfNoEntry: false })?.blocks ?? 0), 0);
}

function isDirectoryOf(folder: string, directory: string): boolean {
  try {
    return folderNameOf(directory) === basename(folder);
  } catch {
    return false;
  }
}

export function foldersIn(root: string): string[] {
  return namesIn(root)
    .filter((name) => folderName.test(name))
    .map((name) => join(root, name));
}

/** Below the data directory; undefined where the folder is being made. */
export function directoryOf(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, 'path'), 'utf8');
  } catch {
    return undefined;
  }
}

/** The name of the folder for a directory: its inode, as inodeKey of fs/nodes/nodes.ts. */
export function folderNameOf(directory: string): string {
  const { dev, ino } = lstatSync(directory, { bigint: true });
  const major = ((dev >> 32n) & ~0xfffn) | ((dev >> 8n) & 0xfffn);
  const minor = ((dev >> 12n) & 0xffffff00n) | (dev & 0xffn);
  return `${major}:${minor}:${ino >> 32n}:${ino & 0xffffffffn}`;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
