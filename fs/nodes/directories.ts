// Open directories. Offsets are the backing file system's own, so they stay valid while names come and go.
import { encodeEntry, encodeOpen } from '../protocol/encode.ts';
import { attr, dirent, entryOut } from '../protocol/layouts.ts';
import type { RequestOf } from '../protocol/requests.ts';
import { close, getdents64, lseek, O_CLOEXEC, O_DIRECTORY, O_RDONLY, openat } from '../system/files.ts';
import { answerEntry, lifetime, lifetimeOfName } from './attributes.ts';
import type { DirectoryHandle } from './handles.ts';
import type { Node } from './nodes.ts';
import { EBADF, ESTALE, failed, resolve, type Tree } from './tree.ts';

const SEEK_SET = 0;
const currentDirectory = Buffer.from('.\0');
const entriesBytes = 32 << 10;
// struct linux_dirent64: ino 0, off 8, reclen 16 (u16), type 18 (u8), name 19.
const linuxDirent = { ino: 0, off: 8, reclen: 16, type: 18, name: 19 } as const;
const plusBytes = entryOut.sizeBytes + attr.sizeBytes;

export function openDirectory(tree: Tree, asked: RequestOf<'OPENDIR'>, out: Buffer): number {
  const node = tree.nodes.get(asked.nodeId);
  if (node === undefined) return -ESTALE;
  const opened = asked.isResent ? tree.directories.openedBy(asked.unique) : undefined;
  if (opened !== undefined) return encodeOpen(out, 0, opened.id, 0, 0);
  const { pid, unique } = asked;
  const fd = openListing(node);
  if (fd < 0) return failed();
  const handle = tree.directories.add((id) => atStart({ id, node, access: O_RDONLY, pid, unique }, fd));
  return encodeOpen(out, 0, handle.id, 0, 0);
}

/** For a successor process: the kernel says in each READDIR where it goes on. Without descriptor if the directory is gone. */
export function openAgain(handle: Pick<DirectoryHandle, 'id' | 'node' | 'access' | 'pid' | 'unique'>): DirectoryHandle {
  return atStart(handle, openListing(handle.node));
}

function openListing(node: Node): number {
  return openat(node.fd, currentDirectory, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
}

function atStart(handle: Pick<DirectoryHandle, 'id' | 'node' | 'access' | 'pid' | 'unique'>, fd: number) {
  return { ...handle, fd, entries: Buffer.allocUnsafe(entriesBytes), start: 0, end: 0, offset: 0n };
}

export function readDirectory(tree: Tree, asked: RequestOf<'READDIR'>, out: Buffer): number {
  return list(tree, asked, out, () => 0, 0);
}

/** READDIR with a LOOKUP of every name but `.` and `..`: the kernel gets the attributes at once. */
export function readDirectoryPlus(tree: Tree, asked: RequestOf<'READDIRPLUS'>, out: Buffer): number {
  const parent = tree.nodes.get(asked.nodeId);
  if (parent === undefined) return -ESTALE;
  return list(tree, asked, out, (name, at) => writeEntry(tree, parent, name, out, at), plusBytes);
}

export function releaseDirectory(tree: Tree, asked: RequestOf<'RELEASEDIR'>): number {
  const handle = tree.directories.remove(asked.fh);
  if (handle === undefined) return 0; // released already, and asked again after a take-over
  if (handle.fd >= 0) close(handle.fd);
  return 0;
}

export function syncDirectory(tree: Tree, asked: RequestOf<'FSYNCDIR'>): number {
  const handle = tree.directories.get(asked.fh);
  if (handle === undefined) return -EBADF;
  const { isDataOnly, unique, isResent } = asked;
  return tree.syncer.sync({ fd: handle.fd, isDataOnly, unique, isResent });
}

/** Writes records of `prefixBytes` (filled by `prefix`) and a dirent each, as many whole ones as fit the kernel's buffer. */
function list(
  tree: Tree,
  asked: RequestOf<'READDIR'> | RequestOf<'READDIRPLUS'>,
  out: Buffer,
  prefix: (name: Buffer, at: number) => void,
  prefixBytes: number,
): number {
  const handle = tree.directories.get(asked.fh);
  if (handle === undefined) return -EBADF;
  if (asked.offset !== handle.offset) {
    if (lseek(handle.fd, asked.offset, SEEK_SET) < 0) return failed();
    handle.start = 0;
    handle.end = 0;
    handle.offset = asked.offset;
  }
  const limit = Math.min(asked.size, out.length);
  let written = 0;
  for (;;) {
    if (handle.start === handle.end) {
      const size = getdents64(handle.fd, handle.entries, handle.entries.length);
      if (size < 0) return written > 0 ? written : failed();
      if (size === 0) return written;
      handle.start = 0;
      handle.end = size;
    }
    const { entries, start } = handle;
    const zero = entries.indexOf(0, start + linuxDirent.name);
    const name = entries.subarray(start + linuxDirent.name, zero + 1);
    const namelen = name.length - 1;
    const recordBytes = (prefixBytes + dirent.sizeBytes + namelen + 7) & ~7;
    if (written + recordBytes > limit) return written;
    out.fill(0, written, written + recordBytes);
    prefix(name, written);
    const at = written + prefixBytes;
    entries.copy(out, at + dirent.ino, start + linuxDirent.ino, start + linuxDirent.ino + 16); // ino and off
    out.writeUInt32LE(namelen, at + dirent.namelen);
    out.writeUInt32LE(entries.readUInt8(start + linuxDirent.type), at + dirent.type);
    name.copy(out, at + dirent.sizeBytes, 0, namelen);
    written += recordBytes;
    advance(handle);
  }
}

function advance(handle: DirectoryHandle): void {
  handle.offset = handle.entries.readBigInt64LE(handle.start + linuxDirent.off);
  handle.start += handle.entries.readUInt16LE(handle.start + linuxDirent.reclen);
}

function writeEntry(tree: Tree, parent: Node, name: Buffer, out: Buffer, at: number): void {
  const isDots = name[0] === 0x2e && (name.length === 2 || (name.length === 3 && name[1] === 0x2e));
  const node = isDots ? undefined : resolve(tree, parent, name);
  // A name that vanished meanwhile, or cannot be looked up, is listed without attributes: node id 0.
  if (node === undefined || typeof node === 'number') encodeEntry(out, at, 0, { ...lifetime, seconds: 0 });
  else answerEntry(tree, node, out, at, lifetimeOfName(name));
}
