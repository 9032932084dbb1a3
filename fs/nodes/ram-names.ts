// Names whose files are in RAM: made, removed and renamed in both places, in RAM and in the data directory, where the
// durable copy has the name of the database. The copier writes `-wal` of the data directory; whether a companion is
// shown on the mount is decided by what is in RAM.
import type { Name, RequestOf } from '../protocol/requests.ts';
import { EEXIST, EINVAL, ENOENT, EXDEV } from '../protocol/results.ts';
import { filesOf, sqliteFileOf } from '../sqlite/files.ts';
import {
  close,
  emptyPath,
  fchownat,
  mknodat,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_WRONLY,
  openat,
  renameat2,
  unlinkat,
} from '../system/files.ts';
import { failed, lastErrno } from '../system/libc.ts';
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, statAt, statxOffset } from '../system/stat.ts';
import { inodeKey, type Node } from './nodes.ts';
import { type DurableName, keepCopierAway } from './ram-batches.ts';
import { textOf } from './ram-files.ts';
import type { RamFolder } from './ram-folders.ts';
import { leftNumber } from './ram-notes.ts';
import type { Tree } from './tree.ts';

const RENAME_EXCHANGE = 2;
const setGroupId = 0o2000;
/** chown(2): -1 leaves an id as it is. */
const keepId = 0xffffffff;
/** S_IFREG */
const regularFile = 0o100000;
/** Companions that are listed: the data directory has an empty file, or the copier's, under each such name. */
const listed: readonly string[] = ['wal', 'shm'];

/**
 * Before the file is made in RAM: the name in the data directory, which decides whether it is free. 0, or a negative
 * errno. `isRepeat`: the process before this one may have come so far.
 */
export function makeOnDisk(parent: Node, name: Name, mode: number, isRepeat: boolean): number {
  const { kind } = sqliteFileOf(textOf(name));
  if (kind !== 'database') {
    if (listed.includes(kind)) mknodat(parent.fd, name, regularFile | mode, 0); // it may be there
    return 0;
  }
  const flags = O_WRONLY | O_CREAT | (isRepeat ? 0 : O_EXCL) | O_NOFOLLOW | O_CLOEXEC;
  const fd = openat(parent.fd, name, flags, mode);
  if (fd < 0) return failed();
  close(fd);
  // Beside a file that has just been made lies nothing of its own: a batch for one that was removed.
  if (!isRepeat) unlinkat(parent.fd, walOf(textOf(name)), 0);
  return 0;
}

/** A directory with the set-group-ID bit gives its group to new files, wherever they lie. */
export function takeGroup({ stat }: Tree, parent: Node, fd: number): void {
  if (!statAt(parent.fd, emptyPath, AT_EMPTY_PATH, stat)) return;
  if ((stat.readUInt16LE(statxOffset.mode) & setGroupId) === 0) return;
  fchownat(fd, emptyPath, keepId, stat.readUInt32LE(statxOffset.gid), AT_EMPTY_PATH);
}

/** The file could not be made in RAM. */
export function unmakeOnDisk(parent: Node, name: Name): void {
  if (sqliteFileOf(textOf(name)).kind === 'database') unlinkat(parent.fd, name, 0);
}

/** The durable copy loses its name with the file, a crash in between leaves the file. */
export function removeOnDisk({ ram, stat }: Tree, parent: Node, name: Name): void {
  const text = textOf(name);
  const { kind, database } = sqliteFileOf(text);
  if (kind === 'database') {
    ram.changesDisk(parent);
    for (const file of [text, `${text}-wal`]) unlinkat(parent.fd, bytesOf(file), 0);
    return;
  }
  const remove = () => removeEmpty(stat, parent, name);
  // A copier at work has opened the `-wal` that its batch is about to fill.
  if (kind === 'wal') withoutCopier(stat, [{ directory: parent.fd, name: bytesOf(database) }], remove, () => {});
  else remove();
}

/** One with content is the copier's: part of the durable copy. */
function removeEmpty(stat: Buffer, parent: Node, name: Name): void {
  const isThere = statAt(parent.fd, name, AT_SYMLINK_NOFOLLOW, stat);
  if (isThere && stat.readUIntLE(statxOffset.size, 6) === 0) unlinkat(parent.fd, name, 0);
}

/**
 * The last program that closes a database deletes its log and the index of it: both are put aside for the copier, which
 * may not have read all of them. False: there is nothing in it, or it cannot be kept.
 */
export function keepLog({ ram, stat }: Tree, folder: RamFolder, name: Name): boolean {
  const { kind, database } = sqliteFileOf(textOf(name));
  if ((kind !== 'wal' && kind !== 'shm') || !folder.names.has(database)) return false;
  const isThere = statAt(folder.fd, name, AT_SYMLINK_NOFOLLOW, stat);
  if (!isThere || stat.readUIntLE(statxOffset.size, 6) === 0) return false;
  const left = Buffer.from(`../left/${leftNumber()}.${textOf(name)}\0`, 'latin1');
  if (renameat2(folder.fd, name, folder.fd, left, 0) === 0) return true;
  ram.positions.drop(folder, database);
  return false;
}

/** A rename in which one of the names is, or would be, in RAM; undefined: in neither. 0 or a negative errno. */
export function renameInRam(tree: Tree, from: Node, to: Node, asked: RequestOf<'RENAME'>): number | undefined {
  const { ram } = tree;
  const [text, newText] = [textOf(asked.name), textOf(asked.newName)];
  const source = ram.folderOf(from, text);
  const target = ram.folderOf(to, newText);
  const isSource = source?.names.has(text) === true;
  if (!isSource && target === undefined) return undefined;
  if ((asked.flags & RENAME_EXCHANGE) !== 0) return -EINVAL;
  if (source !== undefined && isSource) {
    if (sqliteFileOf(text).kind === 'database') return moveDatabase(tree, source, from, to, asked);
    if (target === undefined) return -EXDEV;
    return moveCompanion(tree, source, target, asked);
  }
  if (target === undefined || sqliteFileOf(newText).kind !== 'database') return -EXDEV;
  return replaceDatabase(tree, target, from, to, asked);
}

function moveDatabase(tree: Tree, source: RamFolder, from: Node, to: Node, asked: RequestOf<'RENAME'>): number {
  const { ram } = tree;
  const newText = textOf(asked.newName);
  if (sqliteFileOf(newText).kind !== 'database') return -EXDEV; // it would be a companion of another one
  const path = ram.folders.pathOf(to);
  const target = path === undefined ? undefined : ram.folders.madeFor(to.key, to.fd, path);
  if (target === undefined) return -EXDEV;
  const names = [{ directory: from.fd, name: asked.name }];
  if (target.names.has(newText)) names.push({ directory: to.fd, name: asked.newName });
  const move = () => moveAlone(tree, source, target, from, to, asked);
  return withoutCopier(tree.stat, names, move, () => tree.postponed.add(asked));
}

/** Nobody writes `-wal` of the data directory meanwhile, and it is empty: the main file is all that has to move. */
function moveAlone(
  tree: Tree,
  source: RamFolder,
  target: RamFolder,
  from: Node,
  to: Node,
  asked: RequestOf<'RENAME'>,
): number {
  const { ram, operation, stat } = tree;
  const [text, newText] = [textOf(asked.name), textOf(asked.newName)];
  const replaced = keyAt(tree, target.fd, asked.newName);
  const isFree = !statAt(to.fd, asked.newName, AT_SYMLINK_NOFOLLOW, stat);
  if (isFree) unlinkat(to.fd, walOf(newText), 0); // it would become the log of what comes
  ram.changesDisk(from);
  ram.changesDisk(to);
  // Whoever has died in between has renamed the one on the disk.
  if (renameat2(from.fd, asked.name, to.fd, asked.newName, asked.flags) < 0) {
    if (!(operation.isRenameRepeat && lastErrno() === ENOENT)) return failed();
  }
  unlinkAll([from.fd, walOf(text)], [to.fd, walOf(newText)]);
  const key = keyAt(tree, source.fd, asked.name);
  if (renameat2(source.fd, asked.name, target.fd, asked.newName, 0) < 0) return failed();
  if (target.names.has(newText)) ram.removed(target, newText, replaced === key ? undefined : replaced);
  ram.removed(source, text);
  ram.appeared(target, newText);
  return 0;
}

/** What `act` returns, with the copier kept from these durable copies; `otherwise` where it is at work on one. */
function withoutCopier<T>(stat: Buffer, durables: readonly DurableName[], act: () => T, otherwise: () => T): T {
  const held = keepCopierAway(stat, durables);
  if (held === undefined) return otherwise();
  try {
    return act();
  } finally {
    held.forEach((fd) => void close(fd));
  }
}

function unlinkAll(...files: readonly (readonly [directory: number, name: Name])[]): void {
  for (const [directory, name] of files) unlinkat(directory, name, 0);
}

function moveCompanion({ ram }: Tree, source: RamFolder, target: RamFolder, asked: RequestOf<'RENAME'>): number {
  if (renameat2(source.fd, asked.name, target.fd, asked.newName, asked.flags) < 0) return failed();
  ram.removed(source, textOf(asked.name));
  ram.added(target, textOf(asked.newName));
  return 0;
}

/** A file of the disk takes the place of a database in RAM: from then on the name is on the disk. */
function replaceDatabase(tree: Tree, target: RamFolder, from: Node, to: Node, asked: RequestOf<'RENAME'>): number {
  const { ram } = tree;
  const newText = textOf(asked.newName);
  if (!target.names.has(newText)) return -EEXIST;
  const replace = () => {
    ram.changesDisk(from);
    ram.changesDisk(to);
    if (renameat2(from.fd, asked.name, to.fd, asked.newName, asked.flags) < 0) return failed();
    unlinkat(to.fd, walOf(newText), 0);
    dropFromRam(tree, target, newText);
    return 0;
  };
  const durable = { directory: to.fd, name: asked.newName };
  return withoutCopier(tree.stat, [durable], replace, () => tree.postponed.add(asked));
}

/** The database and its companions are in RAM no more. */
export function dropFromRam(tree: Tree, folder: RamFolder, database: string): void {
  for (const file of filesOf(database)) {
    const name = bytesOf(file);
    const key = keyAt(tree, folder.fd, name);
    if (key === undefined) continue;
    unlinkat(folder.fd, name, 0);
    tree.nodes.find(key)?.lostLastName();
    tree.ram.removed(folder, file, key);
  }
}

function keyAt({ stat }: Tree, directory: number, name: Buffer): string | undefined {
  return statAt(directory, name, AT_SYMLINK_NOFOLLOW, stat) ? inodeKey(stat) : undefined;
}

function walOf(database: string): Name {
  return bytesOf(`${database}-wal`);
}

function bytesOf(name: string): Name {
  return Buffer.from(`${name}\0`, 'latin1') as Name;
}
