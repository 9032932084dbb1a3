// The folders on the tmpfs. Each directory of the data directory with files in RAM has one, named by the directory's
// inode. `files/` in it holds the files under their own names, `path` says which directory it is. fs/tier/README.md
// describes the rest of the folder.
import { isUtf8 } from 'node:buffer';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../log.ts';
import { sqliteFileOf } from '../sqlite/files.ts';
import { close, emptyPath, O_CLOEXEC, O_DIRECTORY, O_PATH, openat, readPathOf } from '../system/files.ts';
import { AT_EMPTY_PATH, AT_FDCWD, statAt, statxSize } from '../system/stat.ts';
import { inodeKey, type Node } from './nodes.ts';

/** One directory of the data directory that has files in RAM. */
export interface RamFolder {
  readonly key: string;
  /** O_PATH of `files`. */
  readonly fd: number;
  /** O_PATH of the directory in the data directory. */
  readonly parentFd: number;
  /** Names of all its files in RAM, as latin1. */
  readonly names: Set<string>;
  readonly refused: Set<string>;
  /** Below the data directory; empty for the data directory itself. */
  path: string;
}

/** Folders in that of a directory. */
export const folderParts: readonly string[] = ['files', 'positions', 'refused', 'moving', 'states', 'left', 'drops'];

export class RamFolders {
  readonly #dataDir: string;
  readonly #root: string | undefined;
  readonly #log: Log;
  readonly #folders = new Map<string, RamFolder>();
  readonly #stat = Buffer.alloc(statxSize);

  /** `root` as in RamFilesOptions. Without it there are no folders. */
  constructor(dataDir: string, root: string | undefined, log: Log) {
    this.#dataDir = dataDir;
    this.#root = root;
    this.#log = log;
    if (root === undefined) return;
    for (const entry of readdirSync(root, { withFileTypes: true })) {
      if (entry.isDirectory() && /^\d+:\d+:\d+:\d+$/.test(entry.name)) this.#load(root, entry.name);
    }
  }

  get size(): number {
    return this.#folders.size;
  }

  /** As they are whenever they are gone through. */
  [Symbol.iterator](): Iterator<RamFolder> {
    return this.#folders.values();
  }

  /** `key`: the inode of the directory. */
  get(key: string): RamFolder | undefined {
    return this.#folders.get(key);
  }

  /** Makes the folder of a directory. undefined where that is impossible, which is told. */
  madeFor(key: string, directoryFd: number, path: string): RamFolder | undefined {
    const known = this.#folders.get(key);
    if (known !== undefined || this.#root === undefined) return known;
    const folder = join(this.#root, key);
    try {
      for (const part of folderParts) {
        mkdirSync(join(folder, part), { recursive: true, mode: 0o700 });
      }
      writePath(folder, path);
    } catch (error) {
      this.#log('error', 'ramdisk-unusable', { folder, reason: String(error), effect: 'new files begin on the disk' });
      return undefined;
    }
    const parentFd = openat(directoryFd, Buffer.from('.\0'), O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    return this.#open(this.#root, key, parentFd, path);
  }

  /** Of a directory, below the data directory; undefined where it cannot be told. */
  pathOf(directory: Node): string | undefined {
    return this.#folders.get(directory.key)?.path ?? this.#relative(readPathOf(directory.fd));
  }

  /** A directory has been renamed: those below it have other paths now. */
  pathsChanged(): void {
    if (this.#root === undefined) return;
    for (const folder of this.#folders.values()) {
      const path = this.#relative(readPathOf(folder.parentFd));
      if (path === undefined || path === folder.path) continue;
      folder.path = path;
      writePath(join(this.#root, folder.key), path);
    }
  }

  #load(root: string, key: string): void {
    const path = readFileSync(join(root, key, 'path'), 'utf8');
    const directory = Buffer.from(`${join(this.#dataDir, path)}\0`);
    const parentFd = openat(AT_FDCWD, directory, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    const isSame = parentFd >= 0 && statAt(parentFd, emptyPath, AT_EMPTY_PATH, this.#stat);
    if (!isSame || inodeKey(this.#stat) !== key) {
      if (parentFd >= 0) close(parentFd);
      this.#log('error', 'ramdisk-folder-without-directory', { folder: join(root, key), directory: path });
      return;
    }
    const folder = this.#open(root, key, parentFd, path);
    const names = new Set(readdirSync(join(root, key, 'files'), 'latin1'));
    for (const name of names) if (names.has(sqliteFileOf(name).database)) folder.names.add(name);
    for (const name of readdirSync(join(root, key, 'refused'), 'latin1')) folder.refused.add(name);
  }

  #open(root: string, key: string, parentFd: number, path: string): RamFolder {
    const files = Buffer.from(`${join(root, key, 'files')}\0`);
    const fd = openat(AT_FDCWD, files, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    const folder = { key, fd, parentFd, names: new Set<string>(), refused: new Set<string>(), path };
    this.#folders.set(key, folder);
    return folder;
  }

  #relative(path: Buffer | undefined): string | undefined {
    if (path === undefined || !isUtf8(path)) return undefined;
    const text = path.toString();
    if (text === this.#dataDir) return '';
    return text.startsWith(`${this.#dataDir}/`) ? text.slice(this.#dataDir.length + 1) : undefined;
  }
}

function writePath(folder: string, path: string): void {
  writeFileSync(join(folder, 'path.new'), path);
  renameSync(join(folder, 'path.new'), join(folder, 'path'));
}
