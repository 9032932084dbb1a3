// Where everything of one database on the tier lies: its file in RAM, its durable copy, and what the copier notes about
// the two. fs/nodes/ram-folders.ts describes the folders.
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stampedFiles, stampText } from '../nodes/ram-moves.ts';
import { positionBytes } from '../nodes/ram-positions.ts';

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
  return readOrNothing(join(folder, 'drops', name))?.readBigUInt64LE(0) ?? 0n;
}

/** undefined: nothing is known. */
export function readPosition(place: Place): Position | undefined {
  const bytes = readOrNothing(join(place.folder, 'positions', place.name));
  if (bytes === undefined || bytes.readBigUInt64LE(12) !== readGeneration(place)) return undefined;
  return { salt1: bytes.readUInt32LE(0), salt2: bytes.readUInt32LE(4), frames: bytes.readUInt32LE(8) };
}

/** Readers see the old one or the new one. `generation`: read before anything of the database was. */
export function writePosition(place: Place, position: Position, generation: bigint): void {
  write('positions', place, position, generation);
}

/** So much of the log is put aside: it may be begun anew. */
export function writeKept(place: Place, position: Position, generation: bigint): void {
  write('kept', place, position, generation);
}

function write(kind: string, { folder, name }: Place, { salt1, salt2, frames }: Position, generation: bigint): void {
  const bytes = Buffer.alloc(positionBytes);
  bytes.writeUInt32LE(salt1, 0);
  bytes.writeUInt32LE(salt2, 4);
  bytes.writeUInt32LE(frames, 8);
  bytes.writeBigUInt64LE(generation, 12);
  writeNew(join(folder, kind), name, bytes);
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
  for (const kind of ['positions', 'states', 'refused', 'moving', 'drops', 'kept'])
    rmSync(join(folder, kind, name), { force: true });
}

/** `new/` lies beside, so that no name is taken for one of a database. */
function writeNew(folder: string, name: string, content: Buffer | string): void {
  const unfinished = `${folder}-new`;
  mkdirSync(unfinished, { recursive: true, mode: 0o700 });
  writeFileSync(join(unfinished, name), content);
  renameSync(join(unfinished, name), join(folder, name));
}
