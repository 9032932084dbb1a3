// What goes into the lock manager and what comes out, and the four questions it asks of the world. The world is an
// argument: nothing in this folder opens a file or reads a clock.
import type { JournalMode } from '../sqlite/header.ts';
import type { LockFileKind, LockType } from '../sqlite/lock-bytes.ts';
import type { LockOwner, LockStore } from './table.ts';

/** A lock or unlock request, decoded. `start` and `end` are inclusive; END_OF_FILE stands for "to the end". */
export interface LockRequest {
  /** Names the request until it is answered: the kernel's `unique`. */
  readonly unique: number;
  /** The inode; the same number for every handle of one file. */
  readonly file: number;
  readonly handle: number;
  readonly owner: LockOwner;
  readonly start: number;
  readonly end: number;
  readonly type: LockType | 'unlock';
  /** The process; 0 in an unlock. */
  readonly pid: number;
  readonly tid: number;
  /** F_SETLKW, or flock without LOCK_NB. */
  readonly wait: boolean;
  readonly flock: boolean;
}

/**
 * `refused` is EAGAIN, `deadlock` EDEADLK, `interrupted` EINTR, `no-room` ENOLCK: a successor could not know of the
 * lock.
 */
export type LockAnswer = 'granted' | 'refused' | 'deadlock' | 'interrupted' | 'no-room';

/** The answer to a request that had to wait. */
export interface Completion {
  readonly unique: number;
  readonly answer: LockAnswer;
}

export interface FileDescription {
  readonly kind: LockFileKind;
  /** The same for a database and its `-shm`; different for any two databases. */
  readonly database: string;
  /** The database's path below the data directory, for people. */
  readonly name: string;
}

export interface ProcessIdentity {
  readonly pid: number;
  /** Differs between two processes that had the same pid one after the other. */
  readonly key: string;
  /** The program file; readers are proved per program too. */
  readonly executable: string;
}

/** The inodes of a database that are open or locked. */
export interface DatabaseFiles {
  readonly main: number | undefined;
  readonly shm: number | undefined;
}

export interface EndedWrite {
  readonly database: string;
  readonly files: DatabaseFiles;
  /** It held WRITE, the lock of the WAL mode, rather than RESERVED. */
  readonly inWal: boolean;
  readonly writer: ProcessIdentity;
  readonly sinceMs: number;
  readonly nowMs: number;
}

export interface LockWorld {
  describeFile(file: number): FileDescription;
  /** Reads the header of a database's main file. */
  readJournalMode(file: number): JournalMode;
  /** The process of a thread, or of itself. */
  identify(tid: number): ProcessIdentity;
  /**
   * Whether a thread runs, or waits for a processor, a disk or an answer of ours, rather than for something to happen.
   */
  isRunning(tid: number): boolean;
  /**
   * Makes the lock on the backing file that programs behind the mount see; false when one of them is in the way.
   * `unlock` always succeeds.
   */
  mirror(file: number, start: number, end: number, type: LockType | 'unlock'): boolean;
  /**
   * Locks were given back, and that is stored. Their owner may go on: what else follows is done before the next request
   * is looked at.
   */
  freed(): void;
  /** Keeps the granted locks of a file, or its flock locks, for a successor process. */
  storeOf(file: number, isFlock: boolean): LockStore;
  /** WRITE of a database in WAL mode was granted. */
  walWriteBegan(files: DatabaseFiles): void;
  /** EXCLUSIVE was granted: to a commit in rollback mode, or to who closes a database in WAL mode as the last one. */
  exclusiveBegan(files: DatabaseFiles): void;
  exclusiveEnded(files: DatabaseFiles): void;
  /**
   * RESERVED or EXCLUSIVE on the main file was given back: by its owner, or (`isClosed`) since that has closed the file
   * or has ended.
   */
  mainWriteEnded(files: DatabaseFiles, writer: ProcessIdentity, isClosed: boolean): void;
  /** A write lock on the database was given back: most likely after a commit, by a writer that began at `sinceMs`. */
  committed(write: EndedWrite): void;
  /**
   * Bytes of the write-ahead log, while no program may begin it anew because the archive process has not read all of
   * it; 0: it may be begun anew.
   */
  unreadWalBytes(files: DatabaseFiles): number;
  /** Somebody waits until the write-ahead log was read. */
  readWalNow(database: string): void;
  /** Nobody has the file open and nobody holds a lock on it. */
  forgotten(file: number): void;
}
