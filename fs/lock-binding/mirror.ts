// The union of the granted locks of each inode, held as one OFD lock on the backing file, so that a program which opens
// the data directory itself is excluded as if it were on the mount. One descriptor per inode: a second one would
// conflict with the first.

import { constants } from 'node:os';
import type { Log } from '../log.ts';
import { END_OF_FILE, firstByteOf, lastByteOf } from '../protocol/lock-offsets.ts';
import type { FileOffset } from '../protocol/words.ts';
import type { LockType } from '../sqlite/lock-bytes.ts';
import type { KeptDescriptors } from '../state/kept-descriptors.ts';
import { F_RDLCK, F_UNLCK, F_WRLCK, type FoundLock, setFileLock, testFileLock } from '../system/file-locks.ts';
import { close, O_CLOEXEC, O_NONBLOCK, O_RDONLY, O_RDWR, openat, pathOfDescriptor } from '../system/files.ts';
import { lastErrno } from '../system/libc.ts';
import { AT_FDCWD } from '../system/stat.ts';

const { EAGAIN, EACCES } = constants.errno;

export class Mirror {
  /** By node id; -1 for a file that cannot be opened. */
  readonly #descriptors = new Map<number, number>();
  readonly #pathFdOf: (file: number) => number | undefined;
  /** Copies of the descriptors outlive this process, and with them the locks. */
  readonly #kept: KeptDescriptors;
  readonly #log: Log;

  /** `pathFdOf` gives the O_PATH descriptor of a node. */
  constructor(pathFdOf: (file: number) => number | undefined, kept: KeptDescriptors, log: Log) {
    this.#pathFdOf = pathFdOf;
    this.#kept = kept;
    this.#log = log;
  }

  get size(): number {
    return this.#descriptors.size;
  }

  /** False when a program on the data directory holds a lock in the way. */
  set(file: number, start: number, end: number, type: LockType | 'unlock'): boolean {
    const fd = this.descriptorOf(file);
    if (fd < 0) return true;
    const code = type === 'unlock' ? F_UNLCK : type === 'write' ? F_WRLCK : F_RDLCK;
    if (setFileLock(fd, code, firstByteOf(start), lengthOf(start, end))) return true;
    const errno = lastErrno();
    if (errno === EAGAIN || errno === EACCES) return false;
    // The backing file system has no locks: then programs behind the mount are not excluded, and everything else works.
    this.#log('warn', 'mirror-lock-failed', { errno, file });
    return true;
  }

  /** The lock of a program on the data directory that is in the way. */
  test(file: number, start: number, end: number, type: LockType): FoundLock | undefined {
    const fd = this.descriptorOf(file);
    if (fd < 0) return undefined;
    return testFileLock(fd, type === 'write' ? F_WRLCK : F_RDLCK, firstByteOf(start), lengthOf(start, end));
  }

  /** The data descriptor, opened at its first use; -1 when that is impossible. */
  descriptorOf(file: number): number {
    const known = this.#descriptors.get(file);
    if (known !== undefined) return known;
    const pathFd = this.#pathFdOf(file);
    let fd = -1;
    if (pathFd !== undefined) {
      const path = pathOfDescriptor(pathFd);
      fd = openat(AT_FDCWD, path, O_RDWR | O_NONBLOCK | O_CLOEXEC, 0);
      if (fd < 0) fd = openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
    }
    this.#descriptors.set(file, fd);
    if (fd >= 0) this.#kept.keep('mirror', file, fd);
    return fd;
  }

  /** The descriptor that the process before this one had for that file. */
  adopt(file: number, fd: number): void {
    this.#descriptors.set(file, fd);
  }

  /** Nobody has the file open any more: its locks are gone. */
  drop(file: number): void {
    const fd = this.#descriptors.get(file);
    this.#descriptors.delete(file);
    if (fd === undefined || fd < 0) return;
    setFileLock(fd, F_UNLCK, 0, 0); // a copy may live on for a while
    this.#kept.forget('mirror', file);
    close(fd);
  }
}

/** 0 stands for "to the end of the file". */
function lengthOf(start: number, end: number): FileOffset {
  if (end === END_OF_FILE) return 0;
  const last = lastByteOf(end);
  return typeof last === 'number' ? last - start + 1 : last - BigInt(firstByteOf(start)) + 1n;
}
