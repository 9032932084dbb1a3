// What the mount and the copier tell each other about the logs of databases in RAM, by files on the tmpfs: how far a
// log is copied, that a position says nothing any more, and whether the mount keeps logs at all.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { close, O_CLOEXEC, O_CREAT, O_RDONLY, O_WRONLY, openat, pread, pwrite } from '../system/files.ts';
import type { RamFolder } from './ram-folders.ts';

export interface CopiedPosition {
  readonly salt1: number;
  readonly salt2: number;
  readonly frames: number;
}

/** A file in the root of the tmpfs: see noteKeepsLogs. */
export const keepsLogsName = 'keeps-logs';
/** What a file in `positions/` holds: salt1, salt2, frames, u32 each; the generation of `drops/`, u64. */
export const positionBytes = 20;
const generationByte = 12;

export class RamPositions {
  readonly #position = Buffer.alloc(positionBytes);
  readonly #generation = Buffer.alloc(8);

  /** How far the log of a database has been copied; undefined: nothing is known. */
  of(folder: RamFolder, name: string): CopiedPosition | undefined {
    const dropped = read(folder, name, 'drops', this.#generation);
    if (dropped === 'short') return undefined; // there was no room to write a number
    if (dropped === 'absent') this.#generation.fill(0);
    if (read(folder, name, 'positions', this.#position) !== 'whole') return undefined;
    if (this.#generation.compare(this.#position, generationByte) !== 0) return undefined;
    const [salt1 = 0, salt2 = 0, frames = 0] = [0, 4, 8].map((at) => this.#position.readUInt32LE(at));
    return { salt1, salt2, frames };
  }

  /** What was copied of it says nothing any more: the copier compares all pages. */
  drop({ fd }: RamFolder, name: string): void {
    const drop = openat(fd, Buffer.from(`../drops/${name}\0`, 'latin1'), O_WRONLY | O_CREAT | O_CLOEXEC, 0o600);
    if (drop < 0) return;
    this.#generation.writeBigUInt64LE(process.hrtime.bigint());
    // A full tmpfs leaves a new file empty, which makes every position void as well.
    pwrite(drop, this.#generation, this.#generation.length, 0);
    close(drop);
  }
}

/** Whether the mount sees and keeps the logs of databases in RAM, which the copier relies on. */
export function noteKeepsLogs(root: string, keeps: boolean): void {
  const mark = join(root, keepsLogsName);
  if (keeps) writeFileSync(mark, '');
  else rmSync(mark, { force: true });
}

function read({ fd }: RamFolder, name: string, kind: string, into: Buffer): 'whole' | 'short' | 'absent' {
  const file = openat(fd, Buffer.from(`../${kind}/${name}\0`, 'latin1'), O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return 'absent';
  const bytes = pread(file, into, into.length, 0);
  close(file);
  return bytes === into.length ? 'whole' : 'short';
}
