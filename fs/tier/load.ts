// Brings databases from the disk into RAM, and before that decides which copy counts of those that have two. It runs
// before the mount serves, or for one database that no program has open.
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Log } from '../log.ts';
import { folderParts } from '../nodes/ram-folders.ts';
import { chooserOf } from '../ram-chooser.ts';
import { filesOf, sqliteFileOf } from '../sqlite/files.ts';
import { tryLease } from '../system/leases.ts';
import { complete } from './batch.ts';
import type { TierStartOptions } from './messages.ts';
import {
  forget,
  type Place,
  placeOf,
  readGeneration,
  readState,
  stampOf,
  stampsOf,
  writePosition,
  writeState,
} from './place.ts';
import { directoryOf, findPlaces, folderNameOf, foldersIn, ownBytesOf } from './places.ts';
import { takeExclusive } from './shared-lock.ts';

const bootIdPath = '/proc/sys/kernel/random/boot_id';
/** Names in the data directory belong to programs: a link is not followed, and a FIFO is not waited for. */
const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Of the tmpfs: room for what is written before a durable copy is made. */
const fullShare = 0.9;

/** Files that an earlier boot has left in a folder that is no tmpfs are old: the durable copies count. */
export function dropOfEarlierBoot(root: string, log: Log): void {
  const bootId = readFileSync(bootIdPath, 'utf8').trim();
  const path = join(root, 'boot-id');
  const earlier = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  if (earlier !== undefined && earlier !== bootId) {
    log('warn', 'ramdisk-of-earlier-boot', { root, effect: 'the durable copies are loaded' });
    for (const folder of foldersIn(root)) rmSync(folder, { recursive: true, force: true });
  }
  writeFileSync(path, bootId);
}

/** Looks at each database that is in RAM. Returns those that may not be opened, and why. */
export function judge(places: readonly Place[], log: Log): Map<string, string> {
  const refused = new Map<string, string>();
  for (const place of places) {
    const verdict = verdictOn(place);
    rmSync(join(place.folder, 'refused', place.name), { force: true });
    if (verdict === 'ram') continue;
    if (verdict === 'disk') {
      log('warn', 'ramdisk-durable-copy-newer', { database: place.path, effect: 'it is loaded once more' });
      dropFromRam(place);
      continue;
    }
    const reason = `${place.durable} was changed while no daemon ran, and ${place.ram} has changes that it lacks`;
    const cure = `look at both, then: hoody-sqlite tier keep ${place.path} ram|disk`;
    log('error', 'ramdisk-refused', { database: place.path, reason, cure, effect: 'it cannot be opened' });
    writeFileSync(join(place.folder, 'refused', place.name), `${reason}; ${cure}`);
    refused.set(place.path, `${reason}; ${cure}`);
  }
  return refused;
}

/** What judge has said at the start. */
export function refusedOf(places: readonly Place[]): Map<string, string> {
  return new Map(
    places.flatMap(({ folder, name, path }) => {
      const file = join(folder, 'refused', name);
      return existsSync(file) ? [[path, readFileSync(file, 'utf8')]] : [];
    }),
  );
}

/** Which of the two copies counts. */
function verdictOn(place: Place): 'ram' | 'disk' | 'unknown' {
  const state = readState(place);
  const durable = stampOf(place.durable);
  if (state === undefined || state.isInBatch || durable === state.durable || durable === '') {
    if (durable === '') writeFileSync(place.durable, '', { mode: statSync(place.ram).mode & 0o777 });
    return 'ram';
  }
  const isClean = state.clean.length > 0 && stampsOf(place.ram).every((stamp, at) => stamp === state.clean[at]);
  return isClean ? 'disk' : 'unknown';
}

export function dropFromRam(place: Place): void {
  for (const file of filesOf(place.ram)) rmSync(file, { force: true });
  forget(place);
}

/** Every database on the disk that was chosen and can be had. */
export async function loadChosen(options: TierStartOptions, log: Log): Promise<void> {
  const { dataDir, root, globs, chosen } = options;
  const isChosen = chooserOf(globs, () => chosen);
  const present = new Set(findPlaces(dataDir, root).map(({ path }) => path));
  const names = Object.keys(chosen).filter((path) => chosen[path] === 'ram');
  const found = globs.length === 0 ? names.filter((path) => existsSync(join(dataDir, path))) : walk(dataDir, '');
  for (const path of found) {
    if (present.has(path) || !isChosen(path) || sqliteFileOf(path).kind !== 'database') continue;
    const reason = await load(options, path, 'files').catch((error) => String(error));
    if (typeof reason !== 'string') continue;
    log('warn', 'ramdisk-not-loaded', { database: path, reason, effect: 'it stays on the disk' });
  }
}

function walk(dataDir: string, folder: string): string[] {
  try {
    return readdirSync(join(dataDir, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) return walk(dataDir, path);
      return entry.isFile() ? [path] : [];
    });
  } catch {
    return []; // it has gone, or may not be read
  }
}

/**
 * Copies a database, which nobody has open, into the folder `into` of its place in RAM: `files`, where it counts at
 * once, or `moving`. A text says why not.
 */
export async function load(
  options: Pick<TierStartOptions, 'dataDir' | 'root' | 'maxBytes'>,
  path: string,
  into: 'files' | 'moving',
): Promise<Place | string> {
  const { dataDir, root, maxBytes } = options;
  const durable = join(dataDir, path);
  const directory = dirname(path) === '.' ? '' : dirname(path);
  const folder = join(root, folderNameOf(dirname(durable)));
  const place = placeOf(dataDir, folder, directory, basename(path));
  const fd = openAsFound(durable);
  if (typeof fd === 'string') return fd;
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return 'it is no regular file';
    // The other name would lead to the durable copy, which is not what the programs of this one work on.
    if (stat.nlink > 1) return 'it has another name (a hard link)';
    // While the mount serves it knows who has the file open, and may have it open itself.
    if (into === 'files' && tryLease(fd) !== 0) return 'a program has it open';
    const isWhole = into === 'files' ? await complete(durable, 'anybody') : await completeUnused(durable);
    if (!isWhole || isHot(`${durable}-journal`)) return 'a program has left its log or journal: open and close it once';
    if (!hasRoom(root, stat.size, maxBytes, dataDir)) return 'there is no room for it in RAM';
    makeFolder(folder, directory);
    const target = join(folder, into, place.name);
    const unfinished = join(folder, 'loading');
    // Not by its name, which whoever owns the directory can lead to another file meanwhile.
    copyFileSync(`/proc/self/fd/${fd}`, unfinished);
    const copy = openSync(unfinished, 'r+');
    fchownSync(copy, stat.uid, stat.gid);
    fchmodSync(copy, stat.mode & 0o7777);
    futimesSync(copy, stat.atime, stat.mtime);
    closeSync(copy);
    for (const companion of filesOf(join(folder, 'files', place.name)).slice(1)) rmSync(companion, { force: true });
    renameSync(unfinished, target);
    noteLoaded(place, target);
    return place;
  } finally {
    closeSync(fd);
  }
}

/** A text says why there is nothing to open. */
function openAsFound(path: string): number | string {
  try {
    return openSync(path, openFlags);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ELOOP') return 'it is a symbolic link';
    if (code === 'ENXIO') return 'it is no regular file'; // a socket
    throw error;
  }
}

/**
 * While the mount serves. Two programs that close a database in the same moment leave its log, since each of them is in
 * the way of the other. As SQLite at a last close, this completes it under EXCLUSIVE.
 */
async function completeUnused(durable: string): Promise<boolean> {
  if (await complete(durable, 'copier')) return true;
  const unlock = isHot(`${durable}-journal`) ? undefined : takeExclusive(durable);
  if (unlock === undefined) return false;
  try {
    return await complete(durable, 'anybody');
  } finally {
    unlock();
  }
}

/** Nothing is to be copied until somebody writes it. */
function noteLoaded(place: Place, ram: string): void {
  writePosition(place, { salt1: 0, salt2: 0, frames: 0 }, readGeneration(place));
  writeState(place, { isInBatch: false, durable: stampOf(place.durable), clean: stampsOf(ram) });
}

/** A transaction in rollback mode was not ended: SQLite undoes it when it opens the database. */
function isHot(journal: string): boolean {
  if (!existsSync(journal)) return false;
  const fd = openSync(journal, openFlags);
  try {
    if (!fstatSync(fd).isFile()) return true; // no program can open the database
    const start = Buffer.alloc(8);
    readSync(fd, start, 0, start.length, 0);
    return start.some((byte) => byte !== 0);
  } finally {
    closeSync(fd);
  }
}

function hasRoom(root: string, bytes: number, maxBytes: number, dataDir: string): boolean {
  const { blocks, bavail, bsize } = statfsSync(root);
  if ((blocks - bavail) * bsize + bytes > fullShare * blocks * bsize) return false;
  return maxBytes === 0 || ownBytesOf(findPlaces(dataDir, root)) + bytes <= maxBytes;
}

function makeFolder(folder: string, directory: string): void {
  for (const part of folderParts) {
    mkdirSync(join(folder, part), { recursive: true, mode: 0o700 });
  }
  if (directoryOf(folder) === directory) return;
  writeFileSync(join(folder, 'path.new'), directory);
  renameSync(join(folder, 'path.new'), join(folder, 'path'));
}
