// What a mount records of commits, made by a test that lets one program commit at a time: this process stands for the
// fs process and keeps the descriptors.
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import type { CommitRecord } from '../../../fs/archive/tail/evidence.ts';
import { parseWalIndex, walIndexBytes } from '../../../fs/sqlite/wal-index.ts';
import type { Driver } from './sqlite-driver.ts';

export class RecordedMount {
  readonly #path: string;
  readonly #logs = new Map<string, number>();
  #number = 0;
  #timeMs = 0;
  #newest = '';

  /** @param path of the database */
  constructor(path: string) {
    this.#path = path;
  }

  /** The write lock was given back by this program. undefined: it has committed nothing. */
  ended(driver: Driver): CommitRecord | undefined {
    const index = this.#index();
    if (index === undefined || index.lastFrame === 0) return undefined;
    const { salt1, salt2, lastFrame } = index;
    const key = `${salt1} ${salt2}`;
    if (this.#newest === `${key} ${lastFrame}`) return undefined;
    this.#newest = `${key} ${lastFrame}`;
    const walFd = this.#logs.get(key) ?? openSync(`${this.#path}-wal`, 'r');
    this.#logs.set(key, walFd);
    const { ino, dev } = statSync(this.#path);
    this.#timeMs = Math.max(Date.now(), this.#timeMs + 0.001);
    const writer = { pid: driver.pid, command: `python ${driver.pid}`, container: 'host' };
    return {
      number: ++this.#number,
      timeMs: this.#timeMs,
      inode: `${ino}`,
      device: `${dev}`,
      salt1,
      salt2,
      lastFrame,
      fsPid: process.pid,
      walFd,
      shmFd: -1,
      writer: () => writer,
    };
  }

  close(): void {
    for (const fd of this.#logs.values()) closeSync(fd);
  }

  /** Whether a descriptor is all that is left of a log. */
  get hasLeftLogs(): boolean {
    return [...this.#logs.values()].some((fd) => fstatSync(fd).nlink === 0);
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
