// A look at a database on the disk, for the capture of writes: what its header says, and whether its journal would take
// back what was written. It must close no descriptor of a file on which the mount holds locks.
import type { NodePaths } from '../nodes/node-paths.ts';
import type { Node } from '../nodes/nodes.ts';
import { HEADER_BYTES_NEEDED, journalModeOf } from '../sqlite/header.ts';
import { close, O_CLOEXEC, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, openAgain, openat, pread } from '../system/files.ts';
import { AT_FDCWD } from '../system/stat.ts';

const magic = Buffer.from('SQLite format 3\0');

export interface DatabaseLookParts {
  readonly paths: NodePaths;
  readonly dataDir: string;
  /** The data descriptor of a file that is open on the mount; -1 for none. */
  readonly descriptorOf: (file: number) => number;
}

export class DatabaseLook {
  readonly #parts: DatabaseLookParts;
  readonly #header = Buffer.alloc(HEADER_BYTES_NEEDED);
  readonly #firstByte = Buffer.alloc(1);

  constructor(parts: DatabaseLookParts) {
    this.#parts = parts;
  }

  /** A file without any bytes is one as well. */
  isRollback(node: Node): boolean {
    const header = this.readHeader(node);
    return header.length === 0 || (isDatabase(header) && journalModeOf(header) === 'rollback');
  }

  /** As much of it as there is, until the next call. */
  readHeader(node: Node): Buffer {
    const known = node.opens === 0 ? -1 : this.#parts.descriptorOf(node.id);
    const fd = known >= 0 ? known : openAgain(node.fd, O_RDONLY);
    if (fd < 0) return this.#header.subarray(0, 0);
    const size = pread(fd, this.#header, this.#header.length, 0);
    if (fd !== known) close(fd);
    return this.#header.subarray(0, Math.max(0, size));
  }

  /**
   * Whether there is a journal by which the next program would roll back: SQLite asks for its first byte. undefined:
   * the database has no name any more, and so its journal has none.
   */
  hasJournal(node: Node): boolean | undefined {
    const path = this.#parts.paths.of(node);
    if (path === undefined) return undefined;
    const name = Buffer.from(`${this.#parts.dataDir}/${path}-journal\0`);
    const fd = openat(AT_FDCWD, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0) return false;
    const size = pread(fd, this.#firstByte, 1, 0);
    close(fd);
    return size === 1 && this.#firstByte[0] !== 0;
  }
}

export function isDatabase(header: Uint8Array): boolean {
  return header.length >= magic.length && magic.compare(header, 0, magic.length) === 0;
}
