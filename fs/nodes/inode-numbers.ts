// The inode numbers that programs see on the mount. Every file of the mount has one st_dev, and SQLite takes two files for one when
// st_dev and st_ino are the same; below the data directory, however, other file systems may be mounted (a volume per app, btrfs
// subvolumes), each with numbers of its own. The data directory's own file system keeps its numbers; each other one gets
// a space, whose index stands in bits 40 to 52: programs that keep numbers as doubles still tell them apart. A number that does
// not fit into 40 bits becomes a hash of 62 bits, above all others.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../log.ts';
import { fstatfs } from '../system/files.ts';
import { statxOffset } from '../system/stat.ts';

/** 0: the data directory's own file system. */
export type InodeSpace = number;

/** Bits of the upper word that belong to the number itself; the space stands above them. */
const upperBits = 8;
const spaces = 0x1fff;
/** Bit 62: such numbers are above those of all spaces, and positive for those who read them as signed. */
const wideBit = 0x40000000;
/** struct statfs of 64-bit Linux: f_fsid, two words. */
const fsidAt = 56;

/** Which space a device has, kept over restarts: a number must not change while a program has the file open. */
export interface SpaceStore {
  load(): ReadonlyMap<string, InodeSpace>;
  save(known: ReadonlyMap<string, InodeSpace>): void;
}

export class InodeNumbers {
  readonly #ownMajor: number;
  readonly #ownMinor: number;
  readonly #store: SpaceStore;
  readonly #known: Map<string, InodeSpace>;
  readonly #statfs = Buffer.alloc(120);

  /** `root` is the statx buffer of the data directory. */
  constructor(root: Buffer, store: SpaceStore) {
    this.#ownMajor = root.readUInt32LE(statxOffset.devMajor);
    this.#ownMinor = root.readUInt32LE(statxOffset.devMinor);
    this.#store = store;
    this.#known = new Map(store.load());
  }

  /** Of the file that the statx buffer describes; `fd` is any descriptor of it. */
  spaceOf(stat: Buffer, fd: number): InodeSpace {
    const major = stat.readUInt32LE(statxOffset.devMajor);
    const minor = stat.readUInt32LE(statxOffset.devMinor);
    if (major === this.#ownMajor && minor === this.#ownMinor) return 0;
    const device = `${major}:${minor}`;
    return this.#known.get(device) ?? this.#settle(device, fd);
  }

  /** The space begins where the file system's own id says, so that it is most likely the same after a reboot, too. */
  #settle(device: string, fd: number): InodeSpace {
    const id = fstatfs(fd, this.#statfs) === 0 ? this.#statfs.subarray(fsidAt, fsidAt + 8) : Buffer.from(device);
    if (this.#known.size >= spaces) this.#known.clear(); // most of them are long gone
    const taken = new Set(this.#known.values());
    let space = 1 + (hash(id) % spaces);
    while (taken.has(space)) space = 1 + (space % spaces);
    this.#known.set(device, space);
    this.#store.save(this.#known);
    return space;
  }
}

/** Copies a u64 inode number of a space as programs see it. */
export function copyInodeNumber(space: InodeSpace, from: Buffer, at: number, out: Buffer, outAt: number): void {
  const upper = from.readUInt32LE(at + 4);
  out.writeUInt32LE(from.readUInt32LE(at), outAt);
  if (upper >>> upperBits === 0) {
    out.writeUInt32LE((upper | (space << upperBits)) >>> 0, outAt + 4);
    return;
  }
  const wide = Buffer.alloc(10);
  from.copy(wide, 0, at, at + 8);
  wide.writeUInt16LE(space, 8);
  out.writeUInt32LE(hash(wide), outAt);
  out.writeUInt32LE(((hash(wide.reverse()) & (wideBit - 1)) | wideBit) >>> 0, outAt + 4);
}

/** FNV-1a, 32 bits. */
function hash(bytes: Uint8Array): number {
  let value = 0x811c9dc5;
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}

/** Keeps the spaces in the run-time folder: they outlive the daemon, and end with the kernel that numbers the devices. */
export function spacesIn(stateDir: string, log: Log): SpaceStore {
  const path = join(stateDir, 'inode-spaces.json');
  return {
    load: () => {
      try {
        return new Map(Object.entries(JSON.parse(readFileSync(path, 'utf8')) as Record<string, number>));
      } catch {
        return new Map(); // none has been needed yet
      }
    },
    save: (known) => {
      try {
        writeFileSync(`${path}.new`, JSON.stringify(Object.fromEntries(known)));
        renameSync(`${path}.new`, path);
      } catch (error) {
        log('warn', 'inode-spaces-not-kept', { path, reason: String(error) });
      }
    },
  };
}
