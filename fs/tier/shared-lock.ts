// SHARED on the file in RAM of a small database in rollback mode, as a program on the data directory would take it: no
// transaction writes the file meanwhile. EXCLUSIVE on a file on the disk: no program has read it and not closed it. The
// mount heeds them by its mirror (fs/lock-binding/mirror.ts).
import { closeSync, constants, openSync } from 'node:fs';
import { openToRead } from '../archive/tail/main-file.ts';
import { PENDING_BYTE, RESERVED_BYTE, SHARED_FIRST, SHARED_SIZE } from '../sqlite/lock-bytes.ts';
import { F_RDLCK, F_WRLCK, setFileLock, testFileLock } from '../system/file-locks.ts';

export interface SharedLock {
  /** A program has RESERVED: its journal is that of a transaction which has not written the file yet. */
  readonly isReserved: boolean;
  /** Gives it back. A second time does nothing. */
  end(): void;
}

/** undefined while a program writes the file or is about to. */
export function takeShared(path: string): SharedLock | undefined {
  const fd = openToRead(path);
  if (fd === undefined) return undefined;
  let isEnded = false;
  const end = () => {
    if (!isEnded) closeSync(fd);
    isEnded = true;
  };
  const isPending = testFileLock(fd, F_RDLCK, PENDING_BYTE, 1) !== undefined;
  if (isPending || !setFileLock(fd, F_RDLCK, SHARED_FIRST, SHARED_SIZE)) {
    end();
    return undefined;
  }
  return { isReserved: testFileLock(fd, F_WRLCK, RESERVED_BYTE, 1) !== undefined, end };
}

/** Ends it when it is called; undefined: a program uses the file. */
export function takeExclusive(path: string): (() => void) | undefined {
  const fd = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW);
  const bytes = SHARED_FIRST + SHARED_SIZE - PENDING_BYTE; // PENDING, RESERVED and SHARED follow each other
  if (setFileLock(fd, F_WRLCK, PENDING_BYTE, bytes)) return () => closeSync(fd);
  closeSync(fd);
  return undefined;
}
