// Directories that are being read. The kernel names a directory and an offset in it; a descriptor that stands just
// there reads on, since to go to an offset is slow and, on some file systems, inexact once names have come or gone.
import { close, lseek, openDirectoryAgain } from '../system/files.ts';
import type { Node } from './nodes.ts';

const SEEK_SET = 0;
const entriesBytes = 32 << 10;
/**
 * The kernel keeps the names that it has read of a directory without their attributes: `ls -l`, said again, would ask
 * for each of them. From so many on it is quicker to read the directory once more.
 */
const manyAttributes = 1000;
/**
 * So many are read at a time without going back and forth; those that nobody reads on are closed when others are read.
 */
const mostOpen = 16;

export interface Listing {
  readonly node: Node;
  readonly fd: number;
  /** struct linux_dirent64 records that were read and not yet handed out: from `start` to `end`. */
  readonly entries: Buffer;
  start: number;
  end: number;
  /** The directory offset that the record at `start` follows. */
  offset: bigint;
  /** How many names were handed out with attributes. */
  attributes: number;
}

export class Listings {
  /** The one that was used last comes last. */
  readonly #open: Listing[] = [];
  readonly #forgetNames: (directory: Node) => void;

  /** `forgetNames`: the kernel is to forget what it has read of a directory. */
  constructor(forgetNames: (directory: Node) => void) {
    this.#forgetNames = forgetNames;
  }

  /** Undefined with errno when the directory cannot be read. From offset 0 on it is read as it is now. */
  at(node: Node, offset: bigint): Listing | undefined {
    const known = offset === 0n ? -1 : this.#open.findIndex((open) => open.node === node && open.offset === offset);
    const listing = known < 0 ? openAt(node, offset) : this.#open.splice(known, 1)[0];
    if (listing === undefined) return undefined;
    this.#open.push(listing);
    const [oldest] = this.#open;
    if (oldest !== undefined && this.#open.length > mostOpen) this.close(oldest);
    return listing;
  }

  /** The kernel knows that it has reached the end. */
  finish(listing: Listing): void {
    if (listing.attributes >= manyAttributes) this.#forgetNames(listing.node);
    this.close(listing);
  }

  close(listing: Listing): void {
    this.#open.splice(this.#open.indexOf(listing), 1);
    close(listing.fd);
  }

  /** The kernel has forgotten the directory. */
  closeAllOf(node: Node): void {
    for (const listing of this.#open.filter((open) => open.node === node)) this.close(listing);
  }
}

function openAt(node: Node, offset: bigint): Listing | undefined {
  const fd = openDirectoryAgain(node.fd);
  if (fd < 0) return undefined;
  if (offset !== 0n && lseek(fd, offset, SEEK_SET) < 0) {
    close(fd);
    return undefined;
  }
  return { node, fd, entries: Buffer.allocUnsafe(entriesBytes), start: 0, end: 0, offset, attributes: 0 };
}
