// Which names of the data directory have their file in RAM. A database keeps its name in the data directory as well:
// that file is the durable copy. Nothing in RAM survives the host, and all of it the processes.
import { isUtf8 } from 'node:buffer';
import type { Log } from '../log.ts';
import { sqliteFileOf } from '../sqlite/files.ts';
import { emptyPath, readPathOf } from '../system/files.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, statAt, statxOffset, statxSize } from '../system/stat.ts';
import { inodeKey, type Node } from './nodes.ts';
import { RamDatabases } from './ram-databases.ts';
import { type RamFolder, RamFolders } from './ram-folders.ts';
import { type LogNote, writeNote } from './ram-notes.ts';
import { type CopiedPosition, noteKeepsLogs, RamPositions } from './ram-positions.ts';
import { RecentKeys } from './recent-keys.ts';

export interface RamFilesOptions {
  /** A folder on a tmpfs for this data directory alone. It is there, and so are its folders. */
  readonly root: string;
  /** Whether a new file of this path below the data directory begins in RAM. */
  readonly isChosen: (path: string) => boolean;
}

interface RamPlace {
  readonly folder: RamFolder;
  readonly name: string;
}

export class RamFiles {
  readonly folders: RamFolders;
  readonly databases = new RamDatabases();
  readonly positions = new RamPositions();
  readonly #options: RamFilesOptions | undefined;
  readonly #log: Log;
  readonly #device: string | undefined;
  /** Directories in which names of files on the disk have come or gone since their last sync. */
  readonly #synced = new Set<string>();
  /** Databases that were in RAM a moment ago. */
  readonly #left = new RecentKeys();
  readonly #stat = Buffer.alloc(statxSize);

  /** Without options no file is in RAM. */
  constructor(dataDir: string, options: RamFilesOptions | undefined, log: Log) {
    this.#options = options;
    this.#log = log;
    this.#device = options && this.#deviceOf(options.root);
    this.folders = new RamFolders(dataDir, options?.root, log);
    for (const folder of this.folders) for (const name of folder.names) this.added(folder, name);
  }

  /** The directory in which the file of a name really lies. `name` ends with a zero byte. */
  directoryOf(parent: Node, name: Buffer): number {
    return this.folders.size === 0 ? parent.fd : (this.folderOf(parent, textOf(name))?.fd ?? parent.fd);
  }

  /** Of a name, as latin1, whose file is in RAM or would be there: it is in the table, or its database is. */
  folderOf(parent: Node, name: string): RamFolder | undefined {
    const folder = this.folders.get(parent.key);
    if (folder === undefined || folder.names.has(name)) return folder;
    const { kind, database } = sqliteFileOf(name);
    return kind !== 'database' && folder.names.has(database) ? folder : undefined;
  }

  /**
   * Whether the file of that name in the data directory is, or was a moment ago, a durable copy or a companion of one:
   * the copier may have written it.
   */
  isCopiers(parent: Node, name: string): boolean {
    if (!this.hasFolder(parent)) return false;
    return this.folderOf(parent, name) !== undefined || this.#left.has(keyOf(parent.key, sqliteFileOf(name).database));
  }

  /** Whether a directory may have names in RAM at all. */
  hasFolder(parent: Node): boolean {
    return this.folders.get(parent.key) !== undefined;
  }

  /** A companion of a database in RAM that is on the disk alone: the copier's, and nobody's on the mount. */
  isHidden(parent: Node, name: string): boolean {
    const folder = this.folders.get(parent.key);
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
    const path = this.folders.pathOf(parent);
    const shown = name.toString('utf8', 0, name.length - 1);
    if (path === undefined || !this.#options.isChosen(path === '' ? shown : `${path}/${shown}`)) return undefined;
    return this.folders.madeFor(parent.key, parent.fd, path);
  }

  /** A new file, or one of another name: nothing that is noted under its name is about it. */
  appeared(folder: RamFolder, name: string): void {
    if (sqliteFileOf(name).kind === 'database') this.positions.drop(folder, name);
    this.added(folder, name);
  }

  /** A file has come to be in RAM. */
  added(folder: RamFolder, name: string): void {
    folder.names.add(name);
    if (sqliteFileOf(name).kind === 'database') this.databases.add(folder, name);
  }

  /** A file in RAM has lost that name. `key`: its inode, if no other name has it. */
  removed(folder: RamFolder, name: string, key?: string): void {
    folder.names.delete(name);
    folder.refused.delete(name);
    if (sqliteFileOf(name).kind === 'database') this.#left.add(keyOf(folder.key, name));
    if (key !== undefined) this.databases.remove(key);
  }

  /**
   * There is no file of that name in RAM. `absent`: as it should be. Otherwise somebody has removed it there: `open`
   * while programs still use it, `lost` once the name stands for the durable copy.
   */
  lose(parent: Node, name: Buffer, isOpen: (key: string) => boolean): 'absent' | 'open' | 'lost' {
    const folder = this.folders.get(parent.key);
    const text = textOf(name);
    if (folder?.names.has(text) !== true) return 'absent';
    if (sqliteFileOf(text).kind !== 'database') {
      folder.names.delete(text);
      return 'absent';
    }
    const durable = statAt(parent.fd, name, AT_SYMLINK_NOFOLLOW, this.#stat) ? inodeKey(this.#stat) : '';
    const key = this.databases.keyOf(durable);
    const fields = { database: shownPath(folder, text), cause: 'somebody has removed its file in RAM' };
    if (key !== undefined && isOpen(key)) {
      this.#log('error', 'ramdisk-copy-lost', { ...fields, effect: 'it cannot be opened until its programs close it' });
      return 'open';
    }
    this.#log('error', 'ramdisk-copy-lost', { ...fields, effect: 'it goes on with its durable copy' });
    this.removed(folder, text, key);
    return 'lost';
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

  /** How far the log of a database has been copied; undefined: the copier is to compare all pages. */
  positionOf(node: Node): CopiedPosition | undefined {
    const place = this.#placeOf(node);
    return place && this.positions.of(place.folder, place.name);
  }

  /** For the copier, before the log is begun anew. False: it could not be noted, and the log has to stay. */
  noteLog(node: Node, note: LogNote): boolean {
    const place = this.#placeOf(node);
    return place !== undefined && writeNote(place.folder, place.name, note);
  }

  /** What was copied of it says nothing any more: the copier compares all pages. */
  dropPosition(node: Node): void {
    const place = this.#placeOf(node);
    if (place !== undefined) this.positions.drop(place.folder, place.name);
  }

  /** Whether the mount sees and keeps the logs of databases in RAM, which the copier relies on. */
  set keepsLogs(keeps: boolean) {
    if (this.#options !== undefined) noteKeepsLogs(this.#options.root, keeps);
  }

  /** The path of the file in RAM whose node this is. */
  filePathOf(node: Node): string | undefined {
    return this.isInRam(node) ? readPathOf(node.fd)?.toString() : undefined;
  }

  /** A name of a file on the disk is about to come or go. */
  changesDisk(parent: Node): void {
    this.#synced.delete(parent.key);
  }

  /** Whether a directory has changed on the disk since this was asked last. */
  needsSync(parent: Node): boolean {
    if (!this.hasFolder(parent)) return true;
    const needs = !this.#synced.has(parent.key);
    this.#synced.add(parent.key);
    return needs;
  }

  #placeOf(node: Node): RamPlace | undefined {
    if (!this.isInRam(node) || this.#options === undefined) return undefined;
    const link = readPathOf(node.fd)?.toString('latin1') ?? '';
    const root = Buffer.from(`${this.#options.root}/`).toString('latin1');
    const [key = '', files, name = ''] = link.startsWith(root) ? link.slice(root.length).split('/') : [];
    const folder = this.folders.get(key);
    if (folder === undefined || files !== 'files' || !folder.names.has(name)) return undefined;
    return { folder, name };
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

function keyOf(directory: string, name: string): string {
  return `${directory}/${name}`;
}

/** `name` ends with a zero byte. */
export function textOf(name: Buffer): string {
  return name.toString('latin1', 0, name.length - 1);
}
