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
import { matcherOf } from '../globs.ts';
import type { Log } from '../log.ts';
import { folderParts } from '../nodes/ram-folders.ts';
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
import { directoryOf, findPlaces, folderNameOf, foldersIn } from './places.ts';

const bootIdPath = '/proc/sys/kernel/random/boot_id';
/** Of the tmpfs: room for what is written before a durable copy is made. */
const fullShare = 0.9;

export type Chooser = (path: string) => boolean;

export function chooserOf({ globs, chosen }: Pick<TierStartOptions, 'globs' | 'chosen'>): Chooser {
  const matches = globs.length === 0 ? () => false : matcherOf(globs, []);
  return (path) => (chosen[path] ?? (matches(path) ? 'ram' : 'disk')) === 'ram';
}

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
  const isChosen = chooserOf(options);
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
  const fd = openSync(durable, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    // While the mount serves it knows who has the file open, and may have it open itself.
    if (into === 'files' && tryLease(fd) !== 0) return 'a program has it open';
    const isOurs = await complete(durable, into === 'files' ? 'anybody' : 'copier');
    if (!isOurs || isHot(`${durable}-journal`)) return 'a program has left its log or journal: open and close it once';
    const stat = fstatSync(fd);
    if (!hasRoom(root, stat.size, maxBytes)) return 'there is no room for it in RAM';
    makeFolder(folder, directory);
    const target = join(folder, into, place.name);
    const unfinished = join(folder, 'loading');
    copyFileSync(durable, unfinished);
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

/** Nothing is to be copied until somebody writes it. */
function noteLoaded(place: Place, ram: string): void {
  writePosition(place, { salt1: 0, salt2: 0, frames: 0 }, readGeneration(place));
  writeState(place, { isInBatch: false, durable: stampOf(place.durable), clean: stampsOf(ram) });
}

/** A transaction in rollback mode was not ended: SQLite undoes it when it opens the database. */
function isHot(journal: string): boolean {
  if (!existsSync(journal)) return false;
  const fd = openSync(journal, 'r');
  const start = Buffer.alloc(8);
  readSync(fd, start, 0, start.length, 0);
  closeSync(fd);
  return start.some((byte) => byte !== 0);
}

function hasRoom(root: string, bytes: number, maxBytes: number): boolean {
  const { blocks, bavail, bsize } = statfsSync(root);
  const used = (blocks - bavail) * bsize;
  return used + bytes <= (maxBytes > 0 ? Math.min(maxBytes, fullShare * blocks * bsize) : fullShare * blocks * bsize);
}

function makeFolder(folder: string, directory: string): void {
  for (const part of folderParts) {
    mkdirSync(join(folder, part), { recursive: true, mode: 0o700 });
  }
  if (directoryOf(folder) === directory) return;
  writeFileSync(join(folder, 'path.new'), directory);
  renameSync(join(folder, 'path.new'), join(folder, 'path'));
}
