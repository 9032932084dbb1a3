// What the manager knows of one database - its main file and its `-shm` together - each owner that uses it, and each
// request that waits. Plain state with the few questions that every rule asks; the rules themselves are in gate.ts and
// policy.ts.
import type { JournalMode } from '../sqlite/header.ts';
import {
  HOLDS_CKPT,
  HOLDS_DMS,
  HOLDS_RESERVED,
  HOLDS_SHARED,
  HOLDS_WRITE,
  heldBits,
  type LockFileKind,
  type LockRole,
} from '../sqlite/lock-bytes.ts';
import { BusyTime } from './busy-time.ts';
import { type Episode, Episodes } from './episodes.ts';
import { type Proof, ReaderProof } from './readers.ts';
import type { LockOwner, LockTable } from './table.ts';
import type { DatabaseFiles, LockRequest, ProcessIdentity } from './types.ts';

/**
 * The bits that make an owner the writer; one owner at a time can have them. Not PENDING and EXCLUSIVE: a connection
 * that closes a WAL database asks for these beside a writer.
 */
export const WRITER_BITS = HOLDS_RESERVED | HOLDS_WRITE;

/**
 * The pid of a process in a pid namespace that cannot be seen from here. Such processes are told apart by lock owner.
 */
export const HIDDEN = 0;

/** What an owner may hold on a WAL database without keeping anything from others by a wait. */
export const HARMLESS_IN_WAL = HOLDS_DMS | HOLDS_CKPT | HOLDS_SHARED;

export interface OpenHandle {
  /** Who opened it; of main files only. */
  readonly identity: ProcessIdentity | undefined;
  readonly readOnly: boolean;
  /** Who asked for a lock through it first. */
  owner: LockOwner | undefined;
  /** Who opened it has closed it; the kernel's RELEASE follows later. */
  closing: boolean;
}

export interface LockFile {
  readonly key: number;
  readonly kind: LockFileKind;
  readonly database: Database;
  readonly posix: LockTable;
  readonly flock: LockTable;
  readonly handles: Map<number, OpenHandle>;
}

/** A transaction begins with its first lock (PENDING read, or a READ mark) and ends when its snapshot is given back. */
export interface Transaction {
  readonly startedMs: number;
  /** The thread that began it. */
  readonly tid: number;
  readonly inWal: boolean;
  /** False for a proved reader, after the write lock was given back, and for one that has grown old without writing. */
  mayWrite: boolean;
  /** Until when the gate waits for it. */
  youngUntilMs: number;
  /** It was seen running when it came of age: what it has taken so far counts as time for which somebody wrote. */
  isLate: boolean;
  attemptedWrite: boolean;
  /** A commit has waited for its end in vain: further commits do not wait for it. */
  hasOutlastedCommit: boolean;
  /**
   * Somebody has committed while it waited to begin: SQLite gives the READ mark back to look at the WAL's header again.
   */
  readonly isOutdated: boolean;
  /** The database's `commits` when its snapshot was taken. */
  readonly commitsSeen: number;
}

export interface Thread {
  readonly owner: LockOwner;
  readonly tid: number;
}

/** A turn that an owner keeps while it asks again. */
export interface Turn {
  /**
   * The outdated transaction that SQLite is about to ask for again. It keeps its turn until then, or until reviewYoung.
   */
  retry: Transaction | undefined;
  retryUntilMs: number;
  /** When it gave an outdated READ mark back that it has not asked for again. */
  gaveBackMs: number | undefined;
  /**
   * How long it took to ask again the last time: after a dozen tries SQLite sleeps before each, for longer and longer.
   */
  retryGapMs: number;
  /**
   * The turn of a wait that ended at the short limit of a process with several connections: its next try stands there
   * again.
   */
  shortened: { readonly turn: number; readonly untilMs: number } | undefined;
}

/** See slices.ts. */
export interface Hold {
  /** How often in a row the line was held back in vain. */
  inVain: number;
  /** For how many of the next commits it is not. */
  turnsWithout: number;
}

/** Waits for the archive process that ended at their limit, since the last one that did not. */
export interface InVain {
  times: number;
  /** Nobody waits for it before this time. */
  pauseUntilMs: number;
}

/** The time slice of whoever has the write lock: see slices.ts. */
export interface Slice {
  readonly owner: DatabaseOwner;
  /** The thread that took the write lock. */
  readonly tid: number;
  readonly endsMs: number;
  /** Until when the line is held back; {@link OPEN} when it is not. */
  heldUntilMs: number;
}

/** One owner's state on one database. */
export interface DatabaseOwner {
  readonly owner: LockOwner;
  /** {@link HIDDEN} when its process is not to be seen from here. */
  pid: number;
  /** Of its last request: an owner that is an open file (flock, OFD) ends with it. */
  handle: number;
  identity: ProcessIdentity | undefined;
  /** It opened the main file for reading only. */
  readOnly: boolean;
  /** HOLDS_* bits over both files. */
  bits: number;
  transaction: Transaction | undefined;
  /** What it is about to ask for again. */
  readonly turn: Turn;
  /** Whether the line is held back for it after its commits. */
  readonly hold: Hold;
  /** It has asked for PENDING from RESERVED: its commit needs every SHARED gone. */
  committing: boolean;
  waiting: number;
  /** When it gave WRITE back, until a checkpoint of its own was refused. */
  wroteMs: number | undefined;
}

/**
 * `gate`: held before its snapshot, in the end let through. `lock`: waits for a lock, in the end refused. `unread`:
 * waits until the archive process has read the log, in the end refused.
 */
export type WaitKind = 'gate' | 'lock' | 'unread';

/** A lock request with what the manager knows of it. */
export interface Asked {
  readonly file: LockFile;
  readonly role: LockRole;
  readonly request: LockRequest;
  readonly me: DatabaseOwner;
}

export interface Waiter extends Asked {
  readonly database: Database;
  kind: WaitKind;
  /** What was known of it when it asked; nothing is learned of an owner while it waits. */
  readonly proof: Proof;
  readonly startedMs: number;
  /** The database's `commits` then. */
  readonly commitsAsked: number;
  /** The most that this request may wait; what its episode has used is already subtracted. */
  limitMs: number;
  /** Smaller is earlier. An interrupted request that comes back gets its old one. */
  readonly turn: number;
  readonly episode: Episode<Asked>;
  /** The database's busy time when the wait began: the gate's idle limit counts only the rest. */
  readonly busyAtStartMs: number;
  /** Its limit is not reached before this time, and need not be looked at until then. */
  dueMs: number;
  /** The time of the next try, where nothing that happens here tells that what is in the way is gone. */
  retryMs: number | undefined;
}

export class Database {
  readonly name: string;
  readonly key: string;
  main: LockFile | undefined;
  shm: LockFile | undefined;
  /** The one file of what is no database: a journal, a WAL, or anything else that was opened or locked. */
  other: LockFile | undefined;
  readonly owners = new Map<LockOwner, DatabaseOwner>();
  /** In the order of their turn. */
  readonly waiters: Waiter[] = [];
  readonly episodes = new Episodes<Asked>();
  readonly readers = new ReaderProof();
  /** The owner of RESERVED or WRITE. */
  writer: DatabaseOwner | undefined;
  /** Who checkpoints (CKPT) and who restarts the WAL (READ1-4 exclusive), by thread. */
  checkpointer: Thread | undefined;
  resetter: Thread | undefined;
  commits = 0;
  readonly busy = new BusyTime();
  slice: Slice | undefined;
  readonly unreadInVain: InVain = { times: 0, pauseUntilMs: Number.NEGATIVE_INFINITY };
  private knownJournal: JournalMode | undefined;

  constructor(key: string, name: string) {
    this.key = key;
    this.name = name;
  }

  get files(): DatabaseFiles {
    return { main: this.main?.key, shm: this.shm?.key };
  }

  get isUnused(): boolean {
    return !this.main && !this.shm && !this.other && this.waiters.length === 0;
  }

  /** Puts `waiter` in its place by turn. */
  addWaiter(waiter: Waiter): void {
    let at = this.waiters.length;
    while (at > 0 && (this.waiters[at - 1]?.turn ?? 0) > waiter.turn) at--;
    this.waiters.splice(at, 0, waiter);
  }

  ownerOf(owner: LockOwner, pid: number): DatabaseOwner {
    let known = this.owners.get(owner);
    if (!known) {
      known = {
        owner,
        pid,
        handle: 0,
        identity: undefined,
        readOnly: false,
        bits: 0,
        transaction: undefined,
        turn: {
          retry: undefined,
          retryUntilMs: Number.NEGATIVE_INFINITY,
          gaveBackMs: undefined,
          retryGapMs: 0,
          shortened: undefined,
        },
        hold: { inVain: 0, turnsWithout: 1 }, // many programs write once
        committing: false,
        waiting: 0,
        wroteMs: undefined,
      };
      this.owners.set(owner, known);
    } else if (pid !== 0 && known.pid !== pid) {
      // Owner ids are recycled: another process is another history.
      known.pid = pid;
      known.identity = undefined;
    }
    return known;
  }

  /** The journal mode; only an EXCLUSIVE holder can change it, and a file of 0 bytes is looked at every time. */
  journal(read: (file: number) => JournalMode): JournalMode {
    if (this.knownJournal) return this.knownJournal;
    if (!this.main) return 'wal'; // only the -shm is known: that is WAL
    const mode = read(this.main.key);
    if (mode !== 'empty') this.knownJournal = mode;
    return mode;
  }

  forgetJournal(): void {
    this.knownJournal = undefined;
  }

  /** Recomputes what `me` holds, from the tables. Returns the bits before. */
  refresh(me: DatabaseOwner, nowMs: number): number {
    const before = me.bits;
    let bits = 0;
    for (const file of [this.main, this.shm]) {
      const held = file?.posix.owners.get(me.owner);
      if (file && held)
        for (const range of held.ranges) bits |= heldBits(file.kind, range.start, range.end, range.type);
    }
    me.bits = bits;
    if (bits & WRITER_BITS) {
      this.writer = me;
      this.busy.begin(me.transaction?.startedMs ?? nowMs);
    } else if (this.writer === me) {
      this.writer = undefined;
      this.busy.end(nowMs);
    }
    return before;
  }

  /** Whether `me` holds anything that its wait would keep from others: not DMS, CKPT, nor a WAL connection's SHARED. */
  holdsSnapshotOrMore(me: DatabaseOwner, journal: JournalMode): boolean {
    const harmless = journal === 'wal' ? HARMLESS_IN_WAL : HARMLESS_IN_WAL & ~HOLDS_SHARED;
    return (me.bits & ~harmless) !== 0;
  }

  /** Open handles of the process of `me` on the main file: its connections, as far as the kernel can tell. */
  handlesOf(me: DatabaseOwner): number {
    let count = 0;
    for (const handle of this.main?.handles.values() ?? []) if (isOpenOf(handle, me)) count++;
    return count;
  }
}

/**
 * Whether `me` opened the handle and has not closed it. Of hidden processes those handles are known that locks came
 * through.
 */
export function isOpenOf({ identity, owner, closing }: OpenHandle, me: DatabaseOwner): boolean {
  return !closing && identity?.pid === me.pid && (me.pid !== HIDDEN || owner === me.owner);
}
