// Work on the logs that no commit waits for: compression, thinning, the budget. One step at a time, one log after the
// other; each is safe against a crash at any moment, and the next round goes on.
import { existsSync, rmSync } from 'node:fs';
import type { Log } from '../../log.ts';
import type { Retention, VerifyAnswer } from '../messages.ts';
import { bytesIn } from '../past/status.ts';
import { Pieces } from '../pieces.ts';
import { finishFold, foldUpTo, settleBase } from './base.ts';
import { compress } from './compress.ts';
import { commitsIn, figuresOf, nameOf, newestMs } from './figures.ts';
import { listLog } from './log-files.ts';
import { type FolderLogStore, type Incarnation, incarnationFolders } from './log-store.ts';
import { OpenLog } from './open-log.ts';
import { pruneLog } from './prune.ts';
import { recoverRaw } from './raw-recovery.ts';
import { budgetOf, nextThinning } from './retention.ts';
import { diskOf, fits } from './room.ts';
import { LogDamage } from './segment.ts';
import { thin } from './thin.ts';
import { verifyLog } from './verify.ts';

const roundMs = 10_000;
const looksAtAllMs = 60_000;
const restsAfterMs = 60_000;
/** A segment that nobody adds to for so long is compressed before it is full, if it is not tiny. */
const idleMs = 10 * 60_000;
const tinyBytes = 256 * 1024;
const tellsAgainMs = 60 * 60_000;

export interface UpkeepParts {
  readonly archiveDir: string;
  readonly store: FolderLogStore;
  readonly retention: Retention;
  readonly log: Log;
  /** Called after a look at all logs, which has used memory that nobody needs any more. */
  readonly lookedAtAll?: () => void;
  readonly nowMs?: () => number;
}

export interface Dropped {
  readonly droppedCommits: number;
  readonly droppedBytes: number;
}

/** What can be dropped next: the oldest segment of a log, or a whole log that nobody writes to. */
interface Oldest {
  readonly folder: string;
  readonly lastMs: number;
  readonly commits: number;
  /** undefined: the whole log. */
  readonly upTo: number | undefined;
}

export class LogUpkeep {
  readonly #parts: UpkeepParts;
  readonly #nowMs: () => number;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<unknown> = Promise.resolve();
  #isStopped = false;
  #lookedAtAllMs = Number.NEGATIVE_INFINITY;
  #isMakingRoom = false;
  /** Of all logs, when they were looked at last. */
  #seenBytes = 0;
  #budgetToldMs = Number.NEGATIVE_INFINITY;
  /** What was told last, by database and step: each trouble is told once until it is over. */
  readonly #told = new Map<string, string>();

  constructor(parts: UpkeepParts) {
    this.#parts = parts;
    this.#nowMs = parts.nowMs ?? Date.now;
  }

  /** Call it when every database that is there has its log open: others count as gone. */
  start(): void {
    this.#timer = setTimeout(async () => {
      await this.round();
      if (!this.#isStopped) this.start();
    }, roundMs);
  }

  /** Resolves when the step that is at work has ended; a process that ends in the middle of one harms nothing. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#working;
  }

  /** A round at once, unless one is at work. */
  makeRoom(): void {
    if (this.#isMakingRoom) return;
    this.#isMakingRoom = true;
    this.round(true).finally(() => {
      this.#isMakingRoom = false;
    });
  }

  /** All that is to be done now; what needs a look at every file of every log only once a minute, or if `isWhole`. */
  round(isWhole = false): Promise<void> {
    return this.#alone(async () => {
      const looksAtAll = isWhole || this.#nowMs() - this.#lookedAtAllMs >= looksAtAllMs;
      // Before anything is compressed: that takes room.
      if (!fits(diskOf(this.#parts.archiveDir), 0)) await this.#guarded('all', () => this.#keepBudget(), 'budget');
      for (const { folder, identity } of this.#parts.store.incarnations) {
        if (this.#isStopped) return;
        await this.#guarded(identity.name, () => this.#look(folder, looksAtAll));
      }
      if (!looksAtAll) return;
      this.#lookedAtAllMs = this.#nowMs();
      await this.#guarded('all', () => this.#dropOldLogs(), 'old');
      await this.#guarded('all', () => this.#keepBudget(), 'budget');
      this.#parts.lookedAtAll?.();
    });
  }

  /** One piece of work at a time: none reads what another is replacing. */
  #alone<Value>(work: () => Promise<Value>): Promise<Value> {
    const done = this.#working.then(work);
    this.#working = done.catch(() => {});
    return done;
  }

  /** @returns undefined: it has failed, and that is told. `step`: of several of a database. */
  async #guarded<Value>(database: string, work: () => Promise<Value>, step = ''): Promise<Value | undefined> {
    const key = `${database} ${step}`;
    try {
      const value = await work();
      this.#told.delete(key);
      return value;
    } catch (error) {
      const { code, message: reason } = error as NodeJS.ErrnoException;
      if (this.#told.get(key) === reason) return undefined;
      this.#told.set(key, reason);
      const { log } = this.#parts;
      if (code === 'ENOSPC' || code === 'EDQUOT') log('error', 'archive-no-space', { database, reason });
      else if (error instanceof LogDamage) log('error', 'archive-damaged', { database, reason });
      else log('error', 'archive-failed', { database, reason });
      return undefined;
    }
  }

  async #look(folder: string, looksAtAll: boolean): Promise<void> {
    const log = this.#parts.store.openLogs.get(folder);
    if (log?.isSynced && log.idleMs > idleMs && log.openSegmentBytes > tinyBytes) log.rotate();
    log?.rest(restsAfterMs);
    await settleBase(folder);
    await this.#compressRaw(folder);
    await finishFold(folder);
    while (looksAtAll && !this.#isStopped && (await this.#thinOnce(folder)));
  }

  async #compressRaw(folder: string): Promise<void> {
    for (const first of listLog(folder).raw) {
      const isInUse = (): boolean => this.#parts.store.openLogs.get(folder)?.openSegment === first;
      if (this.#isStopped || isInUse()) continue;
      const isWhole = this.#parts.store.openLogs.has(folder) || recoverRaw(folder, first) !== undefined;
      if (!isWhole) continue;
      await compress(folder, first, isInUse);
      this.#parts.store.openLogs.get(folder)?.wasCut();
    }
  }

  async #thinOnce(folder: string): Promise<boolean> {
    const figures = listLog(folder).closed.map(({ path }) => figuresOf(path));
    const next = nextThinning(figures, this.#nowMs(), this.#parts.retention);
    if (next === undefined) return false;
    const log = OpenLog.open(folder);
    try {
      await thin(log, next.from, next.to, next.intervalMs);
    } finally {
      log.close();
    }
    return true;
  }

  #isLive(folder: string): boolean {
    return this.#parts.store.openLogs.get(folder)?.isLive ?? false;
  }

  /** Logs that nobody writes to, whose newest commit is too old. */
  async #dropOldLogs(): Promise<void> {
    const beforeMs = this.#nowMs() - this.#parts.retention.thinnedSeconds * 1000;
    for (const { folder } of this.#parts.store.incarnations) {
      if (!this.#isLive(folder) && newestMs(folder) < beforeMs) this.#removeLog(folder);
    }
  }

  #removeLog(folder: string): void {
    this.#parts.store.removed(folder);
    rmSync(folder, { recursive: true, force: true });
  }

  get budgetBytes(): number {
    const { archiveDir, retention, store } = this.#parts;
    let databaseBytes = 0;
    for (const { last, pageBytes = 0 } of store.openLogs.values())
      databaseBytes += (last?.databasePages ?? 0) * pageBytes;
    return budgetOf(retention, diskOf(archiveDir), { databaseBytes, archiveBytes: this.#seenBytes });
  }

  async #keepBudget(): Promise<void> {
    const bytes = await this.#bytes();
    this.#seenBytes = bytes;
    const { budgetBytes } = this;
    if (bytes <= budgetBytes) return;
    const { droppedCommits, droppedBytes } = await this.#dropWhile((_, dropped) => bytes - dropped > budgetBytes);
    if (droppedCommits === 0 || this.#nowMs() - this.#budgetToldMs < tellsAgainMs) return;
    this.#budgetToldMs = this.#nowMs();
    this.#parts.log('warn', 'archive-budget-reached', { droppedCommits, bytes: bytes - droppedBytes, budgetBytes });
  }

  async #bytes(): Promise<number> {
    const pieces = new Pieces();
    let bytes = 0;
    for (const { folder } of this.#parts.store.incarnations) {
      bytes += bytesIn(folder);
      await pieces.next();
    }
    return bytes;
  }

  /** Drops the oldest as long as `isWanted` says so of it and of the bytes that were dropped before. */
  async #dropWhile(
    isWanted: (oldest: Oldest, droppedBytes: number) => boolean,
    incarnations = this.#parts.store.incarnations,
  ): Promise<Dropped> {
    let [droppedCommits, droppedBytes] = [0, 0];
    const stuck = new Set<string>();
    while (!this.#isStopped) {
      const candidates = incarnations.flatMap(({ folder }) =>
        stuck.has(folder) ? [] : (this.#oldestOf(folder) ?? []),
      );
      const [oldest] = candidates.sort((a, b) => a.lastMs - b.lastMs);
      if (oldest === undefined || !isWanted(oldest, droppedBytes)) break;
      const before = bytesIn(oldest.folder);
      if (oldest.upTo === undefined) this.#removeLog(oldest.folder);
      else if (!(await this.#fold(oldest.folder, oldest.upTo))) {
        stuck.add(oldest.folder);
        continue;
      }
      droppedCommits += oldest.commits;
      droppedBytes += before - (oldest.upTo === undefined ? 0 : bytesIn(oldest.folder));
    }
    return { droppedCommits, droppedBytes };
  }

  /** @returns false: nothing of this log can be dropped now */
  async #fold(folder: string, upTo: number): Promise<boolean> {
    const isDone = await this.#guarded(nameOf(folder), () => foldUpTo(folder, upTo), 'drop');
    this.#parts.store.openLogs.get(folder)?.wasCut();
    return isDone ?? false;
  }

  #oldestOf(folder: string): Oldest | undefined {
    if (!this.#parts.store.incarnations.some((known) => known.folder === folder)) return undefined;
    const { closed, raw } = listLog(folder);
    const [first] = closed;
    if (first !== undefined && closed.length + raw.length > 1) {
      const { commits, lastMs } = figuresOf(first.path);
      return { folder, commits, lastMs, upTo: first.last };
    }
    if (this.#isLive(folder)) return this.#oldestRaw(folder, raw);
    return { folder, commits: commitsIn(folder), lastMs: newestMs(folder), upTo: undefined };
  }

  /** One that could not be compressed, as on a full disk. What comes behind it is on the disk. */
  #oldestRaw(folder: string, [first, next]: readonly number[]): Oldest | undefined {
    const syncedThrough = this.#parts.store.openLogs.get(folder)?.syncedThrough ?? 0;
    if (first === undefined || next === undefined || syncedThrough < next) return undefined;
    return { folder, commits: next - first, lastMs: 0, upTo: next - 1 };
  }

  /** Drops just what is older than that time, but for the newest commit; without it, what the retention says. */
  async prune(incarnations: readonly Incarnation[], beforeMs?: number): Promise<Dropped> {
    await this.round(true);
    const dropped = { droppedCommits: 0, droppedBytes: 0 };
    if (beforeMs === undefined) return dropped;
    return this.#alone(async () => {
      for (const { folder } of incarnations) {
        const before = bytesIn(folder);
        dropped.droppedCommits += await this.#pruneLog(folder, beforeMs);
        dropped.droppedBytes += before - (existsSync(folder) ? bytesIn(folder) : 0);
      }
      return dropped;
    });
  }

  /** @returns how many commits it has dropped */
  async #pruneLog(folder: string, beforeMs: number): Promise<number> {
    if (!this.#isLive(folder) && newestMs(folder) < beforeMs) {
      const commits = commitsIn(folder);
      this.#removeLog(folder);
      return commits;
    }
    return pruneLog(folder, beforeMs, async () => {
      const log = this.#parts.store.openLogs.get(folder);
      log?.rotate();
      await log?.sync();
      await this.#compressRaw(folder);
    });
  }

  /** Those incarnations; undefined: all that there is, also what cannot be read. */
  verify(incarnations?: readonly Incarnation[]): Promise<VerifyAnswer> {
    const folders = incarnations?.map(({ folder }) => folder) ?? incarnationFolders(this.#parts.archiveDir);
    return this.#alone(async () => {
      let commits = 0;
      const faults: string[] = [];
      for (const folder of folders) {
        const found = await verifyLog(folder);
        commits += found.commits;
        faults.push(...found.faults.map((fault) => `${nameOf(folder)}: ${fault}`));
      }
      return { commits, faults };
    });
  }
}
