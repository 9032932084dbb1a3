// Which databases programs of a dead mount still have open. Such a database counts as locked by them until they close it. A
// list of names is all there is: it only ever becomes shorter, since a dead mount can open nothing.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../log.ts';
import { filesOf, sqliteFileOf } from '../sqlite/files.ts';
import type { Openers } from './registration.ts';
import { findOpenFiles, isOpenElsewhere } from './survey.ts';

const retryMs = 250;

/** Keeps the list, for a successor process too. */
export interface FenceStore {
  readonly names: () => readonly string[];
  readonly add: (name: string) => void;
  readonly remove: (name: string) => void;
}

export class Fence {
  readonly #dataDir: string;
  readonly #openers: Openers;
  readonly #store: FenceStore;
  readonly #log: Log;
  /** Device and inode number (see keyOf) of every file of each database. */
  readonly #databases = new Map<string, readonly string[]>();
  readonly #keys = new Set<string>();
  #nextCheckMs = 0;

  /** What an earlier process has found and what has not been closed since. */
  constructor(dataDir: string, openers: Openers, store: FenceStore, log: Log) {
    this.#dataDir = dataDir;
    this.#openers = openers;
    this.#store = store;
    this.#log = log;
    for (const name of store.names()) this.#raise(name);
  }

  /** Looks at every file of the data directory. To be called before anything there is opened by us or for others. */
  survey(): void {
    const databases = new Set(
      findOpenFiles(this.#dataDir, this.#openers, this.#log).map((path) => sqliteFileOf(path).database),
    );
    for (const name of databases) {
      this.#store.add(name);
      this.#raise(name);
    }
    if (databases.size > 0) {
      this.#log('warn', 'fenced', { databases: [...databases], until: 'the programs of the dead mount close them' });
    }
  }

  /** Paths below the data directory. */
  get databases(): readonly string[] {
    return [...this.#databases.keys()];
  }

  /** `key` as inodeKey makes it. */
  covers(key: string): boolean {
    return this.#keys.has(key);
  }

  /** When check has something to do, on the clock of performance.now(); Infinity for never. */
  get nextCheckMs(): number {
    return this.#databases.size === 0 ? Number.POSITIVE_INFINITY : this.#nextCheckMs;
  }

  /** Lifts the fence of the databases that are closed now; true if there was one. No descriptor of ours may be open on them. */
  check(nowMs: number): boolean {
    if (this.#databases.size === 0) return false;
    this.#nextCheckMs = nowMs + retryMs;
    const closed = this.databases.filter((name) => !this.#isOpen(name));
    for (const name of closed) {
      for (const key of this.#databases.get(name) ?? []) this.#keys.delete(key);
      this.#databases.delete(name);
      this.#store.remove(name);
      this.#log('info', 'fence-lifted', { database: name });
    }
    return closed.length > 0;
  }

  #isOpen(name: string): boolean {
    return filesOf(name).some((file) => isOpenElsewhere(join(this.#dataDir, file), this.#openers));
  }

  #raise(name: string): void {
    const keys = filesOf(name).flatMap((file) => keyOf(join(this.#dataDir, file)));
    this.#databases.set(name, keys);
    for (const key of keys) this.#keys.add(key);
  }
}

/** The same as inodeKey makes of a statx buffer. */
function keyOf(path: string): string[] {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return [];
  const { dev, ino } = stat;
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
  const minor = (dev & 0xffn) | ((dev >> 12n) & ~0xffn & 0xffffffffn);
  return [`${major}:${minor}:${ino >> 32n}:${ino & 0xffffffffn}`];
}
