// Reading and syncing directories. There is no OPENDIR: the kernel checks permissions by itself, goes on without a
// handle once it has heard ENOSYS (since Linux 5.1), and keeps what it has read until the directory changes. Offsets
// are the backing file system's own.

import { encodeEntry } from '../protocol/encode.ts';
import { attr, dirent, entryOut } from '../protocol/layouts.ts';
import type { RequestOf } from '../protocol/requests.ts';
import { ESTALE } from '../protocol/results.ts';
import { sqliteFileOf } from '../sqlite/files.ts';
import { getdents64, openDirectoryAgain } from '../system/files.ts';
import { failed } from '../system/libc.ts';
import { statxOffset } from '../system/stat.ts';
import { answerEntry, lifetime, lifetimeOfName } from './attributes.ts';
import { copyInodeNumber, type InodeSpace } from './inode-numbers.ts';
import type { Listing } from './listings.ts';
import type { Node } from './nodes.ts';
import { textOf } from './ram-files.ts';
import { resolve, type Tree } from './tree.ts';

// struct linux_dirent64: ino 0, off 8, reclen 16 (u16), type 18 (u8), name 19.
const linuxDirent = { ino: 0, off: 8, reclen: 16, type: 18, name: 19 } as const;
const DT_UNKNOWN = 0;
const DT_DIR = 4;
/** The work of one answer, in entries of 1 us: whoever waits for a lock waits meanwhile. */
const mostWork = 1000;
/** Of an entry whose inode is looked at, and of one that is looked up. */
const work = { read: 1, looked: 4, attributes: 10 } as const;
const plusBytes = entryOut.sizeBytes + attr.sizeBytes;

/**
 * Writes what comes before an entry's dirent, at `at`. Where another file system is mounted, the number in the
 * directory is that of what lies below: returns the space of the number in tree.stat, which counts then, or undefined
 * for the one in the directory.
 */
type EntryWriter = (name: Buffer, type: number, at: number) => InodeSpace | undefined;

export function readDirectory(tree: Tree, asked: RequestOf<'READDIR'>, out: Buffer): number {
  const directory = tree.nodes.get(asked.nodeId);
  if (directory === undefined) return -ESTALE;
  const { inodeNumbers, stat } = tree;
  const write: EntryWriter = (name, type) => {
    if (tree.ram.hasFolder(directory) && sqliteFileOf(textOf(name)).kind !== 'database') {
      const inRam = tree.ram.directoryOf(directory, name);
      if (inRam !== directory.fd) return inodeNumbers.spaceAt(inRam, name, stat);
    }
    const mayBeElsewhere = type === DT_DIR || type === DT_UNKNOWN || inodeNumbers.areSeveral;
    return mayBeElsewhere && !isDots(name) ? inodeNumbers.spaceAt(directory.fd, name, stat) : undefined;
  };
  return list(tree, directory, asked, out, write, 0);
}

/** READDIR with a LOOKUP of every name but `.` and `..`: the kernel gets the attributes at once. */
export function readDirectoryPlus(tree: Tree, asked: RequestOf<'READDIRPLUS'>, out: Buffer): number {
  const directory = tree.nodes.get(asked.nodeId);
  if (directory === undefined) return -ESTALE;
  return list(tree, directory, asked, out, (name, _type, at) => writeEntry(tree, directory, name, out, at), plusBytes);
}

/** How much it writes cannot be asked beforehand: how long syncs have taken lately decides who does it. */
export function syncDirectory(tree: Tree, asked: RequestOf<'FSYNCDIR'>): number {
  const node = tree.nodes.get(asked.nodeId);
  if (node === undefined) return -ESTALE;
  if (!tree.ram.needsSync(node)) return 0;
  const fd = openDirectoryAgain(node.fd);
  if (fd < 0) return failed();
  const { isDataOnly, unique, isResent } = asked;
  return tree.syncer.sync({ fd, isOwn: true, isDataOnly, unique, isResent });
}

/**
 * Writes records of `prefixBytes` (filled by `write`) and a dirent each, as many whole ones as fit the kernel's buffer.
 */
function list(
  { listings, ram, stat }: Tree,
  directory: Node,
  asked: RequestOf<'READDIR'> | RequestOf<'READDIRPLUS'>,
  out: Buffer,
  write: EntryWriter,
  prefixBytes: number,
): number {
  const listing = listings.at(directory, asked.offset);
  if (listing === undefined) return failed();
  const limit = Math.min(asked.size, out.length);
  const hidesNames = ram.hasFolder(directory);
  let written = 0;
  for (let done = 0; done < mostWork; ) {
    if (listing.start === listing.end) {
      const size = getdents64(listing.fd, listing.entries, listing.entries.length);
      if (size < 0) return written > 0 ? written : failed();
      if (size === 0) {
        if (written === 0) listings.finish(listing);
        return written;
      }
      listing.start = 0;
      listing.end = size;
    }
    const { entries, start } = listing;
    const zero = entries.indexOf(0, start + linuxDirent.name);
    const name = entries.subarray(start + linuxDirent.name, zero + 1);
    if (hidesNames && ram.isHidden(directory, textOf(name))) {
      advance(listing);
      continue;
    }
    const namelen = name.length - 1;
    const recordBytes = (prefixBytes + dirent.sizeBytes + namelen + 7) & ~7;
    if (written + recordBytes > limit) return written;
    out.fill(0, written, written + recordBytes);
    const type = entries.readUInt8(start + linuxDirent.type);
    const space = write(name, type, written);
    const at = written + prefixBytes;
    if (space === undefined) copyInodeNumber(directory.space, entries, start + linuxDirent.ino, out, at + dirent.ino);
    else copyInodeNumber(space, stat, statxOffset.ino, out, at + dirent.ino);
    entries.copy(out, at + dirent.off, start + linuxDirent.off, start + linuxDirent.off + 8);
    out.writeUInt32LE(namelen, at + dirent.namelen);
    out.writeUInt32LE(type, at + dirent.type);
    name.copy(out, at + dirent.sizeBytes, 0, namelen);
    written += recordBytes;
    if (prefixBytes > 0) listing.attributes += 1;
    done += prefixBytes > 0 ? work.attributes : space === undefined ? work.read : work.looked;
    advance(listing);
  }
  return written;
}

function advance(listing: Listing): void {
  listing.offset = listing.entries.readBigInt64LE(listing.start + linuxDirent.off);
  listing.start += listing.entries.readUInt16LE(listing.start + linuxDirent.reclen);
}

function writeEntry(tree: Tree, parent: Node, name: Buffer, out: Buffer, at: number): InodeSpace | undefined {
  const node = isDots(name) ? undefined : resolve(tree, parent, name);
  if (node !== undefined && typeof node !== 'number') {
    answerEntry(tree, node, out, at, lifetimeOfName(name));
    return tree.ram.databases.numberOf(node) === undefined ? node.space : undefined;
  }
  // A name that vanished meanwhile, or cannot be looked up, is listed without attributes: node id 0.
  encodeEntry(out, at, 0, { ...lifetime, seconds: 0 });
  return undefined;
}

function isDots(name: Buffer): boolean {
  return name[0] === 0x2e && (name.length === 2 || (name.length === 3 && name[1] === 0x2e));
}
