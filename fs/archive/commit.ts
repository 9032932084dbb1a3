// What the tail hands to the commit log: one transaction of one database, with who made it and when.

export interface Writer {
  readonly pid: number;
  /** The command line, arguments separated by blanks. */
  readonly command: string;
  /** The container's id or name; `host` outside of any. */
  readonly container: string;
}

/** `base`: the first of an incarnation. `resync`: all that differs after a gap, as one commit. */
export type CommitKind = 'commit' | 'base' | 'resync';

/** Up to where a write-ahead log was read. `frames` counts from its first one; all zero where there is none. */
export interface WalPosition {
  readonly salt1: number;
  readonly salt2: number;
  readonly frames: number;
  /** The running checksum after the last frame that was read. */
  readonly checksum1: number;
  readonly checksum2: number;
}

export interface Commit {
  readonly kind: CommitKind;
  /** Milliseconds since 1970; never less than that of the commit before it. */
  readonly timeMs: number;
  /** null: not known. Never a guess. */
  readonly writer: Writer | null;
  /** Why a `resync` was needed. */
  readonly reason?: string;
  readonly pageBytes: number;
  /** Pages of the database after the commit. */
  readonly databasePages: number;
  /** Ascending, each one once, none above `databasePages`, never the lock page (the one at 1 GiB). */
  readonly pageNumbers: Uint32Array;
  /** `pageNumbers.length` x `pageBytes` bytes. Whoever keeps them makes a copy. */
  readonly pages: Buffer;
  /** The tail goes on from the position of the last commit in the log. */
  readonly position: WalPosition;
}

export interface LoggedCommit {
  /** 1, 2, 3 ... in one incarnation. */
  readonly number: number;
  readonly timeMs: number;
  readonly position: WalPosition;
  readonly databasePages: number;
}

/** The log of one incarnation of one database. */
export interface CommitLog {
  readonly last: LoggedCommit | undefined;
  /** undefined while there is no commit. */
  readonly pageBytes: number | undefined;
  /** Whether setBase was called. */
  readonly hasBase: boolean;
  /** In the page cache when it returns. @returns its number @throws NodeJS.ErrnoException, and nothing is half there */
  append(commit: Commit): number;
  /**
   * The same for the first of several commits that follow each other, as many as are written in one go.
   * @returns how many; at least one
   */
  appendSome(commits: readonly Commit[]): number;
  /** Everything that was appended before the call is on the disk when it resolves. */
  sync(): Promise<void>;
  /** The newest content of a page; undefined where neither the log nor the base has it. */
  page(pageNumber: number): Buffer | undefined;
  /**
   * Takes the file over: a raw copy of the main file, made while commits were read. Its pages and those of all commits
   * up to `validFrom` together are the state at `validFrom`, the first that can be had.
   */
  setBase(path: string, validFrom: number): void;
  close(): void;
}

/** There is no state that could be had of it, and one commit at most. */
export function hasOnlyBegun({ last, hasBase }: Pick<CommitLog, 'last' | 'hasBase'>): boolean {
  return !hasBase && (last?.number ?? 0) <= 1;
}

export interface DatabaseId {
  /** Of the main file, in decimal. */
  readonly inode: string;
  readonly device: string;
  /** The path below the data directory. */
  readonly name: string;
}

export interface LogStore {
  open(id: DatabaseId): { readonly log: CommitLog; readonly isNew: boolean };
  /** There is a log of it. */
  has(id: DatabaseId): boolean;
  /**
   * The file was replaced, or has another page size: history begins anew. The old one stays until it is too old, unless
   * it has only begun.
   */
  newIncarnation(id: DatabaseId, reason: string): CommitLog;
  rename(id: DatabaseId, name: string): void;
  /** The database is gone: its log is closed, and kept until it is too old. */
  forget(id: DatabaseId): void;
  /** A path in the directory of the database's log, on the same file system, for a base copy that is being made. */
  unfinishedBasePath(id: DatabaseId): string;
  /** Whether so many bytes more leave enough of the disk to programs. */
  fits(bytes: number): boolean;
  close(): void;
}
