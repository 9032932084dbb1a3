// What a file is called, as the kernel sees it: by the names under which it was looked up, made, linked or renamed. The
// path that /proc shows of a descriptor is only the second choice: it is that of the name by which the descriptor was
// opened, which may be another hard link, or gone while the file lives on under a name of its own. A successor of a
// process that has died knows no names, but the directory: then the file is looked for there.
import { isUtf8 } from 'node:buffer';
import {
  close,
  emptyPath,
  getdents64,
  openDirectoryAgain,
  PATH_MAX,
  pathOfDescriptor,
  readlinkat,
} from '../system/files.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, statAt, statxOffset, statxSize } from '../system/stat.ts';
import { inodeKey, type Node, type NodeTable } from './nodes.ts';

const slash = Buffer.from('/');
const end = Buffer.from('\0');
/** struct linux_dirent64: ino 0, reclen 16 (u16), name 19. */
const linuxDirent = { ino: 0, reclen: 16, name: 19 } as const;
/** Of a file that has more names, some of which may be gone. */
const mostTried = 8;
const entriesBytes = 32 << 10;
/**
 * Of a directory with more entries, some 1,000 to a read, only the first ones are known: the loop has others to serve.
 */
const mostReads = 16;
/** A successor looks for all its files at once: many of them may be in one directory. */
const listedForMs = 1000;

export class NodePaths {
  readonly #root: string;
  readonly #nodes: Pick<NodeTable, 'get'>;
  readonly #ramPathOf: (node: Node) => string | undefined;
  readonly #stat = Buffer.alloc(statxSize);
  readonly #link = Buffer.alloc(PATH_MAX);
  #listed: { readonly folder: Node; readonly atMs: number; readonly names: ReadonlyMap<string, Buffer> } | undefined;

  /** `ramPathOf`: of a file in RAM, below the data directory. */
  constructor(
    dataDir: string,
    nodes: Pick<NodeTable, 'get'>,
    ramPathOf: (node: Node) => string | undefined = () => undefined,
  ) {
    this.#ramPathOf = ramPathOf;
    this.#root = `${dataDir}/`;
    this.#nodes = nodes;
  }

  /** Below the data directory; undefined for a file that has lost its last name. */
  of(node: Node): string | undefined {
    const inRam = this.#ramPathOf(node);
    if (inRam !== undefined) return inRam;
    const path = this.#byKnownName(node) ?? this.#byDescriptor(node) ?? this.#inFolder(node);
    if (path === undefined) return undefined;
    const text = textOf(path);
    return text.startsWith(this.#root) ? text.slice(this.#root.length) : text;
  }

  #byKnownName(node: Node): Buffer | undefined {
    for (const { parent, name } of node.names.newest(mostTried)) {
      if (parent.isForgotten || !this.#leadsTo(node, parent.fd, name)) continue;
      const folder = this.#linkOf(parent);
      if (folder !== undefined) return Buffer.concat([folder, slash, name.subarray(0, -1)]);
    }
    return undefined;
  }

  #byDescriptor(node: Node): Buffer | undefined {
    const path = this.#linkOf(node);
    return path !== undefined && this.#leadsTo(node, AT_FDCWD, Buffer.concat([path, end])) ? path : undefined;
  }

  #leadsTo(node: Node, directory: number, name: Buffer): boolean {
    return statAt(directory, name, AT_SYMLINK_NOFOLLOW, this.#stat) && inodeKey(this.#stat) === node.key;
  }

  /** Undefined for a path that is longer than the kernel can tell. */
  #linkOf(node: Node): Buffer | undefined {
    const length = readlinkat(AT_FDCWD, pathOfDescriptor(node.fd), this.#link, this.#link.length);
    return length <= 0 || length === this.#link.length ? undefined : Buffer.from(this.#link.subarray(0, length));
  }

  #inFolder(node: Node): Buffer | undefined {
    const folder = node.folder === 0 || node.names.size > 0 ? undefined : this.#nodes.get(node.folder);
    if (folder === undefined || !statAt(node.fd, emptyPath, AT_EMPTY_PATH, this.#stat)) return undefined;
    if (this.#stat.readUInt32LE(statxOffset.nlink) === 0) return undefined;
    const name = this.#namesIn(folder).get(numberAt(this.#stat, statxOffset.ino));
    const path = name !== undefined && this.#leadsTo(node, folder.fd, name) ? this.#linkOf(folder) : undefined;
    return path && name && Buffer.concat([path, slash, name.subarray(0, -1)]);
  }

  /** By inode number. */
  #namesIn(folder: Node): ReadonlyMap<string, Buffer> {
    const nowMs = performance.now();
    if (this.#listed?.folder === folder && nowMs - this.#listed.atMs < listedForMs) return this.#listed.names;
    const names = readNames(folder);
    this.#listed = { folder, atMs: nowMs, names };
    return names;
  }
}

/** Each name with its zero byte. */
function readNames(folder: Node): Map<string, Buffer> {
  const names = new Map<string, Buffer>();
  const fd = openDirectoryAgain(folder.fd);
  if (fd < 0) return names;
  const entries = Buffer.allocUnsafe(entriesBytes);
  for (let reads = 0; reads < mostReads; reads += 1) {
    const size = getdents64(fd, entries, entries.length);
    for (let at = 0; at < size; at += entries.readUInt16LE(at + linuxDirent.reclen)) {
      const name = entries.subarray(at + linuxDirent.name, entries.indexOf(0, at + linuxDirent.name) + 1);
      names.set(numberAt(entries, at + linuxDirent.ino), Buffer.from(name));
    }
    if (size <= 0) break;
  }
  close(fd);
  return names;
}

function numberAt(bytes: Buffer, at: number): string {
  return `${bytes.readUInt32LE(at + 4)}:${bytes.readUInt32LE(at)}`;
}

/** A name is bytes. Those that are no UTF-8 are shown as `\xNN`, so that two such names stay two. */
function textOf(path: Buffer): string {
  if (isUtf8(path)) return path.toString('utf8');
  return path.toString('latin1').replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
}
