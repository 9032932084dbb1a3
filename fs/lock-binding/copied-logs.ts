// Keeps programs from beginning the write-ahead log of a database in RAM anew until the copier has all of it on the
// disk. SQLite then goes on appending, and nobody waits. A log that the last close deletes is kept by
// fs/nodes/ram-names.ts.
import type { DatabaseFiles } from '../locks/types.ts';
import type { NodeTable } from '../nodes/nodes.ts';
import type { RamFiles } from '../nodes/ram-files.ts';
import type { NodeId } from '../protocol/requests.ts';
import { parseWalIndex, type WalIndex, walIndexBytes } from '../sqlite/wal-index.ts';
import { pread } from '../system/files.ts';

/** A larger log is let go, so that it does not fill the RAM; all pages are compared then. */
const longestUncopiedBytes = 256 << 20;

export class CopiedLogs {
  readonly #nodes: NodeTable;
  readonly #ram: RamFiles | undefined;
  readonly #descriptorOf: (file: number) => number;
  readonly #bytes = Buffer.alloc(walIndexBytes);

  /** `descriptorOf` gives the data descriptor of an open file, -1 for none. */
  constructor(nodes: NodeTable, ram: RamFiles | undefined, descriptorOf: (file: number) => number) {
    this.#nodes = nodes;
    this.#ram = ram;
    this.#descriptorOf = descriptorOf;
  }

  /**
   * Length of the log while a part of it is still to be copied; undefined for a database on the disk. 0 where the
   * log cannot be seen or kept: then the copier is told to trust nothing that it knows.
   */
  uncopiedBytes({ main, shm }: DatabaseFiles): number | undefined {
    const node = this.#ram === undefined || main === undefined ? undefined : this.#nodes.get(main as NodeId);
    if (node === undefined || this.#ram?.isInRam(node) !== true) return undefined;
    const index = shm === undefined ? undefined : this.#index(shm);
    if (index?.lastFrame === 0) return 0;
    if (index === undefined || index.lastFrame * index.pageBytes > longestUncopiedBytes) {
      this.#ram.dropPosition(node);
      return 0;
    }
    const isAll = this.#ram
      .positionsOf(node)
      .some(({ salt1, salt2, frames }) => salt1 === index.salt1 && salt2 === index.salt2 && frames >= index.lastFrame);
    return isAll ? 0 : index.lastFrame * index.pageBytes;
  }

  /** A transaction in rollback mode has ended: no log shows what it wrote. */
  wrote({ main }: DatabaseFiles): void {
    const node = this.#ram === undefined || main === undefined ? undefined : this.#nodes.get(main as NodeId);
    if (node !== undefined && this.#ram?.isInRam(node) === true) this.#ram.dropPosition(node);
  }

  #index(shm: number): WalIndex | undefined {
    const fd = this.#descriptorOf(shm);
    if (fd < 0 || pread(fd, this.#bytes, walIndexBytes, 0) < walIndexBytes) return undefined;
    return parseWalIndex(this.#bytes);
  }
}
