// Every constant of the lock coordinator, with its unit and its reason. Each can be set by an option.

export interface LockLimits {
  /** How long a request may wait in all, over one episode, before SQLite is told "busy". */
  readonly queueMs: number;
  /**
   * The same for F_SETLKW and flock, which programs expect to wait for ever: afterwards they get EINTR, as after a
   * signal.
   */
  readonly blockingMs: number;
  /**
   * As queueMs, behind a lock that is older than queueMs: what has outlasted a whole wait is likely to outlast the
   * next.
   */
  readonly behindLongMs: number;
  /** As queueMs, for a commit that waits for readers: less, so that those who have to wait behind it outlast it. */
  readonly commitMs: number;
  /** As queueMs, for an owner that already holds something on the database: its wait hinders the one it waits for. */
  readonly shortMs: number;
  /** Tries of one owner for one lock that follow each other within this gap are one episode and share one limit. */
  readonly episodeGapMs: number;
  /** How long a transaction that has not written yet counts as "may still write": the gate waits for it. */
  readonly youngMs: number;
  /**
   * An older one (and such a turn) counts for this much more at a time while its thread runs or waits for a processor
   * or a disk...
   */
  readonly youngStepMs: number;
  /** ...up to this age. On a busy machine 50 ms pass between two system calls of a thread that does nothing else. */
  readonly youngMostMs: number;
  /** A database that was written within this time is hot: newcomers wait for young transactions. */
  readonly hotMs: number;
  /** The most that the gate holds a newcomer while nobody in front holds a write lock. */
  readonly gateIdleMs: number;
  /** Read transactions in a row, without a write attempt, that prove a reader; the gate lets readers through. */
  readonly readerProof: number;
  /** How long after a write attempt an executable's short-lived processes cannot count as readers again. */
  readonly executableDoubtMs: number;
  /**
   * For how long a READ mark that is given back to look at a changed WAL header keeps its turn, unless its thread is
   * seen running.
   */
  readonly retryMs: number;
  /** How long the owner of the write lock may take it again before it is handed on (throughput against fairness). */
  readonly sliceMs: number;
  /**
   * Within a slice: how long the line is held back for its owner, and again while the owner's thread is seen running.
   */
  readonly sliceGapMs: number;
  /** A refused poll (checkpoint RESTART asks for READ1-4 again and again) counts as a wait for this long. */
  readonly pollEdgeMs: number;
  /** How often a request that waits for a lock on the data directory (behind the mount) is tried again. */
  readonly foreignPollMs: number;
  /**
   * How long `PRAGMA wal_checkpoint(RESTART)` and `(TRUNCATE)` wait for the archive process to have read the log: a
   * refusal is an answer `busy`, which programs without a busy timeout take for a failure.
   */
  readonly unreadCheckpointMs: number;
  /**
   * The same for a writer that would begin the log anew: a refusal lets it append. But SQLite then checkpoints after
   * each commit, and the log of a writer that never pauses would grow and grow.
   */
  readonly unreadRestartMs: number;
  /** Such a writer waits if the log is longer than this. */
  readonly unreadLogBytes: number;
  /** How often a request that waits for the archive process is tried again. */
  readonly unreadPollMs: number;
  /**
   * After a wait for the archive process in vain nobody waits for it for so long, then twice as long, up to 16 times:
   * one that is dead or starved costs a writer 3 % of its time.
   */
  readonly unreadPauseMs: number;
  /**
   * A checkpoint that is asked for so soon after the asker's own commit is SQLite's own (`wal_autocheckpoint`), which
   * nobody learns about when it is refused.
   */
  readonly autoCheckpointMs: number;
  /**
   * After a start over a dead mount, how long locks wait for the programs that still have a database of it open, before
   * they are refused. A WAL connection of SQLite tries for 10 s to get a lock that a dead mount refuses, and only then
   * lets go (wal.c).
   */
  readonly fenceMs: number;
  /** A lock held this long is logged once. */
  readonly longHolderMs: number;
}

/** Instead of the time at which the gate opens: it is open. */
export const OPEN = Number.NEGATIVE_INFINITY;

export const defaultLockLimits: LockLimits = {
  queueMs: 5000,
  blockingMs: Number.POSITIVE_INFINITY,
  behindLongMs: 1000,
  commitMs: 4000,
  shortMs: 50,
  episodeGapMs: 250,
  youngMs: 50,
  youngStepMs: 10,
  youngMostMs: 500,
  hotMs: 2000,
  gateIdleMs: 1000,
  readerProof: 16,
  executableDoubtMs: 60_000,
  retryMs: 2,
  sliceMs: 10,
  sliceGapMs: 1.5,
  pollEdgeMs: 200,
  foreignPollMs: 5,
  unreadCheckpointMs: 1000,
  unreadRestartMs: 50,
  unreadLogBytes: 1 << 20,
  unreadPollMs: 1,
  unreadPauseMs: 100,
  autoCheckpointMs: 10,
  fenceMs: 15_000,
  longHolderMs: 30_000,
};
