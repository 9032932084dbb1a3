// All databases that are archived: finds them, hands each one the records of its commits, notices when one is renamed,
// replaced or deleted. A bad database harms no other.
import { readlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Log } from '../log.ts';
import type { DatabaseId, LogStore, WalPosition } from './commit.ts';
import { walDatabaseAt, walDatabasesBelow } from './discovery.ts';
import type { ArchivedDatabase } from './messages.ts';
import type { QuietFile } from './quiet-file.ts';
import type { CommitRecord } from './tail/evidence.ts';
import { noPosition } from './tail/position.ts';
import type { TailSurroundings } from './tail/surroundings.ts';
import { Tail } from './tail/tail.ts';
import { Turns } from './turns.ts';

const rescanMs = 30_000;
const settleMs = 2000;
const settlePauseMs = 2;
/** Records of databases that are not known yet. */
const mostOrphans = 70_000;
const lastTurns = 100;

/** What the mount has recorded; absent where there is no mount. */
export interface Records {
  isRecording(): boolean;
  /** All since the last call. `isComplete` false: some before them are lost. */
  read(): { readonly records: readonly CommitRecord[]; readonly isComplete: boolean };
  /** `isArchived` false: nobody needs to wait until this database was read. */
  publish(id: DatabaseId, position: WalPosition, isArchived: boolean): void;
  /** This process lives, and reads. */
  beat(): void;
}

export interface ArchiveParts {
  readonly dataDir: string;
  readonly store: LogStore;
  readonly isIncluded: (name: string) => boolean;
  readonly records: Records | undefined;
  readonly quietFile: QuietFile;
  readonly log: Log;
}

export type TailStatus = Pick<
  ArchivedDatabase,
  'name' | 'state' | 'reason' | 'commits' | 'newestMs' | 'lagBytes' | 'lagMs' | 'gaps'
>;

export class Archive {
  readonly #parts: ArchiveParts;
  readonly #surroundings: TailSurroundings;
  readonly #turns: Turns;
  /** By device and inode. */
  readonly #tails = new Map<string, Tail>();
  readonly #byName = new Map<string, Tail>();
  #orphans = new Map<string, CommitRecord[]>();
  #orphanCount = 0;
  /** Databases without a log, by device and inode: told once. */
  readonly #refused = new Set<string>();
  #scanning: Promise<void> | undefined;
  #nextScanMs = 0;
  #syncing: Promise<void> = Promise.resolve();
  #isStopped = false;
  /** Databases for whose commits there is no room. */
  readonly #full = new Set<string>();

  constructor(parts: ArchiveParts) {
    this.#parts = parts;
    const { store, log, records } = parts;
    this.#surroundings = {
      store,
      log,
      isRecording: () => records?.isRecording() ?? false,
      readRecords: () => this.#readRecords(),
      publish: (id, position, isArchived) => records?.publish(id, position, isArchived),
      wake: () => this.#turns.look(),
      hasRoom: (id, hasRoom) => this.#hasRoom(keyOf(id), hasRoom),
    };
    this.#turns = new Turns({
      beforeRound: () => this.#readRecords(),
      onTick: () => this.#tick(),
      onVanished: (tail) => this.#vanished(tail),
      mayRest: () => this.#surroundings.isRecording(),
    });
  }

  /** Resolves when every database that is there is followed. */
  async start(): Promise<void> {
    this.#parts.records?.beat();
    this.#readRecords();
    await this.#scan();
    this.#turns.look();
  }

  tailOf(name: string): Tail | undefined {
    return this.#byName.get(name);
  }

  /** These databases were most likely written. */
  wake(names: readonly string[]): void {
    for (const name of names) {
      const tail = this.#byName.get(name) ?? this.#discover(name);
      if (tail !== undefined) this.#turns.written(tail);
    }
    this.#turns.look();
  }

  /** A program waits until all of this database is in the log. */
  readNow(name: string): void {
    const tail = this.#byName.get(name) ?? this.#discover(name);
    if (tail !== undefined) this.#turns.run(tail);
  }

  /** True when everything that was committed before the call is in the log; false after 2 s. */
  async settle(name: string): Promise<boolean> {
    const beganMs = performance.now();
    while (performance.now() < beganMs + settleMs && !this.#isStopped) {
      const tail = this.#byName.get(name) ?? this.#discover(name);
      if (tail === undefined) return false;
      if (this.#turns.drainedMs(tail) >= beganMs) return true;
      this.#turns.run(tail);
      await new Promise((resolve) => setTimeout(resolve, settlePauseMs));
    }
    return false;
  }

  status(): TailStatus[] {
    const all = [...this.#tails.values()].map(({ id, log, status }) => ({
      name: id.name,
      ...status,
      commits: log.last?.number ?? 0,
      newestMs: log.last?.timeMs ?? null,
    }));
    return all.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Archives what can be read at once, and closes all logs. */
  async stop(): Promise<void> {
    this.#turns.stop();
    this.#readRecords();
    for (const tail of this.#tails.values()) for (let turns = 0; turns < lastTurns && tail.poll().hasMore; ) turns++;
    this.#isStopped = true;
    await this.#scanning;
    await this.#syncing;
    await this.#sync();
    for (const tail of this.#tails.values()) tail.end();
    this.#parts.store.close();
  }

  #tick(): void {
    this.#parts.records?.beat();
    if (performance.now() >= this.#nextScanMs) this.#scan();
    this.#syncing = this.#syncing.then(() => this.#sync());
  }

  /** One full disk is one trouble, however many databases have it. */
  #hasRoom(key: string, hasRoom: boolean): void {
    const wasFull = this.#full.size > 0;
    if (hasRoom) this.#full.delete(key);
    else this.#full.add(key);
    const isFull = this.#full.size > 0;
    const { log } = this.#parts;
    if (isFull && !wasFull) log('error', 'archive-no-space', { reason: 'the disk of the archive is full' });
    if (wasFull && !isFull) log('info', 'archive-has-space', {});
  }

  async #sync(): Promise<void> {
    for (const tail of [...this.#tails.values()]) {
      try {
        await tail.sync();
      } catch (error) {
        this.#parts.log('error', 'archive-failed', { database: tail.id.name, reason: `sync: ${messageOf(error)}` });
      }
    }
    try {
      const tails = [...this.#tails.values()];
      this.#parts.quietFile.write(tails.map(({ id, log, reading }) => ({ id, last: log.last, quiet: reading.quiet })));
    } catch {
      // no space: a successor of this process has to compare these databases
    }
  }

  #readRecords(): void {
    const read = this.#parts.records?.read();
    if (read === undefined) return;
    if (!read.isComplete) for (const tail of this.#tails.values()) tail.reading.evidence.isAnchored = false;
    const written = new Set<Tail>();
    for (const record of read.records) {
      const key = keyOf(record);
      const tail = this.#tails.get(key) ?? this.#adopt(record, key);
      if (tail === undefined) this.#keepOrphan(record, key);
      else {
        tail.reading.evidence.add(record);
        written.add(tail);
      }
    }
    for (const tail of written) this.#turns.written(tail);
  }

  /** Nobody has told of this database: the descriptor of its log says where it is. */
  #adopt({ fsPid, walFd }: CommitRecord, key: string): Tail | undefined {
    if (this.#orphans.has(key) || this.#refused.has(key)) return undefined;
    try {
      const wal = readlinkSync(`/proc/${fsPid}/fd/${walFd}`);
      const name = relative(this.#parts.dataDir, wal.replace(/ \(deleted\)$/, '').replace(/-wal$/, ''));
      return name.startsWith('..') ? undefined : this.#discover(name);
    } catch {
      return undefined; // the descriptor has been closed: a scan finds the database
    }
  }

  #keepOrphan(record: CommitRecord, key: string): void {
    if (this.#refused.has(key)) return;
    const others = this.#orphans.get(key);
    if (others === undefined) {
      this.#orphans.set(key, [record]);
      this.#nextScanMs = 0;
    } else others.push(record);
    this.#orphanCount += 1;
    if (this.#orphanCount <= mostOrphans) return;
    this.#orphans = new Map();
    this.#orphanCount = 0;
  }

  /** Finds all databases, and the new names of those that have been renamed. */
  #scan(): Promise<void> {
    this.#scanning ??= this.#scanAll().finally(() => {
      this.#scanning = undefined;
      this.#nextScanMs = performance.now() + rescanMs;
    });
    return this.#scanning;
  }

  async #scanAll(): Promise<void> {
    for await (const id of walDatabasesBelow(this.#parts.dataDir)) {
      if (this.#isStopped) return;
      this.#found(id);
    }
  }

  #discover(name: string): Tail | undefined {
    const id = walDatabaseAt(this.#parts.dataDir, name);
    return id === undefined ? undefined : this.#found(id);
  }

  #found(id: DatabaseId): Tail | undefined {
    const known = this.#tails.get(keyOf(id));
    if (known !== undefined) {
      if (known.id.name !== id.name) this.#renamed(known, id);
      return known;
    }
    if (!this.#parts.isIncluded(id.name)) {
      this.#refuse(id);
      return undefined;
    }
    try {
      return this.#follow(id);
    } catch (error) {
      if (!this.#refused.has(keyOf(id))) {
        this.#parts.log('error', 'archive-failed', { database: id.name, reason: messageOf(error) });
      }
      this.#refuse(id);
      return undefined;
    }
  }

  #follow(id: DatabaseId): Tail {
    const key = keyOf(id);
    const { log } = this.#parts.store.open(id);
    const tail = new Tail(id, join(this.#parts.dataDir, id.name), log, this.#surroundings);
    tail.reading.quiet = this.#parts.quietFile.stampOf(id, log.last);
    for (const record of this.#orphans.get(key) ?? []) tail.reading.evidence.add(record);
    tail.reading.evidence.beginAt(tail.reading.position);
    this.#orphans.delete(key);
    this.#tails.set(key, tail);
    this.#byName.set(id.name, tail);
    this.#turns.add(tail);
    return tail;
  }

  #refuse(id: DatabaseId): void {
    this.#refused.add(keyOf(id));
    this.#orphans.delete(keyOf(id));
    this.#parts.records?.publish(id, noPosition, false);
  }

  #renamed(tail: Tail, id: DatabaseId): void {
    // Of a file with two names, both of which are there, the first one counts.
    if (walDatabaseAt(this.#parts.dataDir, tail.id.name)?.inode === id.inode) return;
    this.#forgetName(tail);
    if (!this.#parts.isIncluded(id.name)) {
      this.#close(tail);
      this.#refuse(id);
      return;
    }
    tail.rename(id, join(this.#parts.dataDir, id.name));
    this.#byName.set(id.name, tail);
    this.#turns.run(tail);
  }

  /** Renamed, replaced or deleted: only a look at all databases tells. */
  #vanished(tail: Tail): void {
    if (this.#byName.get(tail.id.name) === tail) {
      this.#forgetName(tail);
      this.#discover(tail.id.name);
    }
    this.#scan().then(() => {
      const isBack = this.#byName.get(tail.id.name) === tail;
      if (!isBack && this.#tails.get(keyOf(tail.id)) === tail && !this.#isStopped) this.#close(tail);
    });
  }

  #forgetName(tail: Tail): void {
    if (this.#byName.get(tail.id.name) === tail) this.#byName.delete(tail.id.name);
  }

  #close(tail: Tail): void {
    this.#turns.remove(tail);
    this.#tails.delete(keyOf(tail.id));
    this.#forgetName(tail);
    tail
      .sync()
      .catch(() => {})
      .finally(() => tail.close());
  }
}

function keyOf({ device, inode }: { readonly device: string; readonly inode: string }): string {
  return `${device}:${inode}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
