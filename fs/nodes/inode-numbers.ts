// The inode numbers that programs see on the mount. Every file of the mount has one st_dev, and SQLite takes two files
// for one when st_dev and st_ino are the same; below the data directory, however, other file systems may be mounted (a
// volume per app, btrfs subvolumes), each with numbers of its own. The data directory's own file system keeps its
// numbers; each other one gets a space, whose index stands in bits 40 to 52: programs that keep numbers as doubles
// still tell them apart. A number that does not fit into 40 bits, or whose space does not fit into 13, becomes a hash
// of 62 bits, above all others.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../log.ts';
import { close, fstatfs, O_CLOEXEC, O_NOFOLLOW, O_PATH, openat } from '../system/files.ts';
import { AT_NO_AUTOMOUNT, AT_STATX_DONT_SYNC, AT_SYMLINK_NOFOLLOW, statAt, statxOffset } from '../system/stat.ts';

/** Mounts nothing, and asks no server that may not answer. */
const asItIs = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;

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
  readonly #taken: Set<InodeSpace>;
  readonly #statfs = Buffer.alloc(120);

  /** `root` is the statx buffer of the data directory. */
  constructor(root: Buffer, store: SpaceStore) {
    this.#ownMajor = root.readUInt32LE(statxOffset.devMajor);
    this.#ownMinor = root.readUInt32LE(statxOffset.devMinor);
    this.#store = store;
    this.#known = new Map(store.load());
    this.#taken = new Set(this.#known.values());
  }

  /** Of the file that the statx buffer describes; `fd` is any descriptor of it. */
  spaceOf(stat: Buffer, fd: number): InodeSpace {
    return this.#knownSpaceOf(stat) ?? this.#settle(deviceOf(stat), fd);
  }

  /**
   * Of a name in a directory; `stat` describes the file afterwards. Undefined with errno where it cannot be looked at.
   */
  spaceAt(directory: number, name: Buffer, stat: Buffer): InodeSpace | undefined {
    if (!statAt(directory, name, asItIs, stat)) return undefined;
    const known = this.#knownSpaceOf(stat);
    if (known !== undefined) return known;
    const fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0) return undefined;
    const space = this.#settle(deviceOf(stat), fd);
    close(fd);
    return space;
  }

  /** Whether files of other file systems have been met. */
  get areSeveral(): boolean {
    return this.#known.size > 0;
  }

  #knownSpaceOf(stat: Buffer): InodeSpace | undefined {
    const isOwn =
      stat.readUInt32LE(statxOffset.devMajor) === this.#ownMajor &&
      stat.readUInt32LE(statxOffset.devMinor) === this.#ownMinor;
    return isOwn ? 0 : this.#known.get(deviceOf(stat));
  }

  /** The space begins where the file system's own id says, so that it is most likely the same after a reboot, too. */
  #settle(device: string, fd: number): InodeSpace {
    const id = fstatfs(fd, this.#statfs) === 0 ? this.#statfs.subarray(fsidAt, fsidAt + 8) : Buffer.from(device);
    const isFull = this.#known.size >= spaces;
    let space = isFull ? this.#known.size + 1 : 1 + (hash(id) % spaces);
    while (!isFull && this.#taken.has(space)) space = 1 + (space % spaces);
    this.#known.set(device, space);
    this.#taken.add(space);
    this.#store.save(this.#known);
    return space;
  }
}

/** Copies a u64 inode number of a space as programs see it. */
export function copyInodeNumber(space: InodeSpace, from: Buffer, at: number, out: Buffer, outAt: number): void {
  const upper = from.readUInt32LE(at + 4);
  out.writeUInt32LE(from.readUInt32LE(at), outAt);
  if (upper >>> upperBits === 0 && space <= spaces) {
    out.writeUInt32LE((upper | (space << upperBits)) >>> 0, outAt + 4);
    return;
  }
  const wide = Buffer.alloc(12);
  from.copy(wide, 0, at, at + 8);
  wide.writeUInt32LE(space, 8);
  out.writeUInt32LE(hash(wide), outAt);
  out.writeUInt32LE(((hash(wide.reverse()) & (wideBit - 1)) | wideBit) >>> 0, outAt + 4);
}

function deviceOf(stat: Buffer): string {
  return `${stat.readUInt32LE(statxOffset.devMajor)}:${stat.readUInt32LE(statxOffset.devMinor)}`;
}

/** FNV-1a, 32 bits. */
function hash(bytes: Uint8Array): number {
  let value = 0x811c9dc5;
  for (const byte of bytes) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}

/**
 * Keeps the spaces in the run-time folder: they outlive the daemon, and end with the kernel that numbers the devices.
 */
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
