// What a successor of the archive process cannot find in the logs: that nobody has written a database since its last
// commit was archived. It spares that successor the comparison of every database that nobody has open. Losing the file
// costs nothing else.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { DatabaseId, LoggedCommit } from './commit.ts';
import type { QuietStamp } from './tail/main-file.ts';

/** By device and inode: the last commit's number and time, the main file's size and time. */
type Stamps = Record<string, readonly [number: number, timeMs: number, size: string, mtimeNs: string]>;

export interface QuietDatabase {
  readonly id: DatabaseId;
  readonly last: LoggedCommit | undefined;
  readonly quiet: QuietStamp | undefined;
}

export class QuietFile {
  readonly #path: string;
  readonly #stamps: Stamps;
  #written = '';

  constructor(path: string) {
    this.#path = path;
    this.#stamps = read(path);
  }

  /** Only if nothing was archived since the stamp was taken. */
  stampOf({ device, inode }: DatabaseId, last: LoggedCommit | undefined): QuietStamp | undefined {
    const [number, timeMs, size, mtimeNs] = this.#stamps[`${device}:${inode}`] ?? [];
    if (number === undefined || size === undefined || mtimeNs === undefined) return undefined;
    if (last?.number !== number || last.timeMs !== timeMs) return undefined;
    return { size: BigInt(size), mtimeNs: BigInt(mtimeNs) };
  }

  write(databases: Iterable<QuietDatabase>): void {
    const stamps: Stamps = {};
    for (const { id, last, quiet } of databases) {
      if (last === undefined || quiet === undefined) continue;
      stamps[`${id.device}:${id.inode}`] = [last.number, last.timeMs, `${quiet.size}`, `${quiet.mtimeNs}`];
    }
    const text = JSON.stringify(stamps);
    if (text === this.#written) return;
    writeFileSync(`${this.#path}.new`, text, { mode: 0o600 });
    renameSync(`${this.#path}.new`, this.#path);
    this.#written = text;
  }
}

function read(path: string): Stamps {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}
