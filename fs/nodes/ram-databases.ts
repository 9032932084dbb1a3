// The databases in RAM by their inodes. Programs see the inode number of the durable copy, wherever the file is: a move
// between disk and RAM changes no number.
import { emptyPath } from '../system/files.ts';
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, statAt, statxOffset, statxSize } from '../system/stat.ts';
import type { InodeNumbers, InodeSpace } from './inode-numbers.ts';
import { inodeKey, type Node } from './nodes.ts';
import type { RamFolder } from './ram-folders.ts';

/** The number that programs see of a database in RAM: that of its durable copy. */
export interface ShownNumber {
  /** A u64. */
  readonly inode: Buffer;
  readonly space: InodeSpace;
}

interface Database {
  readonly inode: Buffer;
  /** Inode key of its durable copy. */
  readonly durable: string;
  readonly folder: RamFolder;
  space: InodeSpace | undefined;
}

export class RamDatabases {
  #numbers: Pick<InodeNumbers, 'spaceOf'> | undefined;
  /** By the inode key of the file in RAM. */
  readonly #databases = new Map<string, Database>();
  /** Inode keys of durable copies. */
  readonly #durables = new Set<string>();
  readonly #stat = Buffer.alloc(statxSize);

  /** `name` as latin1. Nothing happens where one of the two files is missing. */
  add(folder: RamFolder, name: string): void {
    const bytes = Buffer.from(`${name}\0`, 'latin1');
    if (!statAt(folder.parentFd, bytes, AT_SYMLINK_NOFOLLOW, this.#stat)) return;
    const durable = inodeKey(this.#stat);
    const inode = Buffer.from(this.#stat.subarray(statxOffset.ino, statxOffset.ino + 8));
    if (!statAt(folder.fd, bytes, AT_SYMLINK_NOFOLLOW, this.#stat)) return;
    this.#databases.set(inodeKey(this.#stat), { inode, durable, folder, space: undefined });
    this.#durables.add(durable);
  }

  /** `key`: the inode of the file in RAM. */
  remove(key: string): void {
    const database = this.#databases.get(key);
    if (database === undefined) return;
    this.#databases.delete(key);
    this.#durables.delete(database.durable);
  }

  /** The inode key of the file in RAM; `durable`: that of the durable copy. */
  keyOf(durable: string): string | undefined {
    return [...this.#databases].find(([, database]) => database.durable === durable)?.[0];
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

  #spaceOf({ parentFd }: RamFolder): InodeSpace {
    if (!statAt(parentFd, emptyPath, AT_EMPTY_PATH, this.#stat)) return 0;
    return this.#numbers?.spaceOf(this.#stat, parentFd) ?? 0;
  }
}
