// Operations on open files: create, open, read, write, sync, release. Where the kernel passes a file through, READ and
// WRITE never arrive; everything else does.
import { encodeOpen, encodeSeek, encodeWritten } from '../protocol/encode.ts';
import * as flags from '../protocol/flags.ts';

import type { RequestOf } from '../protocol/requests.ts';
import { EAGAIN, EBADF, EBUSY, EEXIST, EIO, ENFILE, ENOSPC, ESTALE } from '../protocol/results.ts';
import { sqliteFileOf } from '../sqlite/files.ts';
import {
  close,
  copyFileRange,
  emptyPath,
  fallocate,
  lseek,
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  openAgain,
  openat,
  pathOfDescriptor,
  pread,
  preadCached,
  pwrite,
} from '../system/files.ts';
import { failed, lastErrno } from '../system/libc.ts';
import { AT_EMPTY_PATH, AT_FDCWD, statAt, statxOffset } from '../system/stat.ts';
import { secondsSinceBoot } from '../system/threads.ts';
import { answerEntry, lifetimeOfNewName } from './attributes.ts';
import { longBytes } from './errands.ts';
import type { FileHandle } from './handles.ts';
import { dropSidecarsOfRemoved } from './left-sidecars.ts';
import type { Node } from './nodes.ts';
import { textOf } from './ram-files.ts';
import { makeOnDisk, takeGroup, unmakeOnDisk } from './ram-names.ts';
import { adopt, called, noteMaking, type Tree } from './tree.ts';

/** One request copies at most this much: callers go on where it ended. */
const copyBytes = 8 << 20;
/** fallocate(2): the room is reserved behind the end of the file, which stays where it is. */
const FALLOC_FL_KEEP_SIZE = 1;
const fromOffset = Buffer.alloc(8);
const toOffset = Buffer.alloc(8);

/** The answer to an open, with the handle that it names. */
export interface Opened {
  readonly handle: FileHandle;
  readonly sizeBytes: number;
}

/** A number is a negative errno. */
export function openFile(tree: Tree, asked: RequestOf<'OPEN'>, out: Buffer): Opened | number {
  const node = tree.nodes.get(asked.nodeId);
  if (node === undefined) return -ESTALE;
  const opened = asked.isResent ? tree.files.openedBy(asked.unique) : undefined;
  if (opened !== undefined) return answerOpen(opened, flags.open.KEEP_CACHE, out, 0);
  // It has moved between disk and RAM: the kernel looks its name up again.
  if (tree.ram.databases.hides(node) || tree.ram.isLeft(node)) return -ESTALE;
  if (tree.ram.isRefused(node)) return -EIO;
  if (!tree.files.hasRoom()) return -ENFILE;
  const isFenced = tree.fence.covers(node.key);
  if (isFenced && tree.refusesFenced) return -EBUSY;
  const backingId = isFenced || isCaptured(tree, node) ? 0 : tree.passthrough.acquire(node);
  // Without passthrough the file is opened now, so that an error is the answer to open(2).
  const fd = backingId > 0 ? -1 : openAgain(node.fd, asked.flags);
  if (backingId === 0 && fd < 0) return failed();
  return open(tree, node, asked, fd, out, 0);
}

/** What lies in RAM has no journal beside it on the disk, and is passed through. */
function isCaptured(tree: Tree, node: Node): boolean {
  return tree.capture !== undefined && !tree.ram.isInRam(node) && tree.capture.claims(node);
}

export function createFile(tree: Tree, asked: RequestOf<'CREATE'>, out: Buffer): Opened | number {
  const parent = tree.nodes.get(asked.nodeId);
  if (parent === undefined) return -ESTALE;
  const opened = asked.isResent ? tree.files.openedBy(asked.unique) : undefined;
  if (opened === undefined && !(tree.files.hasRoom() && tree.nodes.hasRoom())) return -ENFILE;
  tree.caller.become(asked.uid, asked.gid);
  tree.ownChanges.add(parent, asked.name);
  noteMaking(tree, parent, asked.name);
  // Only the file that was made for this very request, by a process that died before it could answer, may be there.
  const isRepeat = tree.operation.hasMade;
  const wanted = (asked.flags & O_ACCMODE) | O_CREAT | (isRepeat ? 0 : O_EXCL);
  const openFlags = wanted | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  const fd = makeFile(tree, parent, asked, openFlags, isRepeat);
  if (fd < 0) return fd;
  dropSidecarsOfRemoved(tree, parent, asked.name);
  const pathFd = openat(AT_FDCWD, pathOfDescriptor(fd), O_PATH | O_CLOEXEC, 0);
  const node = pathFd < 0 ? failed() : adopt(tree, pathFd);
  if (typeof node === 'number') {
    close(fd);
    return node;
  }
  called(tree, node, parent, asked.name);
  const entryBytes = answerEntry(tree, node, out, 0, lifetimeOfNewName(asked.name));
  if (opened !== undefined) {
    close(fd);
    return answerOpen(opened, flags.open.KEEP_CACHE, out, entryBytes);
  }
  if (!tree.fence.covers(node.key) && !isCaptured(tree, node)) tree.passthrough.acquire(node);
  return open(tree, node, asked, fd, out, entryBytes);
}

/** A descriptor of the new file, on the disk or in RAM, or a negative errno. */
function makeFile(tree: Tree, parent: Node, asked: RequestOf<'CREATE'>, openFlags: number, isRepeat: boolean): number {
  const { ram } = tree;
  const { name } = asked;
  const mode = asked.mode & 0o7777;
  const folder = ram.folderForNew(parent, name);
  // Of a companion in RAM the disk has an empty file at most, which no sync of the directory has to keep.
  const isDatabase = sqliteFileOf(textOf(name)).kind === 'database';
  if (folder === undefined || isDatabase) ram.changesDisk(parent);
  if (folder !== undefined) {
    const onDisk = makeOnDisk(parent, name, mode, isRepeat);
    if (onDisk < 0) return notCreated(asked, onDisk);
    const inRam = openat(folder.fd, name, openFlags, mode);
    if (inRam >= 0) {
      takeGroup(tree, parent, inRam);
      ram.appeared(folder, textOf(name));
      return inRam;
    }
    const error = failed();
    if (error !== -ENOSPC || !isDatabase) return notCreated(asked, error);
    unmakeOnDisk(parent, name);
  }
  const fd = openat(parent.fd, name, openFlags, mode);
  return fd < 0 ? notCreated(asked, failed()) : fd;
}

/**
 * The kernel asks to create a name that it believes to be free. One that has appeared behind its back has an owner and
 * a mode that the kernel has not checked: ESTALE makes it look the name up, and open the file like any other.
 */
function notCreated(asked: RequestOf<'CREATE'>, error: number): number {
  return error === -EEXIST && (asked.flags & O_EXCL) === 0 ? -ESTALE : error;
}

export function readFile(tree: Tree, asked: RequestOf<'READ'>, out: Buffer): number {
  const fd = descriptorOf(tree, asked.fh);
  if (fd < 0) return fd;
  const { offset } = asked;
  const sizeBytes = Math.min(asked.size, out.length);
  const cached = preadCached(fd, out, sizeBytes, offset);
  if (cached === sizeBytes || (cached >= 0 && endsBy(tree, fd, Number(offset) + cached))) return cached;
  if (cached < 0 && lastErrno() !== EAGAIN) {
    const size = pread(fd, out, sizeBytes, offset);
    return size < 0 ? failed() : size;
  }
  // The disk has the rest.
  const call = { call: 'pread', fds: [fd], offset, sizeBytes } as const;
  return tree.errands.start(asked, nodeOf(tree, asked.fh), call, (result, answer, data) => {
    if (result > 0) answer.set(data?.subarray(0, result) ?? []);
    return result;
  });
}

function endsBy({ stat }: Tree, fd: number, offset: number): boolean {
  return statAt(fd, emptyPath, AT_EMPTY_PATH, stat) && stat.readUIntLE(statxOffset.size, 6) <= offset;
}

export function writeFile(tree: Tree, asked: RequestOf<'WRITE'>, out: Buffer): number {
  const fd = descriptorOf(tree, asked.fh);
  if (fd < 0) return fd;
  const { offset, data } = asked;
  const { capture } = tree;
  if (capture === undefined) {
    const size = pwrite(fd, data, data.length, offset);
    return size < 0 ? failed() : encodeWritten(out, size);
  }
  const node = nodeOf(tree, asked.fh);
  // First: if this process is killed in between, nothing is in the file that was not captured.
  capture.writing(node, offset, data);
  const size = pwrite(fd, data, data.length, offset);
  const result = size < 0 ? failed() : encodeWritten(out, size);
  if (size !== data.length) capture.spoiled(node, 'a write has failed');
  return result;
}

export function syncFile(tree: Tree, asked: RequestOf<'FSYNC'>): number {
  // A tmpfs has nothing to write, and how long syncs of the disk take says nothing about it.
  if (isOpenInRam(tree, asked.fh)) return 0;
  const fd = descriptorOf(tree, asked.fh);
  if (fd < 0) return fd;
  const { isDataOnly, unique, isResent } = asked;
  return tree.syncer.sync({ fd, isDataOnly, unique, isResent });
}

export function allocate(tree: Tree, asked: RequestOf<'FALLOCATE'>): number {
  const fd = descriptorOf(tree, asked.fh);
  if (fd < 0) return fd;
  const { mode, offset, length } = asked;
  // Room that is reserved changes no bytes: a file that grows has zeros there.
  if (mode & ~FALLOC_FL_KEEP_SIZE)
    tree.capture?.spoiled(nodeOf(tree, asked.fh), 'a part of the file was freed or moved');
  if (length >= longBytes) {
    const call = { call: 'fallocate', fds: [fd], mode, offset, length } as const;
    return tree.errands.start(asked, nodeOf(tree, asked.fh), call, (result) => result);
  }
  return fallocate(fd, mode, offset, length) < 0 ? failed() : 0;
}

export function seek(tree: Tree, asked: RequestOf<'LSEEK'>, out: Buffer): number {
  const fd = descriptorOf(tree, asked.fh);
  if (fd < 0) return fd;
  const offset = lseek(fd, asked.offset, asked.whence);
  return offset < 0 ? failed() : encodeSeek(out, offset);
}

export function copyRange(tree: Tree, asked: RequestOf<'COPY_FILE_RANGE'>, out: Buffer): number {
  const from = descriptorOf(tree, asked.fhIn);
  if (from < 0) return from;
  const to = descriptorOf(tree, asked.fhOut);
  if (to < 0) return to;
  const { offsetIn, offsetOut, length } = asked;
  tree.capture?.spoiled(nodeOf(tree, asked.fhOut), 'a part of another file was copied into it');
  const sizeBytes = length < copyBytes ? Number(length) : copyBytes;
  if (sizeBytes >= longBytes) {
    const call = { call: 'copy_file_range', fds: [from, to], offsetIn, offsetOut, sizeBytes } as const;
    return tree.errands.start(asked, nodeOf(tree, asked.fhOut), call, (result, written) =>
      result < 0 ? result : encodeWritten(written, result),
    );
  }
  fromOffset.writeBigInt64LE(offsetIn);
  toOffset.writeBigInt64LE(offsetOut);
  const size = copyFileRange(from, fromOffset, to, toOffset, sizeBytes, 0);
  return size < 0 ? failed() : encodeWritten(out, size);
}

export function releaseFile(tree: Tree, asked: RequestOf<'RELEASE'>): number {
  const handle = tree.files.remove(asked.fh);
  if (handle === undefined) return 0; // released already, and asked again after a take-over
  const { node } = handle;
  if (handle.fd >= 0) close(handle.fd);
  if (handle.access !== O_RDONLY) tree.ownChanges.addClosed(node);
  node.opens -= 1;
  if (handle.isDirect) node.directOpens -= 1;
  if (node.opens > node.directOpens) return 0;
  tree.capture?.left(node);
  tree.passthrough.release(node);
  tree.nodes.dropIfUnused(node);
  return 0;
}

/** Counts the open and writes its answer at `at`. Takes over `fd`. */
function open(
  tree: Tree,
  node: Node,
  asked: RequestOf<'OPEN' | 'CREATE'>,
  fd: number,
  out: Buffer,
  at: number,
): Opened {
  const { pid, unique } = asked;
  const isDirect = tree.fence.covers(node.key);
  const openedS = secondsSinceBoot();
  const access = asked.flags & O_ACCMODE;
  const handle = tree.files.add((id) => ({ id, node, access, isDirect, fd, pid, openedS, unique }));
  // Without passthrough the first open drops what the kernel has cached, so that changes made behind the mount's back
  // are seen as in NFS; later opens must leave it alone, since mappings of others live there.
  const cacheFlag = node.opens > node.directOpens ? flags.open.KEEP_CACHE : 0;
  node.opens += 1;
  if (isDirect) node.directOpens += 1;
  return answerOpen(handle, cacheFlag, out, at);
}

function answerOpen(handle: FileHandle, cacheFlag: number, out: Buffer, at: number): Opened {
  const { id, node, isDirect } = handle;
  const backingId = isDirect ? 0 : node.backingId;
  const flag = isDirect ? flags.open.DIRECT_IO : backingId > 0 ? flags.open.PASSTHROUGH : cacheFlag;
  return { handle, sizeBytes: at + encodeOpen(out, at, id, flag, backingId) };
}

function isOpenInRam(tree: Tree, fh: FileHandle['id']): boolean {
  const handle = tree.files.get(fh);
  return handle !== undefined && tree.ram.isInRam(handle.node);
}

function nodeOf(tree: Tree, fh: FileHandle['id']): Node {
  const handle = tree.files.get(fh);
  if (handle === undefined) throw new Error(`no file is open as ${fh}`);
  return handle.node;
}

/** The handle's data descriptor, opened at its first use, or a negative errno. */
function descriptorOf(tree: Tree, fh: FileHandle['id']): number {
  const handle = tree.files.get(fh);
  if (handle === undefined) return -EBADF;
  if (handle.fd < 0) handle.fd = openAgain(handle.node.fd, handle.access);
  return handle.fd < 0 ? failed() : handle.fd;
}

/**
 * Closes the data descriptors on fenced files, which would look like somebody else's. They are opened again when
 * needed.
 */
export function closeFenced({ files, fence }: Tree): void {
  for (const handle of files.values()) {
    if (handle.fd < 0 || !fence.covers(handle.node.key)) continue;
    close(handle.fd);
    handle.fd = -1;
  }
}
