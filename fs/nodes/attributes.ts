// statx -> the kernel's attr, its lifetime, and GETATTR, SETATTR, STATFS, READLINK: what is known about one inode.

import { encodeAttributes, encodeEntry, type Lifetime } from '../protocol/encode.ts';
import * as flags from '../protocol/flags.ts';
import { attr, attrOut, entryOut, statfsOut } from '../protocol/layouts.ts';
import { type RequestOf, rootNodeId, type Timestamp } from '../protocol/requests.ts';
import { ESTALE } from '../protocol/results.ts';
import type { FileOffset } from '../protocol/words.ts';
import { sqliteFileOf } from '../sqlite/files.ts';
import {
  chmod,
  emptyPath,
  fchownat,
  fstatfs,
  ftruncate,
  PATH_MAX,
  pathOfDescriptor,
  readlinkat,
  truncate,
  utimensat,
} from '../system/files.ts';
import { failed } from '../system/libc.ts';
import { AT_EMPTY_PATH, statAt, statxOffset, statxSize } from '../system/stat.ts';
import { longBytes } from './errands.ts';
import { copyInodeNumber } from './inode-numbers.ts';
import type { Node } from './nodes.ts';
import { keptBits, readRootMode, writeRootMode } from './root-mode.ts';
import type { Tree } from './tree.ts';

/**
 * How long the kernel may trust names, absent names and attributes. Changes through the mount are known to it at once;
 * those behind its back are reported by channel/outside-changes.ts, and this is the bound where that fails. A loop of
 * transactions asks once per lifetime.
 */
export const lifetime: Lifetime = { seconds: 1, nanoseconds: 0 };
const noLifetime: Lifetime = { seconds: 0, nanoseconds: 0 };

/**
 * How long the kernel may trust that a name that was looked up exists. Never for `-journal`, `-wal` and `-shm`: a
 * program on the data directory may just have ended its transaction, and whoever still finds its journal rolls back
 * what was committed.
 */
export function lifetimeOfName(name: Buffer): Lifetime {
  const { kind } = sqliteFileOf(name.toString('latin1', 0, name.length - 1));
  return kind === 'database' ? lifetime : noLifetime;
}

/**
 * The same for a name that was just created. A journal is trusted: its creator is about to unlink it, which would have
 * to ask again.
 */
export function lifetimeOfNewName(name: Buffer): Lifetime {
  const { kind } = sqliteFileOf(name.toString('latin1', 0, name.length - 1));
  return kind === 'wal' || kind === 'shm' ? noLifetime : lifetime;
}

const UTIME_NOW = (1 << 30) - 1;
const UTIME_OMIT = (1 << 30) - 2;
const keepId = 0xffffffff; // chown(2): -1 leaves an id as it is
const timespecBytes = 16;
/** What statx counts in. */
const blockBytes = 512;
const times = Buffer.alloc(2 * timespecBytes);
const statfsBuffer = Buffer.alloc(120);
const backingStat = Buffer.alloc(statxSize);

/** Payload of the answer to LOOKUP and all that create names. tree.stat describes the node. Counts the lookup. */
export function answerEntry(tree: Tree, node: Node, out: Buffer, at = 0, trusted = lifetime): number {
  countLookup(tree, node);
  encodeEntry(out, at, node.id, trusted);
  copyAttributes(tree, node, out, at + entryOut.sizeBytes);
  return entryOut.sizeBytes + attr.sizeBytes;
}

/** Once for every entry in an answer, and not again when the request is repeated after a take-over. */
function countLookup({ operation }: Tree, node: Node): void {
  if (!operation.countsLookup()) return;
  node.lookups += 1;
  operation.counted();
}

export function getAttributes(tree: Tree, asked: RequestOf<'GETATTR'>, out: Buffer): number {
  const node = tree.nodes.get(asked.nodeId);
  if (node === undefined || tree.ram.databases.hides(node)) return -ESTALE;
  return answerAttributes(tree, node, out);
}

export function setAttributes(tree: Tree, asked: RequestOf<'SETATTR'>, out: Buffer): number {
  const node = tree.nodes.get(asked.nodeId);
  if (node === undefined || tree.ram.databases.hides(node)) return -ESTALE;
  const { valid } = asked;
  const has = (bit: number) => (valid & bit) !== 0;
  const { UID, GID, MODE, SIZE, ATIME, MTIME, FH } = flags.attribute;
  // Owner before mode: chown clears the set-id bits, and the mode that the kernel sends already says what should be
  // left. A request without any of these is a chown(2) that leaves both ids alone, and moves ctime all the same.
  if (has(UID | GID) || !has(MODE | SIZE | ATIME | MTIME)) {
    const uid = has(UID) ? asked.uid : keepId;
    const gid = has(GID) ? asked.gid : keepId;
    if (fchownat(node.fd, emptyPath, uid, gid, AT_EMPTY_PATH) < 0) return failed();
  }
  if (!has(SIZE)) return setModeAndTimes(tree, node, asked, out);
  const fd = has(FH) ? (tree.files.get(asked.fh)?.fd ?? -1) : -1;
  tree.capture?.resizing(node, asked.size);
  if (freesMuch(tree, node, asked.size)) {
    const isOpen = fd >= 0;
    const call = { call: 'truncate', fds: [isOpen ? fd : node.fd], isOpen, size: asked.size } as const;
    return tree.errands.start(asked, node, call, (result, answer) => {
      if (tree.nodes.get(asked.nodeId) !== node) return -ESTALE; // its client has been killed
      if (result < 0) tree.capture?.spoiled(node, 'its size could not be changed');
      return result < 0 ? result : setModeAndTimes(tree, node, asked, answer);
    });
  }
  const result = fd >= 0 ? ftruncate(fd, asked.size) : truncate(pathOfDescriptor(node.fd), asked.size);
  if (result >= 0) return setModeAndTimes(tree, node, asked, out);
  const error = failed();
  tree.capture?.spoiled(node, 'its size could not be changed');
  return error;
}

function freesMuch({ stat }: Tree, node: Node, size: FileOffset): boolean {
  if (!statAt(node.fd, emptyPath, AT_EMPTY_PATH, stat)) return false;
  return stat.readUIntLE(statxOffset.blocks, 6) * blockBytes > Number(size) + longBytes;
}

function setModeAndTimes(tree: Tree, node: Node, asked: RequestOf<'SETATTR'>, out: Buffer): number {
  const has = (bit: number) => (asked.valid & bit) !== 0;
  const { MODE, ATIME, MTIME, ATIME_NOW, MTIME_NOW } = flags.attribute;
  if (has(MODE) && changeMode(node, asked.mode & 0o7777) < 0) return failed();
  if (has(ATIME | MTIME)) {
    writeTime(0, has(ATIME), has(ATIME_NOW), asked.atime);
    writeTime(timespecBytes, has(MTIME), has(MTIME_NOW), asked.mtime);
    if (utimensat(node.fd, emptyPath, times, AT_EMPTY_PATH) < 0) return failed();
  }
  return answerAttributes(tree, node, out);
}

export function readLink(tree: Tree, asked: RequestOf<'READLINK'>, out: Buffer): number {
  const node = tree.nodes.get(asked.nodeId);
  if (node === undefined) return -ESTALE;
  const size = readlinkat(node.fd, emptyPath, out, PATH_MAX);
  return size < 0 ? failed() : size;
}

export function statFileSystem(tree: Tree, asked: RequestOf<'STATFS'>, out: Buffer): number {
  const node = tree.nodes.get(asked.nodeId);
  if (node === undefined) return -ESTALE;
  if (fstatfs(node.fd, statfsBuffer) < 0) return failed();
  // struct statfs: type, bsize, blocks, bfree, bavail, files, ffree, fsid, namelen, frsize: 8 bytes each.
  out.fill(0, 0, statfsOut.sizeBytes);
  statfsBuffer.copy(out, statfsOut.blocks, 16, 56);
  statfsBuffer.copy(out, statfsOut.bsize, 8, 12);
  statfsBuffer.copy(out, statfsOut.namelen, 64, 68);
  statfsBuffer.copy(out, statfsOut.frsize, 72, 76);
  return statfsOut.sizeBytes;
}

function answerAttributes(tree: Tree, node: Node, out: Buffer): number {
  if (!statAt(node.fd, emptyPath, AT_EMPTY_PATH, tree.stat)) return failed();
  if (node.id === rootNodeId) showRootMode(node, tree.stat);
  encodeAttributes(out, 0, lifetime);
  copyAttributes(tree, node, out, attrOut.sizeBytes);
  return attrOut.sizeBytes + attr.sizeBytes;
}

function showRootMode({ fd }: Node, stat: Buffer): void {
  const shown = readRootMode(pathOfDescriptor(fd));
  if (shown === undefined) return;
  const mode = stat.readUInt16LE(statxOffset.mode);
  stat.writeUInt16LE((mode & ~keptBits) | shown, statxOffset.mode);
}

/** Of the root only the set-id bits reach the data directory: see root-mode.ts. */
function changeMode(node: Node, mode: number): number {
  const path = pathOfDescriptor(node.fd);
  if (node.id !== rootNodeId || !writeRootMode(path, mode)) return chmod(path, mode);
  if (!statAt(node.fd, emptyPath, AT_EMPTY_PATH, backingStat)) return -1;
  const own = backingStat.readUInt16LE(statxOffset.mode) & keptBits;
  return chmod(path, own | (mode & ~keptBits));
}

function copyAttributes({ ram, stat }: Tree, node: Node, out: Buffer, at: number): void {
  const shown = ram.databases.numberOf(node);
  if (shown) copyInodeNumber(shown.space, shown.inode, 0, out, at + attr.ino);
  else copyInodeNumber(node.space, stat, statxOffset.ino, out, at + attr.ino);
  stat.copy(out, at + attr.size, statxOffset.size, statxOffset.size + 16); // size and blocks are neighbours in both
  stat.copy(out, at + attr.atime, statxOffset.atime, statxOffset.atime + 8);
  stat.copy(out, at + attr.mtime, statxOffset.mtime, statxOffset.mtime + 8);
  stat.copy(out, at + attr.ctime, statxOffset.ctime, statxOffset.ctime + 8);
  out.writeUInt32LE(stat.readUInt32LE(statxOffset.atime + 8), at + attr.atimensec);
  out.writeUInt32LE(stat.readUInt32LE(statxOffset.mtime + 8), at + attr.mtimensec);
  out.writeUInt32LE(stat.readUInt32LE(statxOffset.ctime + 8), at + attr.ctimensec);
  out.writeUInt32LE(stat.readUInt16LE(statxOffset.mode), at + attr.mode);
  out.writeUInt32LE(stat.readUInt32LE(statxOffset.nlink), at + attr.nlink);
  out.writeUInt32LE(stat.readUInt32LE(statxOffset.uid), at + attr.uid);
  out.writeUInt32LE(stat.readUInt32LE(statxOffset.gid), at + attr.gid);
  out.writeUInt32LE(
    encodeDevice(stat.readUInt32LE(statxOffset.rdevMajor), stat.readUInt32LE(statxOffset.rdevMinor)),
    at + attr.rdev,
  );
  out.writeUInt32LE(stat.readUInt32LE(statxOffset.blksize), at + attr.blksize);
  out.writeUInt32LE(0, at + attr.flags);
}

/** The kernel's 32-bit form of a device number: 12 bits major between the two parts of the minor. */
function encodeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

function writeTime(at: number, isSet: boolean, isNow: boolean, time: Timestamp): void {
  times.writeBigInt64LE(time.seconds, at);
  times.writeBigInt64LE(BigInt(isSet ? (isNow ? UTIME_NOW : time.nanoseconds) : UTIME_OMIT), at + 8);
}
