// What a mount records of commits, made by a test that lets one program commit at a time: this process stands for the
// fs process and keeps the descriptors.
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import type { CommitRecord, MainStamp } from '../../../fs/archive/tail/evidence.ts';
import { lookAtMainFile, readMainHeader } from '../../../fs/archive/tail/main-file.ts';
import { parseWalIndex, walIndexBytes } from '../../../fs/sqlite/wal-index.ts';
import type { Driver } from './sqlite-driver.ts';

export class RecordedMount {
  readonly #path: string;
  readonly #logs = new Map<string, number>();
  #number = 0;
  #timeMs = 0;
  #newest: CommitRecord | undefined;
  /** What the index counted behind the last commit; undefined: somebody may have committed since. */
  #counted: { readonly change: number; readonly shmInode: number } | undefined;
  #main: MainStamp | undefined;

  /** @param path of the database */
  constructor(path: string) {
    this.#path = path;
  }

  /** Somebody is about to write. */
  began(): void {
    if (this.#counted?.shmInode !== this.#shmInode()) this.#counted = undefined;
    this.#main = this.#counted === undefined ? this.#stamp() : undefined;
  }

  /** The write lock was given back by this program, or it has closed. undefined: it has committed nothing. */
  ended(driver: Driver): CommitRecord | undefined {
    const index = this.#index();
    if (index === undefined) return this.#closed();
    if (index.lastFrame === 0) return undefined;
    const { salt1, salt2, lastFrame, change } = index;
    const isOld = this.#newest?.salt1 === salt1 && this.#newest.salt2 === salt2 && this.#newest.lastFrame === lastFrame;
    if (isOld) return undefined;
    const key = `${salt1} ${salt2}`;
    const walFd = this.#logs.get(key) ?? openSync(`${this.#path}-wal`, 'r');
    this.#logs.set(key, walFd);
    const isNext = this.#counted?.shmInode === this.#shmInode() && change === this.#counted.change + 1;
    const writer = { pid: driver.pid, command: `python ${driver.pid}`, container: 'host' };
    this.#counted = { change, shmInode: this.#shmInode() };
    this.#newest = {
      ...this.#common(),
      salt1,
      salt2,
      lastFrame,
      walFd,
      isNext,
      isClosing: false,
      main: this.#main,
      writer: () => writer,
    };
    return this.#newest;
  }

  /** The last one that had the database open has closed it. */
  #closed(): CommitRecord | undefined {
    const closed = this.#newest;
    if (closed === undefined || this.#counted === undefined || fstatSync(closed.walFd).nlink > 0) return undefined;
    this.#counted = undefined;
    return { ...closed, ...this.#common(), isNext: true, isClosing: true, main: this.#stamp() };
  }

  #common() {
    const { ino, dev } = statSync(this.#path);
    this.#timeMs = Math.max(Date.now(), this.#timeMs + 0.001);
    const number = ++this.#number;
    return { number, timeMs: this.#timeMs, inode: `${ino}`, device: `${dev}`, fsPid: process.pid, shmFd: -1 };
  }

  #stamp(): MainStamp | undefined {
    const [file, header] = [lookAtMainFile(this.#path), readMainHeader(this.#path)];
    if (file === undefined || header === undefined) return undefined;
    return { size: file.size, mtimeNs: file.mtimeNs, change: header.changeCounter };
  }

  close(): void {
    for (const fd of this.#logs.values()) closeSync(fd);
  }

  /** Whether a descriptor is all that is left of a log. */
  get hasLeftLogs(): boolean {
    return [...this.#logs.values()].some((fd) => fstatSync(fd).nlink === 0);
  }

  #shmInode(): number {
    return statSync(`${this.#path}-shm`, { throwIfNoEntry: false })?.ino ?? 0;
  }

  #index() {
    let fd: number;
    try {
      fd = openSync(`${this.#path}-shm`, 'r');
    } catch {
      return undefined;
    }
    try {
      const bytes = Buffer.alloc(walIndexBytes);
      return parseWalIndex(bytes.subarray(0, readSync(fd, bytes, 0, walIndexBytes, 0)));
    } finally {
      closeSync(fd);
    }
  }
}
