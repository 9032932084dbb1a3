// What the kernel may ask, as plain objects: the result of decode.ts. Names and data are views of the request buffer:
// they end with the handler that receives them.
import type { FileOffset } from './words.ts';

export type NodeId = number & { readonly brand: 'NodeId' };
export type HandleId = number & { readonly brand: 'HandleId' };
/**
 * Identifies a request until it is answered. Bit 63, which marks a repeated request after a take-over, is kept apart.
 */
export type Unique = number & { readonly brand: 'Unique' };
/** The file table of a process (POSIX locks) or an open file (flock, OFD), scrambled by the kernel. */
export type LockOwner = bigint & { readonly brand: 'LockOwner' };
/** A file name of 1 byte or more, never `.` or `..`, without slash, and with its zero byte at the end. */
export type Name = Buffer & { readonly brand: 'Name' };

export const rootNodeId = 1 as NodeId;

/** Who is owed an answer. */
export type Owed = Pick<Header, 'unique' | 'isResent'>;

export interface Header {
  readonly unique: Unique;
  /** The kernel sends it again, since the process that had read it first died. */
  readonly isResent: boolean;
  readonly nodeId: NodeId;
  readonly uid: number;
  readonly gid: number;
  /** The thread that asks, 0 for the kernel itself. */
  readonly pid: number;
}

export interface Forgotten {
  readonly nodeId: NodeId;
  readonly count: number;
}

export interface Timestamp {
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

export interface SetAttributes {
  /** Bits of flags.attribute: which of the others count. */
  readonly valid: number;
  readonly fh: HandleId;
  readonly size: FileOffset;
  readonly atime: Timestamp;
  readonly mtime: Timestamp;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface LockRange {
  readonly fh: HandleId;
  readonly owner: LockOwner;
  /** First byte, as its number in lock-offsets.ts. */
  readonly start: number;
  /** Last byte, inclusive; `END_OF_FILE` is the end of the file wherever it is. */
  readonly end: number;
  /** F_RDLCK 0, F_WRLCK 1, F_UNLCK 2. */
  readonly type: number;
  /** The locking process in the daemon's pid namespace (the header's pid is the thread); 0 in an unlock. */
  readonly lockPid: number;
  readonly isFlock: boolean;
}

interface Bodies {
  LOOKUP: { readonly name: Name };
  FORGET: { readonly count: number };
  BATCH_FORGET: { readonly forgotten: readonly Forgotten[] };
  GETATTR: { readonly fh: HandleId | undefined };
  SETATTR: SetAttributes;
  READLINK: object;
  /** `target` ends with its zero byte. */
  SYMLINK: { readonly name: Name; readonly target: Buffer };
  MKNOD: { readonly name: Name; readonly mode: number; readonly rdev: number };
  MKDIR: { readonly name: Name; readonly mode: number };
  UNLINK: { readonly name: Name };
  RMDIR: { readonly name: Name };
  /** RENAME2 too; `flags` of renameat2(2). */
  RENAME: { readonly name: Name; readonly newParent: NodeId; readonly newName: Name; readonly flags: number };
  LINK: { readonly oldNodeId: NodeId; readonly newName: Name };
  /** `flags` of open(2). */
  OPEN: { readonly flags: number };
  CREATE: { readonly name: Name; readonly flags: number; readonly mode: number };
  READ: { readonly fh: HandleId; readonly offset: FileOffset; readonly size: number };
  WRITE: { readonly fh: HandleId; readonly offset: FileOffset; readonly data: Buffer };
  STATFS: object;
  RELEASE: { readonly fh: HandleId };
  FSYNC: { readonly fh: HandleId; readonly isDataOnly: boolean };
  FLUSH: { readonly fh: HandleId; readonly lockOwner: LockOwner };
  READDIR: { readonly offset: bigint; readonly size: number };
  READDIRPLUS: { readonly offset: bigint; readonly size: number };
  FSYNCDIR: { readonly isDataOnly: boolean };
  GETLK: LockRange;
  SETLK: LockRange;
  SETLKW: LockRange;
  INTERRUPT: { readonly target: Unique };
  FALLOCATE: {
    readonly fh: HandleId;
    readonly offset: FileOffset;
    readonly length: FileOffset;
    readonly mode: number;
  };
  LSEEK: { readonly fh: HandleId; readonly offset: FileOffset; readonly whence: number };
  /** COPY_FILE_RANGE_64 too: the 32-bit answer is the lower half of the other. */
  COPY_FILE_RANGE: {
    readonly fhIn: HandleId;
    readonly offsetIn: bigint;
    readonly fhOut: HandleId;
    readonly offsetOut: bigint;
    readonly length: FileOffset;
  };
  INIT: {
    readonly major: number;
    readonly minor: number;
    readonly maxReadahead: number;
    readonly flags: number;
    readonly flags2: number;
  };
  DESTROY: object;
}

export type Operation = keyof Bodies;
export type RequestOf<Op extends Operation> = Header & { readonly op: Op } & Bodies[Op];
export type Request = { [Op in Operation]: RequestOf<Op> }[Operation];
