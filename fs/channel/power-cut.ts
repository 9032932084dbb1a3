// A test mode, put around the handlers: a power cut for one mount without passthrough. It remembers what every sector
// held when its file was last synced; at the cut each sector that was written since keeps the new content or falls back
// to the old, at random, and so does the file's size. Names and truncations count as stored at once, as a journalling
// file system stores them in order.

import type { Node } from '../nodes/nodes.ts';
import { close, emptyPath, ftruncate, O_RDWR, openAgain, pread, pwrite } from '../system/files.ts';
import { AT_EMPTY_PATH, statAt, statxOffset, statxSize } from '../system/stat.ts';
import type { Dispatch } from './dispatch.ts';

/** What a disk writes whole. */
const sectorBytes = 512;

interface Unsynced {
  /** A descriptor of our own, so that the file can be reached after every client has closed it. */
  readonly fd: number;
  /** When the first write after the last sync came. */
  readonly sizeBytes: number;
  /** What each sector held then. */
  readonly sectors: Map<number, Buffer>;
}

export class PowerCut {
  readonly #files = new Map<string, Unsynced>();
  readonly #stat = Buffer.alloc(statxSize);

  /** The handlers, and this mode around them. */
  around(dispatch: Dispatch): Dispatch {
    return (tree, asked, out) => {
      const node = asked.op === 'WRITE' || asked.op === 'FSYNC' ? tree.files.get(asked.fh)?.node : undefined;
      if (node !== undefined && asked.op === 'WRITE') this.#beforeWrite(node, Number(asked.offset), asked.data.length);
      if (node !== undefined && asked.op === 'FSYNC') this.#synced(node);
      return dispatch(tree, asked, out);
    };
  }

  #beforeWrite(node: Node, offset: number, sizeBytes: number): void {
    const file = this.#files.get(node.key) ?? this.#begin(node);
    if (file === undefined) return;
    const last = Math.floor((offset + sizeBytes - 1) / sectorBytes);
    for (let sector = Math.floor(offset / sectorBytes); sector <= last; sector++) {
      if (file.sectors.has(sector)) continue;
      const old = Buffer.alloc(sectorBytes);
      pread(file.fd, old, sectorBytes, sector * sectorBytes); // zeros behind the end of the file
      file.sectors.set(sector, old);
    }
  }

  /** What was written to the file is stored for good. */
  #synced(node: Node): void {
    const file = this.#files.get(node.key);
    if (file === undefined) return;
    close(file.fd);
    this.#files.delete(node.key);
  }

  /** `random` gives numbers from 0 up to 1. Nothing may be written afterwards. */
  cut(random: () => number): void {
    for (const { fd, sizeBytes, sectors } of this.#files.values()) {
      if (!statAt(fd, emptyPath, AT_EMPTY_PATH, this.#stat)) continue;
      const newSizeBytes = this.#sizeBytes;
      for (const [sector, old] of sectors) {
        const offset = sector * sectorBytes;
        const length = Math.min(sectorBytes, newSizeBytes - offset);
        if (length > 0 && random() < 0.5) pwrite(fd, old, length, offset);
      }
      if (newSizeBytes > sizeBytes && random() < 0.5) ftruncate(fd, sizeBytes);
    }
  }

  #begin(node: Node): Unsynced | undefined {
    const fd = openAgain(node.fd, O_RDWR);
    if (fd < 0 || !statAt(fd, emptyPath, AT_EMPTY_PATH, this.#stat)) return undefined;
    const file = { fd, sizeBytes: this.#sizeBytes, sectors: new Map() };
    this.#files.set(node.key, file);
    return file;
  }

  get #sizeBytes(): number {
    return Number(this.#stat.readBigUInt64LE(statxOffset.size));
  }
}
