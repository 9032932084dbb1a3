// Follows one database: has its commits read, makes the base, and after a gap has everything compared. Its troubles are
// its own: whatever fails is told, tried again later, and keeps no client waiting.
import type { CapturedReading } from '../capture/captured-reading.ts';
import { compareCaptured } from '../capture/compare-captured.ts';
import type { CommitLog, DatabaseId } from '../commit.ts';
import { isInTheMaking } from '../discovery.ts';
import type { ArchivedDatabase } from '../messages.ts';
import { type Comparison, compare } from './compare.ts';
import { FirstBase } from './first-base.ts';
import { GapNotices } from './gap-notices.ts';
import { LogAppender } from './log-appender.ts';
import { lookAtMainFile } from './main-file.ts';
import { noPosition } from './position.ts';
import type { ReadCommit, ReadResult } from './read-result.ts';
import type { Reading } from './reading.ts';
import { capturedReadingOf, readingOf, troublesOf } from './readings.ts';
import type { TailSurroundings } from './surroundings.ts';
import type { Troubles } from './troubles.ts';

const mostDifferentBytes = 64 << 20;
const comparingPause = 4;

export interface Progress {
  /** Another poll has something to do at once. */
  readonly hasMore: boolean;
  /** All that was committed when the poll began is in the log. */
  readonly isDrained: boolean;
}

const more: Progress = { hasMore: true, isDrained: false };
const waiting: Progress = { hasMore: false, isDrained: false };
const drained: Progress = { hasMore: false, isDrained: true };
const ownIndex = 'a program keeps it to itself (locking_mode=EXCLUSIVE)';
const otherMode = 'the journal mode is not WAL';
const noRoomForBase = 'its first copy would take more than half of what is free on the disk of the state directory';

export interface TailStatus extends Pick<ArchivedDatabase, 'state' | 'reason' | 'lagBytes' | 'lagMs'> {
  /** Gaps that no entry of the log tells of: nothing differed after them. */
  readonly emptyGaps: number;
}

export class Tail {
  readonly reading: Reading;
  /** What was captured of it; undefined where nothing is. */
  readonly #captured: CapturedReading | undefined;
  readonly #surroundings: TailSurroundings;
  readonly #appender: LogAppender;
  readonly #base: FirstBase;
  readonly #troubles: Troubles;
  readonly #gapNotices = new GapNotices();
  readonly #end = new AbortController();
  #id: DatabaseId;
  #path: string;
  /** Why everything has to be compared before anything can be read. */
  #gap: string | undefined;
  #isComparing = false;
  #comparesAtMs = 0;
  #isOff = false;
  /** Why the database could not be read a while ago: the reason of the gap that follows. */
  #blindness: string | undefined;
  /** Gaps after which nothing differed. */
  #emptyGaps = 0;

  constructor(id: DatabaseId, path: string, log: CommitLog, surroundings: TailSurroundings) {
    this.#id = id;
    this.#path = path;
    this.#surroundings = surroundings;
    this.#appender = new LogAppender(surroundings.store, log);
    const append = (commits: readonly ReadCommit[]) => this.#append(commits);
    this.reading = readingOf(this, surroundings, append);
    this.#captured = capturedReadingOf(this, surroundings, append);
    this.#troubles = troublesOf(this, surroundings);
    this.#base = new FirstBase({
      pathOf: () => this.#path,
      copyPathOf: () => surroundings.store.unfinishedBasePath(this.#id),
      copied: () => surroundings.wake(),
      failed: (error) => this.#troubles.failed(error),
    });
    this.#publish(this.#isWhole);
  }

  get id(): DatabaseId {
    return this.#id;
  }

  get path(): string {
    return this.#path;
  }

  get log(): CommitLog {
    return this.#appender.log;
  }

  get status(): TailStatus {
    const reason = this.#troubles.reason ?? this.#gap;
    const { bytes, ms } = this.reading.lag;
    const isBehind = reason !== undefined || bytes > 0;
    const state = this.#isOff ? 'off' : isBehind ? 'behind' : this.log.hasBase ? 'current' : 'copying';
    return {
      state,
      ...(reason === undefined ? {} : { reason }),
      lagBytes: bytes,
      lagMs: ms,
      emptyGaps: this.#emptyGaps,
    };
  }

  /** All that was there when the last poll began is in the log, and states can be had. */
  get isCurrent(): boolean {
    return this.log.hasBase && this.reading.isCaughtUp;
  }

  rename(id: DatabaseId, path: string): void {
    this.#surroundings.store.rename(this.#id, id.name);
    this.#id = id;
    this.#path = path;
    this.reading.rest();
  }

  /** Closes the descriptors of an idle database until it is looked at again. */
  rest(): void {
    this.reading.rest();
  }

  /** The database is gone. */
  close(): void {
    this.end();
    this.#surroundings.hasRoom(this.#id, true);
    this.#surroundings.store.forget(this.#id);
  }

  /** Nothing is read any more; the log stays open. */
  end(): void {
    this.#end.abort();
    this.#base.drop();
    this.reading.live.close();
    // The log of a database in rollback mode keeps nobody waiting, and a later process goes on here.
    if (this.#captured?.isFollowing) this.#publish(this.#isWhole);
    else this.#surroundings.publish(this.#id, noPosition, false);
  }

  sync(): Promise<void> {
    return this.#appender.sync();
  }

  poll(): Progress {
    // What was captured has to leave its ring.
    if (isInTheMaking(this.#id.name) && this.#captured === undefined) return drained;
    if (this.#isComparing || this.#troubles.isPausing) return waiting;
    if (this.#gap !== undefined && performance.now() < this.#comparesAtMs) return waiting;
    const { isCopied } = this.#base;
    try {
      if (!this.log.hasBase && !this.#base.hasBegun && !this.#hasRoomForBase()) return this.#leaveOut(noRoomForBase);
      if (this.#gap !== undefined) {
        this.#beginComparing(this.#gap);
        return waiting;
      }
      const captured = this.#captured;
      if (captured === undefined) return this.#after(this.reading.read(), isCopied);
      return this.#after(captured.isFollowing ? captured.read() : captured.readWal(), isCopied);
    } catch (error) {
      this.#troubles.failed(error);
      return waiting;
    }
  }

  #after(result: ReadResult, isCopied: boolean): Progress {
    const { kind } = result;
    if (kind !== 'off' && kind !== 'unreadable') this.#isOff = false;
    if (kind === 'drained') return this.#wasDrained(isCopied);
    if (kind === 'waiting') return waiting;
    if (kind === 'more') this.#troubles.recovered();
    else if (kind === 'empty') this.#appender.appendWithoutLog(this.#path, this.#id.inode);
    else if (kind === 'gap') this.#missed(result.reason);
    else if (kind === 'other-page-size') this.#beginAnew('its page size has changed');
    else if (kind === 'too-large') {
      this.reading.skipLog();
      this.#beginAnew('a transaction was too large to be archived');
      this.#publish(false);
    } else return this.#cannotRead(kind);
    return more;
  }

  #wasDrained(isCopied: boolean): Progress {
    this.#troubles.recovered();
    const { last, hasBase } = this.log;
    if (last === undefined) return drained;
    // The copy may hold half of a transaction that goes on: it is whole when that has ended.
    if (this.#captured?.file.hasPending) return drained;
    if (!hasBase && isCopied) this.#setBase();
    else if (!hasBase) this.#base.begin();
    this.#publish(true);
    return drained;
  }

  #setBase(): void {
    const hand = (validFrom: number) => this.#base.hand(this.log, validFrom);
    const commit = this.#appender.baseIsThere(hand);
    this.#surroundings.log('info', 'archive-began', { database: this.#id.name, commit });
  }

  #cannotRead(kind: 'off' | 'unreadable'): Progress {
    return this.#leaveOut(kind === 'off' ? otherMode : ownIndex);
  }

  #leaveOut(reason: string): Progress {
    this.#isOff = true;
    this.#blindness = reason;
    this.#troubles.reason = reason;
    this.#publish(false);
    return drained;
  }

  #hasRoomForBase(): boolean {
    const size = lookAtMainFile(this.#path)?.size ?? 0n;
    return this.#surroundings.store.fits(2 * Number(size));
  }

  #append(commits: readonly ReadCommit[]): number {
    const taken = this.#appender.append(commits);
    const last = commits[taken - 1];
    if (last !== undefined) this.#surroundings.publish(this.#id, last.position, true);
    return taken;
  }

  #missed(seen: string): void {
    const reason = this.#blindness ?? seen;
    this.#blindness = undefined;
    if (this.#captured !== undefined) this.#publish(false); // a process after this one must not go on here
    // Without a base no state can be had yet: nothing is lost.
    if (!this.log.hasBase) {
      this.#beginAnew(reason);
      return;
    }
    if (this.#gapNotices.isDue(reason, performance.now())) {
      this.#surroundings.log('warn', 'archive-gap', { database: this.#id.name, reason });
    }
    this.#gap = reason;
  }

  #beginAnew(reason: string): void {
    this.#base.drop(); // it lies in the folder of the old history
    if (this.#appender.beginAnew(this.#id, reason)) {
      this.#surroundings.log('warn', 'archive-began-anew', { database: this.#id.name, reason });
    }
    this.#gap = undefined;
    this.reading.beginAnew();
  }

  #beginComparing(reason: string): void {
    this.#isComparing = true;
    const beganMs = performance.now();
    const database = { path: this.path, inode: this.#id.inode, log: this.log, mostBytes: mostDifferentBytes };
    const begin = () => {
      this.#surroundings.readRecords();
      this.reading.evidence.clear();
    };
    const { signal } = this.#end;
    const { capture } = this.#surroundings;
    const comparing =
      capture !== undefined && this.#captured?.isFollowing
        ? compareCaptured({ ...database, signal, captured: this.#captured, stream: capture })
        : compare({ ...database, signal, begin });
    comparing
      .then((comparison) => this.#compared(reason, comparison))
      .catch((error) => {
        if (!this.#end.signal.aborted) this.#troubles.failed(error);
      })
      .finally(() => {
        this.#isComparing = false;
        // A database that cannot be followed is not read whole all the time.
        this.#comparesAtMs = performance.now() + comparingPause * (performance.now() - beganMs);
        this.#surroundings.wake();
      });
  }

  #compared(reason: string, comparison: Comparison): void {
    if (this.#end.signal.aborted) return;
    if (comparison.kind === 'compared') this.#goOnFrom(reason, comparison);
    else if (comparison.kind === 'too-different') this.#beginAnew(reason);
    else if (comparison.kind === 'busy') this.#troubles.pause();
    else {
      this.#cannotRead(comparison.kind === 'not-wal' ? 'off' : 'unreadable');
      this.#troubles.pause();
    }
  }

  #goOnFrom(reason: string, { difference }: Extract<Comparison, { kind: 'compared' }>): void {
    if (!this.#appender.appendDifference(reason, difference)) this.#emptyGaps += 1;
    this.#gap = undefined;
    this.#isOff = false;
    this.#troubles.recovered();
    this.reading.goOnFrom(difference.position ?? noPosition, difference.quiet);
    this.#captured?.goOn();
    this.#publish(true);
  }

  #publish(isArchived: boolean): void {
    this.#surroundings.publish(this.#id, this.reading.position, isArchived);
  }

  /** Nothing is known to be missing in what is archived. */
  get #isWhole(): boolean {
    return this.#gap === undefined && (this.#captured === undefined || this.#captured.isContinuous);
  }
}
