// Where everything of one database on the tier lies: its file in RAM, its durable copy, and what the copier notes about
// the two. fs/nodes/ram-folders.ts describes the folders.
import {
  closeSync,
  constants,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { stampedFiles, stampText } from '../nodes/ram-moves.ts';
import { positionBytes } from '../nodes/ram-positions.ts';
import { renameat2 } from '../system/files.ts';
import { AT_FDCWD } from '../system/stat.ts';
import { withReserve } from './reserve.ts';

const RENAME_EXCHANGE = 2;

export interface Place {
  /** Folder of its directory on the tmpfs. */
  readonly folder: string;
  /** Its name in that directory. */
  readonly name: string;
  /** Below the data directory. */
  readonly path: string;
  /** Paths of the main files. */
  readonly ram: string;
  readonly durable: string;
}

export interface Position {
  readonly salt1: number;
  readonly salt2: number;
  readonly frames: number;
}

/** What is known of a database when nothing is left to be copied, for the next copier. */
export interface CopyState {
  /** A batch is being written: what differs in the durable copy is the copier's work. */
  readonly isInBatch: boolean;
  /** Stamp of the durable copy after the last batch. */
  readonly durable: string;
  /** Stamps of the files in RAM when the durable copy had all of them; empty: unknown. */
  readonly clean: readonly string[];
}

/** The mount had no room to write one. */
const unknownGeneration = 0xffff_ffff_ffff_ffffn;

export function placeOf(dataDir: string, folder: string, directory: string, name: string): Place {
  const path = directory === '' ? name : `${directory}/${name}`;
  return { folder, name, path, ram: join(folder, 'files', name), durable: join(dataDir, path) };
}

/** Empty where there is no such file. */
export function stampOf(path: string): string {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? '' : stampText(stat.ino, stat.size, stat.mtimeNs);
}

/** Of the main file at `path` and of those beside it. */
export function stampsOf(path: string): readonly string[] {
  return stampedFiles(path).map(stampOf);
}

/** Counts what the mount has let go without a copy: a position that was noted before says nothing. */
export function readGeneration({ folder, name }: Place): bigint {
  const bytes = readOrNothing(join(folder, 'drops', name));
  if (bytes === undefined) return 0n;
  return bytes.length < 8 ? unknownGeneration : bytes.readBigUInt64LE(0);
}

/** undefined: nothing is known. */
export function readPosition(place: Place): Position | undefined {
  const bytes = readOrNothing(join(place.folder, 'positions', place.name));
  const generation = readGeneration(place);
  if (bytes === undefined || generation === unknownGeneration) return undefined;
  if (bytes.readBigUInt64LE(12) !== generation) return undefined;
  return { salt1: bytes.readUInt32LE(0), salt2: bytes.readUInt32LE(4), frames: bytes.readUInt32LE(8) };
}

/** `generation`: read before anything of the database was. */
export function writePosition({ folder, name }: Place, { salt1, salt2, frames }: Position, generation: bigint): void {
  const bytes = Buffer.alloc(positionBytes);
  bytes.writeUInt32LE(salt1, 0);
  bytes.writeUInt32LE(salt2, 4);
  bytes.writeUInt32LE(frames, 8);
  bytes.writeBigUInt64LE(generation, 12);
  writeNew(join(folder, 'positions'), name, bytes);
}

function readOrNothing(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export function readState({ folder, name }: Place): CopyState | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'states', name), 'utf8')) as CopyState;
  } catch {
    return undefined;
  }
}

export function writeState({ folder, name }: Place, state: CopyState): void {
  writeNew(join(folder, 'states'), name, JSON.stringify(state));
}

export function forget({ folder, name }: Place): void {
  for (const kind of ['positions', 'positions-new', 'states', 'states-new', 'refused', 'moving', 'drops'])
    rmSync(join(folder, kind, name), { force: true });
}

/**
 * Readers see the old one or the new one. The old one becomes the spare file of the next: what is noted again and again
 * needs no new room, so a full tmpfs does not stop it.
 */
function writeNew(folder: string, name: string, content: Buffer | string): void {
  const spares = `${folder}-new`; // beside it, so that no name is taken for one of a database
  const [spare, note] = [join(spares, name), join(folder, name)];
  withReserve(join(folder, '..', '..'), () => {
    mkdirSync(spares, { recursive: true, mode: 0o700 });
    overwrite(spare, content);
  });
  if (renameat2(AT_FDCWD, pathOf(spare), AT_FDCWD, pathOf(note), RENAME_EXCHANGE) === 0) return;
  renameSync(spare, note);
  try {
    overwrite(spare, content);
  } catch {
    // the next one needs room
  }
}

/** Without giving its room back in between. */
function overwrite(path: string, content: Buffer | string): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
  try {
    const length = typeof content === 'string' ? writeSync(fd, content) : writeSync(fd, content, 0, content.length, 0);
    ftruncateSync(fd, length);
  } finally {
    closeSync(fd);
  }
}

function pathOf(path: string): Buffer {
  return Buffer.from(`${path}\0`);
}
