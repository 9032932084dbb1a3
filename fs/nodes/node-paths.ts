// What a file is called, as the kernel sees it: by the names under which it was looked up, made, linked or renamed. The path that
// /proc shows of a descriptor is only the second choice: it is that of the name by which the descriptor was opened, which may be
// another hard link, or gone while the file lives on under a name of its own.
import { isUtf8 } from 'node:buffer';
import {
  close,
  getdents64,
  O_CLOEXEC,
  O_DIRECTORY,
  O_RDONLY,
  openat,
  PATH_MAX,
  pathOfDescriptor,
  readlinkat,
} from '../system/files.ts';
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, statAt, statxSize } from '../system/stat.ts';
import { inodeKey, type Node } from './nodes.ts';

/** What the kernel writes behind the path of a descriptor whose name is gone. A file may be called like that, too. */
const deletedMark = ' (deleted)';
const slash = Buffer.from('/');
const end = Buffer.from('\0');
/** struct linux_dirent64: reclen 16 (u16), name 19. */
const linuxDirent = { reclen: 16, name: 19 } as const;
const entriesBytes = 32 << 10;
/** A directory with more entries is not searched: the loop has others to serve. */
const mostReads = 8;

export class NodePaths {
  readonly #root: string;
  readonly #stat = Buffer.alloc(statxSize);
  readonly #link = Buffer.alloc(PATH_MAX);

  constructor(dataDir: string) {
    this.#root = `${dataDir}/`;
  }

  /** Below the data directory; undefined for a file that has lost its last name. */
  of(node: Node): string | undefined {
    const path = this.#byKnownName(node) ?? this.#byDescriptor(node);
    if (path === undefined) return undefined;
    const text = textOf(path);
    return text.startsWith(this.#root) ? text.slice(this.#root.length) : text;
  }

  #byKnownName(node: Node): Buffer | undefined {
    for (const { parent, name } of node.names) {
      if (parent.isForgotten || !this.#leadsTo(node, parent.fd, name)) continue;
      const folder = this.#linkOf(parent);
      if (folder !== undefined) return Buffer.concat([folder, slash, name.subarray(0, -1)]);
    }
    return undefined;
  }

  #byDescriptor(node: Node): Buffer | undefined {
    const path = this.#linkOf(node);
    if (path === undefined) return undefined;
    if (this.#leadsTo(node, AT_FDCWD, Buffer.concat([path, end]))) return path;
    // A successor of a process that has died knows no names: another one may stand beside the one that is gone.
    if (!path.toString('latin1').endsWith(deletedMark)) return undefined;
    return this.#beside(node, path.subarray(0, path.lastIndexOf('/')));
  }

  #leadsTo(node: Node, directory: number, name: Buffer): boolean {
    return statAt(directory, name, AT_SYMLINK_NOFOLLOW, this.#stat) && inodeKey(this.#stat) === node.key;
  }

  /** Undefined for a path that is longer than the kernel can tell. */
  #linkOf(node: Node): Buffer | undefined {
    const length = readlinkat(AT_FDCWD, pathOfDescriptor(node.fd), this.#link, this.#link.length);
    return length <= 0 || length === this.#link.length ? undefined : Buffer.from(this.#link.subarray(0, length));
  }

  #beside(node: Node, folder: Buffer): Buffer | undefined {
    const fd = openat(AT_FDCWD, Buffer.concat([folder, end]), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) return undefined;
    try {
      const entries = Buffer.allocUnsafe(entriesBytes);
      for (let reads = 0; reads < mostReads; reads += 1) {
        const size = getdents64(fd, entries, entries.length);
        if (size <= 0) return undefined;
        for (let at = 0; at < size; at += entries.readUInt16LE(at + linuxDirent.reclen)) {
          const name = entries.subarray(at + linuxDirent.name, entries.indexOf(0, at + linuxDirent.name) + 1);
          if (this.#leadsTo(node, fd, name)) return Buffer.concat([folder, slash, name.subarray(0, -1)]);
        }
      }
      return undefined;
    } finally {
      close(fd);
    }
  }
}

/** A name is bytes. Those that are no UTF-8 are shown as `\xNN`, so that two such names stay two. */
function textOf(path: Buffer): string {
  if (isUtf8(path)) return path.toString('utf8');
  return path.toString('latin1').replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}
