// All databases that are archived: finds them, hands each one the records of its commits, notices when one is renamed,
// replaced or deleted. A bad database harms no other.
import { join } from 'node:path';
import type { ArchiveParts } from './archive-parts.ts';
import type { CapturedFile } from './capture/captured-file.ts';
import type { DatabaseId } from './commit.ts';
import { databaseAt, databasesBelow, type FoundDatabase, isInTheMaking, nameByLog } from './discovery.ts';
import { FullDisk } from './full-disk.ts';
import type { ArchivedDatabase } from './messages.ts';
import { Orphans } from './orphans.ts';
import type { CommitRecord } from './tail/evidence.ts';
import { noPosition } from './tail/position.ts';
import type { TailSurroundings } from './tail/surroundings.ts';
import { Tail, type TailStatus } from './tail/tail.ts';
import { Turns } from './turns.ts';

const rescanMs = 30_000;
const settleMs = 2000;
const settlePauseMs = 2;
const lastTurns = 100;
/** How often what was captured is looked for: it must not fill its ring. */
const captureMs = 20;

export type FollowedStatus = TailStatus & Pick<ArchivedDatabase, 'name' | 'commits' | 'newestMs'>;

export class Archive {
  readonly #parts: ArchiveParts;
  readonly #surroundings: TailSurroundings;
  readonly #turns: Turns;
  /** By device and inode. */
  readonly #tails = new Map<string, Tail>();
  readonly #byName = new Map<string, Tail>();
  readonly #orphans = new Orphans();
  /** Databases without a log, by device and inode: told once. */
  readonly #refused = new Set<string>();
  #scanning: Promise<void> | undefined;
  #nextScanMs = 0;
  #syncing: Promise<void> = Promise.resolve();
  #isStopped = false;
  readonly #fullDisk: FullDisk;
  #looking: NodeJS.Timeout | undefined;

  constructor(parts: ArchiveParts) {
    this.#parts = parts;
    const { store, log, records } = parts;
    this.#fullDisk = new FullDisk(parts);
    this.#surroundings = {
      store,
      log,
      isRecording: () => records?.isRecording() ?? false,
      readRecords: () => this.#readRecords(),
      publish: (id, position, isArchived) => records?.publish(id, position, isArchived),
      capture: records?.capture,
      wake: () => this.#turns.look(),
      hasRoom: (id, hasRoom) => this.#fullDisk.tell(keyOf(id), hasRoom),
    };
    this.#turns = new Turns({
      beforeRound: () => this.#readRecords(),
      onTick: () => this.#tick(),
      onVanished: (tail) => this.#vanished(tail),
      mayRest: () => this.#surroundings.isRecording(),
      onBehind: () => parts.haste.needed(),
    });
  }

  /** Resolves when every database that is there is followed. */
  async start(): Promise<void> {
    this.#parts.records?.beat();
    this.#readRecords();
    await this.#scan();
    this.#turns.look();
    const capture = this.#parts.records?.capture;
    if (capture !== undefined) this.#looking = setInterval(() => capture.hasNews && this.#turns.look(), captureMs);
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
    this.#parts.haste.needed();
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

  status(): FollowedStatus[] {
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
    clearInterval(this.#looking);
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
    // Where nobody keeps programs from beginning a log anew that is not read, it has to be read soon.
    if (this.#surroundings.isRecording()) this.#parts.haste.restIfPossible();
    else this.#parts.haste.needed();
    if (performance.now() >= this.#nextScanMs) this.#scan();
    this.#syncing = this.#syncing.then(() => this.#sync());
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
    // In this order: the records of all commits before what was captured are there.
    const captured = this.#parts.records?.capture?.read() ?? [];
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
    for (const file of captured) this.#captured(file);
  }

  #captured(file: CapturedFile): void {
    const tail = this.#tails.get(keyOf(file)) ?? (file.name === undefined ? undefined : this.#discover(file.name));
    if (tail !== undefined && keyOf(tail.id) === keyOf(file)) {
      this.#turns.written(tail);
      return;
    }
    file.ignoreItems();
    if (!file.isClaimed && !file.hasPending) this.#parts.records?.capture?.forget(file);
  }

  /** Nobody has told of this database: the descriptor of its log says where it is. */
  #adopt({ fsPid, walFd }: CommitRecord, key: string): Tail | undefined {
    if (this.#orphans.has(key) || this.#refused.has(key)) return undefined;
    const name = nameByLog(this.#parts.dataDir, fsPid, walFd);
    return name === undefined ? undefined : this.#discover(name);
  }

  #keepOrphan(record: CommitRecord, key: string): void {
    if (this.#refused.has(key)) return;
    if (this.#orphans.keep(key, record)) this.#nextScanMs = 0;
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
    for await (const found of databasesBelow(this.#parts.dataDir)) {
      if (this.#isStopped) return;
      this.#found(found);
    }
  }

  #discover(name: string): Tail | undefined {
    const found = databaseAt(this.#parts.dataDir, name);
    return found === undefined ? undefined : this.#found(found);
  }

  #found({ id, journalMode }: FoundDatabase): Tail | undefined {
    const known = this.#tails.get(keyOf(id));
    if (known !== undefined) {
      if (known.id.name !== id.name) this.#renamed(known, id);
      return known;
    }
    if (journalMode !== 'wal' && !this.#isCaptured(id)) return undefined;
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

  /** What programs write to it is captured from when they open it on, although it is not in WAL mode. */
  #isCaptured(id: DatabaseId): boolean {
    const { records, store, isRollbackIncluded } = this.#parts;
    return records?.capture !== undefined && (isRollbackIncluded(id.name) || store.has(id));
  }

  #follow(id: DatabaseId): Tail {
    const key = keyOf(id);
    const { log } = this.#parts.store.open(id);
    const tail = new Tail(id, join(this.#parts.dataDir, id.name), log, this.#surroundings);
    tail.reading.quiet = this.#parts.quietFile.stampOf(id, log.last);
    for (const record of this.#orphans.of(key)) tail.reading.evidence.add(record);
    tail.reading.evidence.beginAt(tail.reading.position);
    this.#orphans.drop(key);
    this.#tails.set(key, tail);
    this.#byName.set(id.name, tail);
    this.#turns.add(tail);
    return tail;
  }

  #refuse(id: DatabaseId): void {
    this.#refused.add(keyOf(id));
    this.#orphans.drop(keyOf(id));
    this.#parts.records?.publish(id, noPosition, false);
  }

  #renamed(tail: Tail, id: DatabaseId): void {
    // Of a file with two names, both of which are there, the first one counts, unless it was meant to go.
    if (!isInTheMaking(tail.id.name) && databaseAt(this.#parts.dataDir, tail.id.name)?.id.inode === id.inode) return;
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
    this.#parts.records?.capture?.forget(tail.id);
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
