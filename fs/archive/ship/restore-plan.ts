// Which files of a store lead to a moment of a database: a snapshot, and then files that follow each other, the longest
// first. The names say which commits a file has; its header says when the last of them was.
import { LtxError } from '../ltx/header.ts';
import { listLevel, readHeader } from './chain.ts';
import { type DatabaseFile, parseName, snapshotLevel } from './names.ts';
import { ShipError } from './ship-error.ts';
import type { ShipStore } from './store.ts';

export interface PlannedFile extends DatabaseFile {
  readonly name: string;
  readonly bytes: number;
}

export interface RestorePlan {
  readonly database: string;
  /** In the order in which they are applied. */
  readonly files: readonly PlannedFile[];
  readonly bytes: number;
  /** Of the newest commit that it has, in milliseconds since 1970. */
  readonly timeMs: number;
  readonly txid: number;
}

export interface StoredDatabase {
  /** The path below the data directory. */
  readonly name: string;
  readonly files: number;
  readonly bytes: number;
  /** About when the newest file was written. */
  readonly writtenMs: number;
}

/** Every database in the store, by name. @throws ShipError */
export async function listStore(store: ShipStore): Promise<StoredDatabase[]> {
  const found = new Map<string, { files: number; bytes: number; writtenMs: number }>();
  for await (const { name, bytes, timeMs } of store.list('')) {
    const file = parseName(store.url, name);
    if (file === undefined) continue;
    const known = found.get(file.database) ?? { files: 0, bytes: 0, writtenMs: 0 };
    found.set(file.database, {
      files: known.files + 1,
      bytes: known.bytes + bytes,
      writtenMs: Math.max(known.writtenMs, timeMs),
    });
  }
  return [...found].map(([name, sums]) => ({ name, ...sums })).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Whether there is any file of the database. */
export async function isStored(store: ShipStore, database: string): Promise<boolean> {
  for (let level = 0; level <= snapshotLevel; level++) {
    for await (const _ of listLevel(store, database, level)) return true;
  }
  return false;
}

/**
 * @param atMs the last commit at or before it; undefined: the newest
 * @throws ShipError `missing`: no such database, or its files begin later; `damaged`: files are missing in between
 */
export async function planRestore(store: ShipStore, database: string, atMs?: number): Promise<RestorePlan> {
  const all = await filesOf(store, database);
  if (all.length === 0) throw new ShipError('missing', `${store.url} has no database ${database}`);
  const times = new Times(store);
  const target = atMs === undefined ? all.at(-1) : await lastBefore(all, atMs, times);
  if (target === undefined) {
    const oldest = all[0] as PlannedFile;
    const words = new Date(await times.of(oldest)).toISOString();
    throw new ShipError('missing', `${store.url}: ${database} does not go back so far; its oldest moment is ${words}`);
  }
  const files = pathTo(all, target.maxTxid);
  if (files === undefined) {
    throw new ShipError('damaged', `${store.url}: files of ${database} up to ${target.name} are missing`);
  }
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return { database, files, bytes, timeMs: await times.of(target), txid: target.maxTxid };
}

/** Ascending by where they end; of those that end at the same place, the higher level first. */
async function filesOf(store: ShipStore, database: string): Promise<PlannedFile[]> {
  const files: PlannedFile[] = [];
  // All: another program may use other levels.
  for (let level = 0; level <= snapshotLevel; level++) {
    for await (const file of listLevel(store, database, level)) files.push({ ...file, database });
  }
  return files.sort((a, b) => a.maxTxid - b.maxTxid || b.level - a.level);
}

/** Files that end later have later times: it is looked for by halves. */
async function lastBefore(files: readonly PlannedFile[], atMs: number, times: Times): Promise<PlannedFile | undefined> {
  let [low, high] = [-1, files.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((await times.of(files[middle] as PlannedFile)) <= atMs) low = middle;
    else high = middle - 1;
  }
  return files[low];
}

/** From the newest snapshot on: each time the file that leads farthest. undefined: none leads there. */
function pathTo(all: readonly PlannedFile[], txid: number): PlannedFile[] | undefined {
  const usable = all.filter(({ maxTxid }) => maxTxid <= txid);
  const begin = usable.findLast(({ minTxid }) => minTxid === 1);
  if (begin === undefined) return undefined;
  const path = [begin];
  for (let end = begin.maxTxid; end < txid; ) {
    const next = usable.findLast(({ minTxid, maxTxid }) => minTxid <= end + 1 && maxTxid > end);
    if (next === undefined) return undefined;
    path.push(next);
    end = next.maxTxid;
  }
  return path;
}

/** Of the last commits of files, out of their headers. */
class Times {
  readonly #store: ShipStore;
  readonly #known = new Map<string, number>();

  constructor(store: ShipStore) {
    this.#store = store;
  }

  async of({ name }: PlannedFile): Promise<number> {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    try {
      const { timeMs } = await readHeader(this.#store, name);
      this.#known.set(name, timeMs);
      return timeMs;
    } catch (error) {
      if (error instanceof LtxError) throw new ShipError('damaged', `${this.#store.url}/${name}: ${error.message}`);
      throw error;
    }
  }
}
