// Operations on names in a directory: look one up, create, link, rename, remove.
import { encodeEntry } from '../protocol/encode.ts';
import { attr, entryOut } from '../protocol/layouts.ts';
import type { Header, Name, RequestOf } from '../protocol/requests.ts';
import { EEXIST, EINVAL, ENOENT, ESTALE, EXDEV } from '../protocol/results.ts';
import { AT_REMOVEDIR, emptyPath, linkat, mkdirat, mknodat, renameat2, symlinkat, unlinkat } from '../system/files.ts';
import { failed, lastErrno } from '../system/libc.ts';
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, statAt, statxOffset } from '../system/stat.ts';
import { answerEntry, lifetime, lifetimeOfName } from './attributes.ts';
import { dropLeftSidecars, dropSidecarsOfRemoved } from './left-sidecars.ts';
import { inodeKey, type Node } from './nodes.ts';
import { textOf } from './ram-files.ts';
import { keepLog, removeOnDisk, renameInRam } from './ram-names.ts';
import { called, noteMaking, resolve, type Tree } from './tree.ts';

const RENAME_NOREPLACE = 1;
const RENAME_EXCHANGE = 2;

export function lookUp(tree: Tree, asked: RequestOf<'LOOKUP'>, out: Buffer): number {
  const parent = tree.nodes.get(asked.nodeId);
  if (parent === undefined) return -ESTALE;
  const node = resolve(tree, parent, asked.name);
  if (typeof node !== 'number') return answerEntry(tree, node, out, 0, lifetimeOfName(asked.name));
  if (node !== -ENOENT) return node;
  // Node id 0: the kernel may remember that there is no such name. SQLite asks for absent journals all the time.
  encodeEntry(out, 0, 0, lifetime);
  return entryOut.sizeBytes + attr.sizeBytes;
}

export function makeDirectory(tree: Tree, asked: RequestOf<'MKDIR'>, out: Buffer): number {
  return create(tree, asked, out, (parent) => mkdirat(parent.fd, asked.name, asked.mode & 0o7777));
}

/** Device nodes too, for those whom the kernel lets make them: as on any nodev mount nobody can open them here. */
export function makeNode(tree: Tree, asked: RequestOf<'MKNOD'>, out: Buffer): number {
  return create(tree, asked, out, (parent) => mknodat(parent.fd, asked.name, asked.mode, asked.rdev));
}

export function makeSymbolicLink(tree: Tree, asked: RequestOf<'SYMLINK'>, out: Buffer): number {
  return create(tree, asked, out, (parent) => symlinkat(asked.target, parent.fd, asked.name));
}

export function makeLink(tree: Tree, asked: RequestOf<'LINK'>, out: Buffer): number {
  const old = tree.nodes.get(asked.oldNodeId);
  const parent = tree.nodes.get(asked.nodeId);
  if (old === undefined || parent === undefined) return -ESTALE;
  // A second name would be on the disk, and programs copy the file instead.
  if (tree.ram.isInRam(old)) return -EXDEV;
  tree.ram.changesDisk(parent);
  tree.ownChanges.add(parent, asked.newName);
  noteMaking(tree, parent, asked.newName);
  const result = linkat(old.fd, emptyPath, parent.fd, asked.newName, AT_EMPTY_PATH);
  if (result < 0 && !isMadeAlready(tree)) return failed();
  dropSidecarsOfRemoved(tree, parent, asked.newName);
  const node = resolve(tree, parent, asked.newName);
  if (typeof node === 'number') return node;
  const answer = answerEntry(tree, node, out);
  return answer;
}

export function unlinkFile(tree: Tree, asked: RequestOf<'UNLINK'>): number {
  return remove(tree, asked, 0);
}

export function removeDirectory(tree: Tree, asked: RequestOf<'RMDIR'>): number {
  return remove(tree, asked, AT_REMOVEDIR);
}

export function rename(tree: Tree, asked: RequestOf<'RENAME'>): number {
  const from = tree.nodes.get(asked.nodeId);
  const to = tree.nodes.get(asked.newParent);
  if (from === undefined || to === undefined) return -ESTALE;
  if ((asked.flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) !== 0) return -EINVAL;
  tree.ownChanges.add(from, asked.name);
  tree.ownChanges.add(to, asked.newName);
  if (isRenamedAlready(tree, to, asked.newName)) {
    const { replaced } = tree.operation;
    return noteRenamed(tree, from, to, asked, replaced === undefined ? undefined : tree.nodes.find(replaced));
  }
  const target = noteRename(tree, from, to, asked);
  if (target === 'unknown') return -ESTALE;
  const inRam = renameInRam(tree, from, to, asked); // SILENT, where it comes again, is negative too
  if (inRam !== undefined && inRam < 0) return inRam;
  if (inRam === undefined) {
    tree.ram.changesDisk(from);
    tree.ram.changesDisk(to);
    if (renameat2(from.fd, asked.name, to.fd, asked.newName, asked.flags) < 0) return failed();
  }
  const replaced = target && tree.nodes.find(inodeKey(target));
  if (target !== undefined && (asked.flags & RENAME_EXCHANGE) === 0) noteLostName(tree, target, to, asked.newName);
  return noteRenamed(tree, from, to, asked, replaced);
}

/** What follows from a rename. Once more after a death: the process that has renamed may have come to none of it. */
function noteRenamed(tree: Tree, from: Node, to: Node, asked: RequestOf<'RENAME'>, target: Node | undefined): number {
  const { name, newName } = asked;
  const isExchange = (asked.flags & RENAME_EXCHANGE) !== 0;
  if (target === undefined) dropSidecarsOfRemoved(tree, to, newName);
  else if (!isExchange) dropLeftSidecars(tree, to, newName, target);
  noteMoved(tree, from, name, to, newName);
  if (isExchange) noteMoved(tree, to, newName, from, name);
  return 0;
}

function create(
  tree: Tree,
  asked: Header & { readonly name: Name },
  out: Buffer,
  make: (parent: Node) => number,
): number {
  const parent = tree.nodes.get(asked.nodeId);
  if (parent === undefined) return -ESTALE;
  tree.caller.become(asked.uid, asked.gid);
  tree.ownChanges.add(parent, asked.name);
  noteMaking(tree, parent, asked.name);
  tree.ram.changesDisk(parent);
  if (make(parent) < 0 && !isMadeAlready(tree)) return failed();
  const node = resolve(tree, parent, asked.name);
  return typeof node === 'number' ? node : answerEntry(tree, node, out);
}

function remove(tree: Tree, asked: Header & { readonly name: Name }, removeFlags: number): number {
  const parent = tree.nodes.get(asked.nodeId);
  if (parent === undefined) return -ESTALE;
  tree.ownChanges.add(parent, asked.name);
  const { operation, ram, stat } = tree;
  const directory = ram.directoryOf(parent, asked.name);
  if (!statAt(directory, asked.name, AT_SYMLINK_NOFOLLOW, stat)) return operation.hasRemoved ? 0 : failed();
  if (!isKnown(tree, parent, asked.name)) return -ESTALE;
  operation.intendToRemove(stat);
  const key = inodeKey(stat);
  const links = Buffer.from(stat);
  const folder = directory === parent.fd ? undefined : ram.folderOf(parent, textOf(asked.name));
  if (folder === undefined) ram.changesDisk(parent);
  else removeOnDisk(tree, parent, asked.name);
  const isKept = folder !== undefined && keepLog(tree, folder, asked.name);
  if (!isKept && unlinkat(directory, asked.name, removeFlags) < 0) return failed();
  if (folder !== undefined) ram.removed(folder, textOf(asked.name), key);
  noteLostName(tree, links, parent, asked.name);
  return 0;
}

/** `stat` describes the file before its name was removed. */
function noteLostName({ nodes, removedDatabases }: Tree, stat: Buffer, parent: Node, name: Name): void {
  const node = nodes.find(inodeKey(stat));
  node?.names.delete(parent, name);
  if (node === undefined || stat.readUInt32LE(statxOffset.nlink) > 1) return;
  node.lostLastName();
  removedDatabases.removed(parent, name, node);
}

/** The kernel gives a known file its new name without asking for it. */
function noteMoved(tree: Tree, from: Node, name: Name, to: Node, newName: Name): void {
  const { nodes, ram, stat } = tree;
  const isThere = statAt(ram.directoryOf(to, newName), newName, AT_SYMLINK_NOFOLLOW, stat);
  if (isThere && (stat.readUInt16LE(statxOffset.mode) & 0o170000) === 0o040000) ram.folders.pathsChanged();
  const node = isThere ? nodes.find(inodeKey(stat)) : undefined;
  if (node === undefined) return;
  node.names.delete(from, name);
  called(tree, node, to, newName);
}

function isMadeAlready(tree: Tree): boolean {
  return lastErrno() === EEXIST && tree.operation.hasMade;
}

function isRenamedAlready({ operation, ram, stat }: Tree, to: Node, newName: Name): boolean {
  if (!operation.isRenameRepeat) return false;
  return statAt(ram.directoryOf(to, newName), newName, AT_SYMLINK_NOFOLLOW, stat) && operation.hasRenamed(stat);
}

/**
 * Returns what is known of the file that has the new name, undefined if none has; nothing is to be done where one is
 * unknown.
 */
function noteRename(tree: Tree, from: Node, to: Node, asked: RequestOf<'RENAME'>): Buffer | 'unknown' | undefined {
  const { stat, operation, ram } = tree;
  const hasTarget = statAt(ram.directoryOf(to, asked.newName), asked.newName, AT_SYMLINK_NOFOLLOW, stat);
  if (hasTarget && !isKnown(tree, to, asked.newName)) return 'unknown';
  const target = hasTarget ? Buffer.from(stat) : undefined;
  if (!statAt(ram.directoryOf(from, asked.name), asked.name, AT_SYMLINK_NOFOLLOW, stat)) return target;
  if (!isKnown(tree, from, asked.name)) return 'unknown';
  operation.intendToRename(stat, target);
  return target;
}

/**
 * The kernel has checked who may remove or replace what it believes to have the name: in a sticky directory, only the
 * owner. A file that it has not met under this name has got it behind its back; ESTALE makes it look, check and ask
 * again. tree.stat describes the file.
 */
function isKnown({ nodes, stat }: Tree, parent: Node, name: Name): boolean {
  return nodes.find(inodeKey(stat))?.names.has(parent, name) === true;
}
