// The waiting work of one database, in lanes, and the rule of what may start beside what is running. Pure bookkeeping:
// no processes, no clock.

import type { WriteBookmarks } from '../../messages/bookmark.ts';
import type { Outcome } from '../../messages/jobs.ts';
import { limits } from '../../messages/limits.ts';
import { isReadingLane, type Lane, type OpenMode } from '../../messages/operation.ts';

export interface QueuedJob {
  readonly operation: string;
  readonly lane: Lane | 'file';
  readonly args: unknown;
  readonly create: boolean;
  /** Other executors close the database first. Only of lanes whose jobs run alone. */
  readonly alone: boolean;
  /** It may share a transaction of SQL with its neighbours. */
  readonly isShared: boolean;
  /** What the arguments weigh, for the bound on queued bytes. */
  readonly sizeBytes: number;
  readonly deadlineMs: number;
  /** The client has left: nobody waits for the outcome. */
  readonly isGone: () => boolean;
  /** The client has asked for its end: unlike one that has left, it wants a write that runs to end, too. */
  readonly isCancelled: () => boolean;
  /** It ran already, and its executor died or it had to make room: it runs alone now, and not a third time. */
  isRetried: boolean;
  /** It shared a transaction that was lost or took too long: it has one of its own now. */
  runsAlone: boolean;
  /** It reads, but an executor that has the database open for reading could not do it. */
  needsWriter: boolean;
  /** Told the bookmarks of the commit that did it, before it is settled; absent where nobody wants them. */
  readonly onNamed?: ((bookmarks: WriteBookmarks) => void) | undefined;
  readonly settle: (outcome: Outcome) => void;
}

type AnyLane = QueuedJob['lane'];

/** Key-value work that is done soon: its jobs share a transaction. */
export function isShort(lane: AnyLane): boolean {
  return lane === 'kv-read' || lane === 'kv-write';
}

/** Its answers may be large; it waits while many such answers wait for their clients. */
export function answersMuch(lane: AnyLane): boolean {
  return lane === 'kv-read' || isLong(lane);
}

/** May take as long as its deadline lets it: it never gets all executors, neither for one database nor for all. */
export function isLong(lane: AnyLane): lane is 'sql' | 'sql-read' | 'kv-scan' {
  return lane === 'sql' || lane === 'sql-read' || lane === 'kv-scan';
}

/** May wait for the lock of a writer, however long that one holds it. */
export function isWriting(lane: AnyLane): boolean {
  return lane === 'kv-write' || lane === 'sql' || lane === 'background';
}

/** Whether it may go out with others. */
function isJoining(job: QueuedJob): boolean {
  return (isShort(job.lane) || job.isShared) && !job.isRetried && !job.runsAlone;
}

/** The order in which lanes are looked at. */
const laneOrder: readonly AnyLane[] = ['file', 'kv-read', 'kv-write', 'kv-scan', 'sql-read', 'sql', 'background'];

export class DatabaseQueue {
  readonly path: string;
  readonly #waiting: Record<AnyLane, QueuedJob[]> = {
    file: [],
    'kv-read': [],
    'kv-write': [],
    'kv-scan': [],
    sql: [],
    'sql-read': [],
    background: [],
  };
  readonly #running: Record<AnyLane, number> = {
    file: 0,
    'kv-read': 0,
    'kv-write': 0,
    'kv-scan': 0,
    sql: 0,
    'sql-read': 0,
    background: 0,
  };

  /** Groups of SQL that have been at work for a while. */
  readonly #slow = { sql: 0, 'sql-read': 0 };

  /** A job is at work that no other executor may have the database open beside. */
  #isAlone = false;

  constructor(path: string) {
    this.path = path;
  }

  /** How many jobs now wait in its lane. */
  push(job: QueuedJob): number {
    return this.#waiting[job.lane].push(job);
  }

  /** Back to the head of its lane, in order. */
  pushFront(jobs: readonly QueuedJob[]): void {
    for (const job of [...jobs].reverse()) this.#waiting[job.lane].unshift(job);
  }

  /** The lanes that have work and may start now, best first. */
  startable(): AnyLane[] {
    return laneOrder.filter((lane) => this.mayStart(lane));
  }

  /** How the next group of a lane has the database open. */
  modeOf(lane: AnyLane): OpenMode {
    return isReadingLane(lane) && this.#waiting[lane][0]?.needsWriter === false ? 'read' : 'write';
  }

  /** The next group of a lane. Its jobs agree on `create`, `needsWriter`, and whether they share a transaction. */
  take(lane: AnyLane): QueuedJob[] {
    const waiting = this.#waiting[lane];
    const [first] = waiting;
    const most = first !== undefined && isJoining(first) ? limits.groupJobs : 1;
    let count = 0;
    let bytes = 0;
    while (count < most && bytes < limits.groupBytes) {
      const job = waiting[count];
      if (job === undefined || (job !== first && !isJoining(job))) break;
      if (job.create !== first?.create || job.needsWriter !== first.needsWriter) break;
      bytes += job.sizeBytes;
      count += 1;
    }
    this.#running[lane] += 1;
    this.#isAlone ||= first?.alone === true;
    return waiting.splice(0, count);
  }

  finished(lane: AnyLane, { isSlow = false, isAlone = false } = {}): void {
    this.#running[lane] -= 1;
    if (isSlow && (lane === 'sql' || lane === 'sql-read')) this.#slow[lane] -= 1;
    if (isAlone) this.#isAlone = false;
  }

  /** A group of SQL takes long, or waits for a lock: the next one need not wait for it. */
  isHeldUp(lane: 'sql' | 'sql-read'): void {
    this.#slow[lane] += 1;
  }

  /** Removes and returns the waiting jobs whose deadline has passed or whose client has left. */
  takeUseless(nowMs: number): QueuedJob[] {
    const isUseless = (job: QueuedJob): boolean => job.deadlineMs <= nowMs || job.isGone() || job.isCancelled();
    const useless: QueuedJob[] = [];
    for (const lane of laneOrder) {
      const taken = this.#waiting[lane].filter(isUseless);
      if (taken.length === 0) continue;
      useless.push(...taken);
      this.#waiting[lane] = this.#waiting[lane].filter((job) => !isUseless(job));
    }
    return useless;
  }

  takeAll(): QueuedJob[] {
    return laneOrder.flatMap((lane) => this.#waiting[lane].splice(0));
  }

  get isIdle(): boolean {
    return laneOrder.every((lane) => this.#waiting[lane].length === 0 && this.#running[lane] === 0);
  }

  /** SQL that reads waits for other SQL that reads, which may take long. */
  get isSqlHeld(): boolean {
    return this.#waiting['sql-read'].length > 0 && this.#running['sql-read'] > this.#slow['sql-read'];
  }

  /**
   * Work on the file itself runs with nothing beside it, and nothing new starts while it waits. Nothing starts beside
   * a job that runs alone either: whoever opened the database now would have its journal mode refused.
   */
  mayStart(lane: AnyLane): boolean {
    if (this.#waiting[lane].length === 0 || this.#running.file > 0 || this.#isAlone) return false;
    if (lane === 'file') return laneOrder.every((other) => this.#running[other] === 0);
    if (this.#waiting.file.length > 0) return false;
    if (!isLong(lane)) return this.#running[lane] < 1;
    const { sql, 'sql-read': reading, 'kv-scan': scans } = this.#running;
    if (sql + reading + scans >= limits.longPerDatabase) return false;
    if (lane === 'kv-scan') return scans < 1;
    // Two executors that write one database only fight for its lock, and one answers quick reads as fast as several.
    if (this.#running[lane] - this.#slow[lane] > 0) return false;
    return lane === 'sql-read' || sql < limits.writingSqlPerDatabase;
  }
}
