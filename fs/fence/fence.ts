// Which databases programs of a dead mount still have open. Such a database counts as locked by them until they close
// it. A list of names is all there is: it only ever becomes shorter, since a dead mount can open nothing. Names are
// latin1 strings in here, which keep every byte.
import type { Log } from '../log.ts';
import { inodeKey } from '../nodes/nodes.ts';
import { filesOf, sqliteFileOf } from '../sqlite/files.ts';
import { close, emptyPath, O_CLOEXEC, O_DIRECTORY, O_PATH, openat } from '../system/files.ts';
import { lastError } from '../system/libc.ts';
import { openBelow } from '../system/paths-below.ts';
import { AT_EMPTY_PATH, AT_FDCWD, statAt, statxSize } from '../system/stat.ts';
import type { Openers } from './registration.ts';
import { findOpenFiles, isOpenElsewhere } from './survey.ts';

const retryMs = 250;
/**
 * A look takes about 10 us for each file of a database: so many are looked at together, so that nobody waits for long.
 */
const mostAtOnce = 50;
const pauseMs = 25;

/** Keeps the list, for a successor process too. */
export interface FenceStore {
  readonly names: () => readonly string[];
  /** False when there is no room for it. */
  readonly add: (name: string) => boolean;
  readonly remove: (name: string) => void;
}

/** Files of a directory of the data directory that lie elsewhere: `path` is that directory's. */
export interface FencedFolder {
  readonly fd: number;
  readonly path: string;
}

export class Fence {
  /** O_PATH: it is nobody's open file. */
  readonly #root: number;
  readonly #ram: Iterable<FencedFolder>;
  readonly #openers: Openers;
  readonly #store: FenceStore;
  readonly #log: Log;
  /** Device and inode number (see keyOf) of every file of each database. */
  readonly #databases = new Map<string, readonly string[]>();
  readonly #keys = new Set<string>();
  #nextCheckMs = 0;

  /** What an earlier process has found and what has not been closed since. */
  constructor(dataDir: string, openers: Openers, store: FenceStore, log: Log, ram: Iterable<FencedFolder> = []) {
    this.#ram = ram;
    this.#root = openat(AT_FDCWD, Buffer.from(`${dataDir}\0`), O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (this.#root < 0) throw lastError('open', dataDir);
    this.#openers = openers;
    this.#store = store;
    this.#log = log;
    for (const name of store.names()) this.#raise(name);
  }

  /**
   * Looks at every file of the data directory that is not in one of the directories `exempt`. To be called before
   * anything there is opened by us or for others.
   */
  survey(exempt: readonly string[] = []): void {
    const prefixes = exempt.map((directory) => `${Buffer.from(directory).toString('latin1')}/`);
    const open = findOpenFiles(this.#root, this.#openers, this.#log).filter(
      (path) => !prefixes.some((prefix) => path.startsWith(prefix)),
    );
    for (const { fd, path } of this.#ram) {
      const prefix = path === '' ? '' : `${Buffer.from(path).toString('latin1')}/`;
      open.push(...findOpenFiles(fd, this.#openers, this.#log).map((name) => `${prefix}${name}`));
    }
    const databases = new Set(open.map((path) => sqliteFileOf(path).database));
    for (const name of databases) {
      const database = shown(name);
      if (!this.#store.add(name))
        this.#log('warn', 'fence-not-kept', { database, effect: 'a successor does not know it' });
      this.#raise(name);
    }
    if (databases.size > 0) {
      this.#log('warn', 'fenced', { databases: this.databases, until: 'the programs of the dead mount close them' });
    }
  }

  /** Paths below the data directory. */
  get databases(): readonly string[] {
    return [...this.#databases.keys()].map(shown);
  }

  /** `key` as inodeKey makes it. */
  covers(key: string): boolean {
    return this.#keys.has(key);
  }

  /** When check has something to do, on the clock of performance.now(); Infinity for never. */
  get nextCheckMs(): number {
    return this.#databases.size === 0 ? Number.POSITIVE_INFINITY : this.#nextCheckMs;
  }

  /**
   * Looks at some of the databases, the next ones at the next call, and lifts the fence of those that are closed now;
   * true if there was one. No descriptor of ours may be open on them.
   */
  check(nowMs: number): boolean {
    if (this.#databases.size === 0) return false;
    this.#nextCheckMs = nowMs + (this.#databases.size > mostAtOnce ? pauseMs : retryMs);
    let isAnyLifted = false;
    for (const [name, keys] of [...this.#databases].slice(0, mostAtOnce)) {
      this.#databases.delete(name);
      if (this.#isOpen(name)) {
        this.#databases.set(name, keys); // behind the others
        continue;
      }
      isAnyLifted = true;
      for (const key of keys) this.#keys.delete(key);
      this.#store.remove(name);
      this.#log('info', 'fence-lifted', { database: shown(name) });
    }
    return isAnyLifted;
  }

  #isOpen(name: string): boolean {
    return filesOf(name).some((file) =>
      this.#placesOf(file).some(({ root, path }) => isOpenElsewhere(root, path, this.#openers)),
    );
  }

  #raise(name: string): void {
    const keys = filesOf(name).flatMap((file) => this.#keyOf(file));
    this.#databases.set(name, keys);
    for (const key of keys) this.#keys.add(key);
  }

  /** Empty for a file that is not there, as most companions are not. */
  #keyOf(file: string): string[] {
    return this.#placesOf(file).flatMap(({ root, path }) => {
      const fd = openBelow(root, path, O_PATH);
      if (fd < 0) return [];
      const stat = Buffer.alloc(statxSize);
      const key = statAt(fd, emptyPath, AT_EMPTY_PATH, stat) ? [inodeKey(stat)] : [];
      close(fd);
      return key;
    });
  }

  /** Where the file may lie: in the data directory, and in RAM. */
  #placesOf(file: string): { readonly root: number; readonly path: string }[] {
    const places = [{ root: this.#root, path: file }];
    const slash = file.lastIndexOf('/');
    const folder = slash < 0 ? '' : file.slice(0, slash);
    for (const { fd, path } of this.#ram) {
      if (Buffer.from(path).toString('latin1') === folder) places.push({ root: fd, path: file.slice(slash + 1) });
    }
    return places;
  }
}

function shown(name: string): string {
  return Buffer.from(name, 'latin1').toString();
}
