// Follows one database: has its commits read, makes the base, and after a gap has everything compared. Its troubles are
// its own: whatever fails is told, tried again later, and keeps no client waiting.
import type { CommitLog, DatabaseId } from '../commit.ts';
import type { ArchivedDatabase } from '../messages.ts';
import { type Comparison, compare } from './compare.ts';
import { FirstBase } from './first-base.ts';
import { LogAppender } from './log-appender.ts';
import { noPosition } from './position.ts';
import type { ReadCommit, ReadResult } from './read-result.ts';
import { Reading } from './reading.ts';
import type { TailSurroundings } from './surroundings.ts';
import { Troubles } from './troubles.ts';

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

export class Tail {
  readonly reading: Reading;
  readonly #surroundings: TailSurroundings;
  readonly #appender: LogAppender;
  readonly #base: FirstBase;
  readonly #troubles: Troubles;
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
  #gaps = 0;

  constructor(id: DatabaseId, path: string, log: CommitLog, surroundings: TailSurroundings) {
    this.#id = id;
    this.#path = path;
    this.#surroundings = surroundings;
    this.#appender = new LogAppender(surroundings.store, log);
    this.reading = this.#newReading();
    this.#troubles = this.#newTroubles();
    this.#base = new FirstBase({
      pathOf: () => this.#path,
      copyPathOf: () => surroundings.store.unfinishedBasePath(this.#id),
      copied: () => surroundings.wake(),
      failed: (error) => this.#troubles.failed(error),
    });
    this.#publish(true);
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

  get status(): Pick<ArchivedDatabase, 'state' | 'reason' | 'lagBytes' | 'lagMs' | 'gaps'> {
    const reason = this.#troubles.reason ?? this.#gap;
    const { bytes, ms } = this.reading.lag;
    const isBehind = reason !== undefined || bytes > 0;
    const state = this.#isOff ? 'off' : isBehind ? 'behind' : this.log.hasBase ? 'current' : 'copying';
    return { state, ...(reason === undefined ? {} : { reason }), lagBytes: bytes, lagMs: ms, gaps: this.#gaps };
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
    this.#surroundings.publish(this.#id, noPosition, false);
  }

  sync(): Promise<void> {
    return this.#appender.sync();
  }

  poll(): Progress {
    if (this.#isComparing || this.#troubles.isPausing) return waiting;
    if (this.#gap !== undefined && performance.now() < this.#comparesAtMs) return waiting;
    const { isCopied } = this.#base;
    try {
      if (this.#gap !== undefined) {
        this.#beginComparing(this.#gap);
        return waiting;
      }
      return this.#after(this.reading.read(), isCopied);
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
    if (!hasBase && isCopied) this.#setBase(last.number);
    else if (!hasBase) this.#base.begin();
    this.#publish(true);
    return drained;
  }

  #setBase(validFrom: number): void {
    if (!this.#base.hand(this.log, validFrom)) return;
    this.#surroundings.log('info', 'archive-began', { database: this.#id.name, commit: validFrom });
  }

  #cannotRead(kind: 'off' | 'unreadable'): Progress {
    this.#isOff = true;
    this.#blindness = kind === 'off' ? otherMode : ownIndex;
    this.#troubles.reason = this.#blindness;
    this.#publish(false);
    return drained;
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
    this.#gaps += 1;
    this.#surroundings.log('warn', 'archive-gap', { database: this.#id.name, reason });
    // Without a base no state can be had yet: nothing is lost.
    if (this.log.hasBase) this.#gap = reason;
    else this.#beginAnew(reason);
  }

  #beginAnew(reason: string): void {
    if (this.#appender.beginAnew(this.#id, reason)) {
      this.#surroundings.log('warn', 'archive-began-anew', { database: this.#id.name, reason });
    }
    this.#gap = undefined;
    this.#base.drop();
    this.reading.beginAnew();
  }

  #beginComparing(reason: string): void {
    this.#isComparing = true;
    const beganMs = performance.now();
    const { path, log } = this;
    const { inode } = this.#id;
    const begin = () => {
      this.#surroundings.readRecords();
      this.reading.evidence.clear();
    };
    compare({ path, inode, log, mostBytes: mostDifferentBytes, signal: this.#end.signal, begin })
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
    this.#appender.appendDifference(reason, difference);
    this.#gap = undefined;
    this.#isOff = false;
    this.#troubles.recovered();
    this.reading.goOnFrom(difference.position ?? noPosition, difference.quiet);
    this.#publish(true);
  }

  #publish(isArchived: boolean): void {
    this.#surroundings.publish(this.#id, this.reading.position, isArchived);
  }

  #newTroubles(): Troubles {
    const tail = this;
    const database = {
      get id() {
        return tail.id;
      },
      get position() {
        return tail.reading.position;
      },
    };
    return new Troubles(database, this.#surroundings);
  }

  #newReading(): Reading {
    const tail = this;
    return new Reading({
      get path() {
        return tail.path;
      },
      get inode() {
        return tail.id.inode;
      },
      get log() {
        return tail.log;
      },
      isRecording: () => this.#surroundings.isRecording(),
      append: (commits) => this.#append(commits),
    });
  }
}
