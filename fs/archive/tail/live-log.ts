// The descriptors of `-wal` and `-shm` of one database, kept so that a last close, which deletes both, takes nothing
// away that is not read.
import { closeSync, constants, fstatSync, openSync, statSync } from 'node:fs';
import type { WalIndex } from '../../sqlite/wal-index.ts';
import { isSameLog } from '../../sqlite/wal-index.ts';
import { readWalHeader, readWalIndex } from '../wal/wal-file.ts';
import type { WalHeader } from '../wal/wal-frames.ts';
import type { Generation } from './evidence.ts';
import { openToRead } from './main-file.ts';

/** A header: there are frames, and no index that all programs share. */
export type LiveState = 'open' | 'none' | WalHeader;

export class LiveLog {
  readonly #pathOf: () => string;
  #wal: number | undefined;
  #shm: number | undefined;
  /** Tells one index from a later one of the same name. */
  #shmInode = 0;

  /** @param pathOf where the main file is now */
  constructor(pathOf: () => string) {
    this.#pathOf = pathOf;
  }

  get isOpen(): boolean {
    return this.#wal !== undefined && this.#shm !== undefined;
  }

  get walFd(): number {
    return this.#wal ?? -1;
  }

  get shmInode(): number {
    return this.#shmInode;
  }

  open(): LiveState {
    if (this.isOpen) return 'open';
    this.close();
    this.#shm = openToRead(`${this.#pathOf()}-shm`);
    this.#wal = openToRead(`${this.#pathOf()}-wal`);
    if (this.#shm !== undefined && this.#wal !== undefined) {
      this.#shmInode = fstatSync(this.#shm).ino;
      return 'open';
    }
    const unshared = this.#wal === undefined ? undefined : readWalHeader(this.#wal);
    this.close();
    return unshared ?? 'none';
  }

  close(): void {
    for (const fd of [this.#wal, this.#shm]) if (fd !== undefined) closeSync(fd);
    this.#wal = undefined;
    this.#shm = undefined;
  }

  index(): WalIndex | undefined {
    return this.#shm === undefined ? undefined : readWalIndex(this.#shm);
  }

  header(): WalHeader | undefined {
    return this.#wal === undefined ? undefined : readWalHeader(this.#wal);
  }

  /** One of the two is no longer what its name leads to: no program will write what is open here. */
  get isLeft(): boolean {
    return isLeft(this.#wal, `${this.#pathOf()}-wal`) || isLeft(this.#shm, `${this.#pathOf()}-shm`);
  }

  /** When the log has lost its name; undefined while it has one. */
  get unlinkedNs(): bigint | undefined {
    if (this.#wal === undefined) return undefined;
    const { ctimeNs, nlink } = fstatSync(this.#wal, { bigint: true });
    return nlink === 0n ? ctimeNs : undefined;
  }
}

function isLeft(fd: number | undefined, path: string): boolean {
  if (fd === undefined) return false;
  const { ino, nlink } = fstatSync(fd);
  return nlink === 0 || statSync(path, { throwIfNoEntry: false })?.ino !== ino;
}

export interface KeptLog {
  readonly wal: number;
  /** The last committed frame as its index says; undefined where the index is gone or tells of another log. */
  readonly lastFrame: number | undefined;
}

/** Opens the log of a generation through the fs process that keeps it; undefined where it is gone. */
export function openKeptLog(generation: Generation): KeptLog | undefined {
  const { fsPid, walFd, shmFd } = generation.newest;
  const wal = openThrough(fsPid, walFd);
  if (wal === undefined) return undefined;
  const header = readWalHeader(wal);
  if (header === undefined || !isSameLog(header, generation)) {
    closeSync(wal);
    return undefined;
  }
  const shm = openThrough(fsPid, shmFd);
  const index = shm === undefined ? undefined : readWalIndex(shm);
  if (shm !== undefined) closeSync(shm);
  return { wal, lastFrame: index !== undefined && isSameLog(index, generation) ? index.lastFrame : undefined };
}

/** A link of /proc leads to the open file even when that has no name. */
function openThrough(pid: number, fd: number): number | undefined {
  if (fd < 0 || pid <= 0) return undefined;
  try {
    const path = `/proc/${pid}/fd/${fd}`;
    return statSync(path).isFile() ? openSync(path, constants.O_RDONLY | constants.O_NONBLOCK) : undefined;
  } catch {
    return undefined; // the process has ended, or has closed it
  }
}
