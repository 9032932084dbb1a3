// Which names of the data directory have their file in RAM. For each directory with such files there is a folder on the
// tmpfs, named by the directory's inode. `files/` in it holds them under their own names, `path` says which directory
// it is. A database keeps its name in the data directory as well: that file is the durable copy. Nothing here survives
// the host, and all of it the processes. fs/tier/README.md describes the rest of the folder.
import { isUtf8 } from 'node:buffer';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../log.ts';
import { sqliteFileOf } from '../sqlite/files.ts';
import {
  close,
  emptyPath,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  openat,
  pread,
  pwrite,
  readPathOf,
} from '../system/files.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, statAt, statxOffset, statxSize } from '../system/stat.ts';
import type { InodeNumbers, InodeSpace } from './inode-numbers.ts';
import { inodeKey, type Node } from './nodes.ts';

export interface RamFilesOptions {
  /** A folder on a tmpfs for this data directory alone. It is there, and so are its folders. */
  readonly root: string;
  /** Whether a new file of this path below the data directory begins in RAM. */
  readonly isChosen: (path: string) => boolean;
}

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

interface RamPlace {
  readonly folder: RamFolder;
  readonly name: string;
}

/** The number that programs see of a database in RAM: that of its durable copy. */
export interface ShownNumber {
  /** A u64. */
  readonly inode: Buffer;
  readonly space: InodeSpace;
}

interface Database {
  readonly inode: Buffer;
  readonly durable: string;
  readonly folder: RamFolder;
  space: InodeSpace | undefined;
}

export interface CopiedPosition {
  readonly salt1: number;
  readonly salt2: number;
  readonly frames: number;
}

/** Folders in that of a directory. */
export const folderParts: readonly string[] = [
  'files',
  'positions',
  'refused',
  'moving',
  'states',
  'left',
  'drops',
  'kept',
];
/** A file in the root: see RamFiles.keepsLogs. */
export const keepsLogsName = 'keeps-logs';
/** What a file in `positions/` holds: salt1, salt2, frames, u32 each; the generation of `drops/`, u64. */
export const positionBytes = 20;
const generationByte = 12;

export class RamFiles {
  readonly #options: RamFilesOptions | undefined;
  readonly #dataDir: string;
  #numbers: Pick<InodeNumbers, 'spaceOf'> | undefined;
  readonly #log: Log;
  readonly #device: string | undefined;
  readonly #folders = new Map<string, RamFolder>();
  /** By the inode key of the file in RAM. */
  readonly #databases = new Map<string, Database>();
  /** Inode keys of durable copies. */
  readonly #durables = new Set<string>();
  /** Directories in which names of files on the disk have come or gone since their last sync. */
  readonly #synced = new Set<string>();
  readonly #stat = Buffer.alloc(statxSize);
  readonly #position = Buffer.alloc(positionBytes);
  readonly #generation = Buffer.alloc(8);

  /** Without options no file is in RAM. */
  constructor(dataDir: string, options: RamFilesOptions | undefined, log: Log) {
    this.#dataDir = dataDir;
    this.#options = options;
    this.#log = log;
    if (options === undefined) return;
    this.#device = this.#deviceOf(options.root);
    for (const entry of readdirSync(options.root, { withFileTypes: true })) {
      if (entry.isDirectory() && /^\d+:\d+:\d+:\d+$/.test(entry.name)) this.#load(entry.name);
    }
  }

  /** As they are whenever they are gone through. */
  get folders(): Iterable<RamFolder> {
    return { [Symbol.iterator]: () => this.#folders.values() };
  }

  /** The directory in which the file of a name really lies. `name` ends with a zero byte. */
  directoryOf(parent: Node, name: Buffer): number {
    return this.#folders.size === 0 ? parent.fd : (this.folderOf(parent, textOf(name))?.fd ?? parent.fd);
  }

  /** Of a name, as latin1, whose file is in RAM or would be there: it is in the table, or its database is. */
  folderOf(parent: Node, name: string): RamFolder | undefined {
    const folder = this.#folders.get(parent.key);
    if (folder === undefined || folder.names.has(name)) return folder;
    const { kind, database } = sqliteFileOf(name);
    return kind !== 'database' && folder.names.has(database) ? folder : undefined;
  }

  /** As folderOf, of a directory that has files in RAM. */
  hasName(parent: Node, name: string): boolean {
    return this.folderOf(parent, name) !== undefined;
  }

  /** Whether a directory may have names in RAM at all. */
  hasFolder(parent: Node): boolean {
    return this.#folders.has(parent.key);
  }

  /** A companion of a database in RAM that is on the disk alone: the copier's, and nobody's on the mount. */
  isHidden(parent: Node, name: string): boolean {
    const folder = this.#folders.get(parent.key);
    if (folder === undefined || folder.names.has(name)) return false;
    const { kind, database } = sqliteFileOf(name);
    return kind !== 'database' && folder.names.has(database);
  }

  /** Where a new file of that name begins; undefined: on the disk. */
  folderForNew(parent: Node, name: Buffer): RamFolder | undefined {
    if (this.#options === undefined) return undefined;
    const text = textOf(name);
    const known = this.folderOf(parent, text);
    if (known !== undefined || sqliteFileOf(text).kind !== 'database') return known;
    if (!isUtf8(name)) return undefined;
    const path = this.folderPathOf(parent);
    const shown = name.toString('utf8', 0, name.length - 1);
    if (path === undefined || !this.#options.isChosen(path === '' ? shown : `${path}/${shown}`)) return undefined;
    return this.folderMadeFor(parent.key, parent.fd, path);
  }

  /** Makes the folder of a directory. undefined where that is impossible, which is told. */
  folderMadeFor(key: string, directoryFd: number, path: string): RamFolder | undefined {
    const known = this.#folders.get(key);
    if (known !== undefined || this.#options === undefined) return known;
    const folder = join(this.#options.root, key);
    try {
      for (const part of folderParts) {
        mkdirSync(join(folder, part), { recursive: true, mode: 0o700 });
      }
      this.#writePath(folder, path);
    } catch (error) {
      this.#log('error', 'ramdisk-unusable', { folder, reason: String(error), effect: 'new files begin on the disk' });
      return undefined;
    }
    return this.#open(key, openat(directoryFd, Buffer.from('.\0'), O_PATH | O_DIRECTORY | O_CLOEXEC, 0), path);
  }

  /** A new file, or one of another name: nothing that is noted under its name is about it. */
  appeared(folder: RamFolder, name: string): void {
    if (sqliteFileOf(name).kind === 'database') this.dropPositionOf(folder, name);
    this.added(folder, name);
  }

  /** A file has come to be in RAM. */
  added(folder: RamFolder, name: string): void {
    folder.names.add(name);
    if (sqliteFileOf(name).kind !== 'database') return;
    const bytes = Buffer.from(`${name}\0`, 'latin1');
    if (!statAt(folder.parentFd, bytes, AT_SYMLINK_NOFOLLOW, this.#stat)) return;
    const durable = inodeKey(this.#stat);
    const inode = Buffer.from(this.#stat.subarray(statxOffset.ino, statxOffset.ino + 8));
    if (!statAt(folder.fd, bytes, AT_SYMLINK_NOFOLLOW, this.#stat)) return;
    this.#databases.set(inodeKey(this.#stat), { inode, durable, folder, space: undefined });
    this.#durables.add(durable);
  }

  /** A file in RAM has lost that name. `key`: its inode, if no other name has it. */
  removed(folder: RamFolder, name: string, key?: string): void {
    folder.names.delete(name);
    folder.refused.delete(name);
    const database = key === undefined ? undefined : this.#databases.get(key);
    if (key === undefined || database === undefined) return;
    this.#databases.delete(key);
    this.#durables.delete(database.durable);
  }

  /**
   * There is no file of that name in RAM. `absent`: as it should be. Otherwise somebody has removed it there: `open`
   * while programs still use it, `lost` once the name stands for the durable copy.
   */
  lose(parent: Node, name: Buffer, isOpen: (key: string) => boolean): 'absent' | 'open' | 'lost' {
    const folder = this.#folders.get(parent.key);
    const text = textOf(name);
    if (folder?.names.has(text) !== true) return 'absent';
    if (sqliteFileOf(text).kind !== 'database') {
      folder.names.delete(text);
      return 'absent';
    }
    const durable = statAt(parent.fd, name, AT_SYMLINK_NOFOLLOW, this.#stat) ? inodeKey(this.#stat) : '';
    const key = [...this.#databases].find(([, database]) => database.durable === durable)?.[0];
    const fields = { database: shownPath(folder, text), cause: 'somebody has removed its file in RAM' };
    if (key !== undefined && isOpen(key)) {
      this.#log('error', 'ramdisk-copy-lost', { ...fields, effect: 'it cannot be opened until its programs close it' });
      return 'open';
    }
    this.#log('error', 'ramdisk-copy-lost', { ...fields, effect: 'it goes on with its durable copy' });
    this.removed(folder, text, key);
    return 'lost';
  }

  /** The number to be shown of a node; undefined: its own. */
  numberOf(node: Node): ShownNumber | undefined {
    const database = this.#databases.size === 0 ? undefined : this.#databases.get(node.key);
    if (database === undefined) return undefined;
    database.space ??= this.#spaceOf(database.folder);
    return { inode: database.inode, space: database.space };
  }

  /** To be called before numberOf. */
  numberWith(numbers: Pick<InodeNumbers, 'spaceOf'>): void {
    this.#numbers = numbers;
  }

  /** A node of the disk whose database has its file in RAM now: the kernel is to look its name up again. */
  hides(node: Node): boolean {
    return this.#durables.size > 0 && this.#durables.has(node.key);
  }

  /** Of a file that has moved to the disk while the kernel still knew its name. */
  isLeft(node: Node): boolean {
    if (!this.isInRam(node)) return false;
    return !statAt(node.fd, emptyPath, AT_EMPTY_PATH, this.#stat) || this.#stat.readUInt32LE(statxOffset.nlink) === 0;
  }

  isInRam(node: Node): boolean {
    return this.#device !== undefined && node.device === this.#device;
  }

  isRefused(node: Node): boolean {
    const place = this.#placeOf(node);
    return place?.folder.refused.has(place.name) === true;
  }

  /** Below the data directory; undefined where it has no name. */
  pathOf(node: Node): string | undefined {
    const place = this.#placeOf(node);
    if (place === undefined) return undefined;
    return shownPath(place.folder, place.name);
  }

  /** How far the log of a database has been copied, and how far it has been put aside. */
  positionsOf(node: Node): readonly CopiedPosition[] {
    const place = this.#placeOf(node);
    if (place === undefined) return [];
    if (!this.#read(place, 'drops', this.#generation)) this.#generation.fill(0);
    return ['positions', 'kept'].flatMap((kind) => {
      if (!this.#read(place, kind, this.#position)) return [];
      if (this.#generation.compare(this.#position, generationByte) !== 0) return [];
      const [salt1 = 0, salt2 = 0, frames = 0] = [0, 4, 8].map((at) => this.#position.readUInt32LE(at));
      return [{ salt1, salt2, frames }];
    });
  }

  /** What was copied of it says nothing any more: the copier compares all pages. */
  dropPosition(node: Node): void {
    const place = this.#placeOf(node);
    if (place === undefined) return;
    this.dropPositionOf(place.folder, place.name);
  }

  dropPositionOf({ fd }: RamFolder, name: string): void {
    const drop = openat(fd, Buffer.from(`../drops/${name}\0`, 'latin1'), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600);
    if (drop < 0) return;
    this.#generation.writeBigUInt64LE(process.hrtime.bigint());
    pwrite(drop, this.#generation, this.#generation.length, 0);
    close(drop);
  }

  /** Whether the mount sees and keeps the logs of databases in RAM, which the copier relies on. */
  set keepsLogs(keeps: boolean) {
    if (this.#options === undefined) return;
    const mark = join(this.#options.root, keepsLogsName);
    if (keeps) writeFileSync(mark, '');
    else rmSync(mark, { force: true });
  }

  /** The path of the file in RAM whose node this is. */
  filePathOf(node: Node): string | undefined {
    return this.isInRam(node) ? readPathOf(node.fd)?.toString() : undefined;
  }

  /** A directory has been renamed: those below it have other paths now. */
  pathsChanged(): void {
    if (this.#options === undefined) return;
    for (const folder of this.#folders.values()) {
      const path = this.#relative(readPathOf(folder.parentFd));
      if (path === undefined || path === folder.path) continue;
      folder.path = path;
      this.#writePath(join(this.#options.root, folder.key), path);
    }
  }

  /** A name of a file on the disk is about to come or go. */
  changesDisk(parent: Node): void {
    this.#synced.delete(parent.key);
  }

  /** Whether a directory has changed on the disk since this was asked last. */
  needsSync(parent: Node): boolean {
    if (!this.#folders.has(parent.key)) return true;
    const needs = !this.#synced.has(parent.key);
    this.#synced.add(parent.key);
    return needs;
  }

  #load(key: string): void {
    const { root } = this.#options as RamFilesOptions;
    const path = readFileSync(join(root, key, 'path'), 'utf8');
    const directory = Buffer.from(`${join(this.#dataDir, path)}\0`);
    const parentFd = openat(AT_FDCWD, directory, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    const isSame = parentFd >= 0 && statAt(parentFd, emptyPath, AT_EMPTY_PATH, this.#stat);
    if (!isSame || inodeKey(this.#stat) !== key) {
      if (parentFd >= 0) close(parentFd);
      this.#log('error', 'ramdisk-folder-without-directory', { folder: join(root, key), directory: path });
      return;
    }
    const folder = this.#open(key, parentFd, path);
    const names = new Set(readdirSync(join(root, key, 'files'), 'latin1'));
    for (const name of names) if (names.has(sqliteFileOf(name).database)) this.added(folder, name);
    for (const name of readdirSync(join(root, key, 'refused'), 'latin1')) folder.refused.add(name);
  }

  #open(key: string, parentFd: number, path: string): RamFolder {
    const { root } = this.#options as RamFilesOptions;
    const files = Buffer.from(`${join(root, key, 'files')}\0`);
    const fd = openat(AT_FDCWD, files, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    const folder = { key, fd, parentFd, names: new Set<string>(), refused: new Set<string>(), path };
    this.#folders.set(key, folder);
    return folder;
  }

  #placeOf(node: Node): RamPlace | undefined {
    if (!this.isInRam(node) || this.#options === undefined) return undefined;
    const link = readPathOf(node.fd)?.toString('latin1') ?? '';
    const root = Buffer.from(`${this.#options.root}/`).toString('latin1');
    const [key = '', files, name = ''] = link.startsWith(root) ? link.slice(root.length).split('/') : [];
    const folder = this.#folders.get(key);
    if (folder === undefined || files !== 'files' || !folder.names.has(name)) return undefined;
    return { folder, name };
  }

  /** Of a directory, below the data directory. */
  folderPathOf(directory: Node): string | undefined {
    return this.#folders.get(directory.key)?.path ?? this.#relative(readPathOf(directory.fd));
  }

  #relative(path: Buffer | undefined): string | undefined {
    if (path === undefined || !isUtf8(path)) return undefined;
    const text = path.toString();
    if (text === this.#dataDir) return '';
    return text.startsWith(`${this.#dataDir}/`) ? text.slice(this.#dataDir.length + 1) : undefined;
  }

  #read({ folder, name }: RamPlace, kind: string, into: Buffer): boolean {
    const fd = openat(folder.fd, Buffer.from(`../${kind}/${name}\0`, 'latin1'), O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0) return false;
    const bytes = pread(fd, into, into.length, 0);
    close(fd);
    return bytes === into.length;
  }

  #spaceOf({ parentFd }: RamFolder): InodeSpace {
    if (!statAt(parentFd, emptyPath, AT_EMPTY_PATH, this.#stat)) return 0;
    return this.#numbers?.spaceOf(this.#stat, parentFd) ?? 0;
  }

  #writePath(folder: string, path: string): void {
    writeFileSync(join(folder, 'path.new'), path);
    renameSync(join(folder, 'path.new'), join(folder, 'path'));
  }

  #deviceOf(root: string): string {
    if (!statAt(AT_FDCWD, Buffer.from(`${root}\0`), 0, this.#stat)) return '';
    return `${this.#stat.readUInt32LE(statxOffset.devMajor)}:${this.#stat.readUInt32LE(statxOffset.devMinor)}`;
  }
}

function shownPath({ path }: RamFolder, name: string): string {
  const text = Buffer.from(name, 'latin1').toString();
  return path === '' ? text : `${path}/${text}`;
}

/** `name` ends with a zero byte. */
export function textOf(name: Buffer): string {
  return name.toString('latin1', 0, name.length - 1);
}
