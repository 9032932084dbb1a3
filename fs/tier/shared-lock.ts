// SHARED on the file in RAM of a small database in rollback mode, as a program on the data directory would take it: no
// transaction writes the file meanwhile. The mount heeds it by its mirror (fs/lock-binding/mirror.ts).
import { closeSync } from 'node:fs';
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
