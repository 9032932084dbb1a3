// Which commits are rewinds: a small file beside the log that is only appended to, one line for each with a checksum
// before it. A line that a kill cut off does not count.
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { cutFile, readIfThere } from '../log/disk.ts';
import { rewindsFile } from '../log/log-files.ts';

export interface Rewind {
  /** The commit that the rewind made. */
  readonly number: number;
  /** Bookmarks: of the moment before it, and of the state that it made. */
  readonly from: string;
  readonly to: string;
}

export function markRewind(folder: string, rewind: Rewind): void {
  const text = JSON.stringify(rewind);
  const path = join(folder, rewindsFile);
  const before = readIfThere(path);
  if (before !== undefined) cutFile(path, before.lastIndexOf(0x0a) + 1);
  appendFileSync(path, `${crc32(text).toString(16)} ${text}\n`, { flush: true });
}

/** In the order in which they were made. */
export function rewindsIn(folder: string): Rewind[] {
  return linesOf(folder).flatMap((line) => parse(line) ?? []);
}

/** Lines that are not what was written. */
export function damagedRewinds(folder: string): number {
  return linesOf(folder).filter((line) => parse(line) === undefined).length;
}

/** Those that were written to their end. */
function linesOf(folder: string): string[] {
  const text = readIfThere(join(folder, rewindsFile))?.toString() ?? '';
  return text
    .split('\n')
    .slice(0, -1)
    .filter((line) => line !== '');
}

function parse(line: string): Rewind | undefined {
  const blank = line.indexOf(' ');
  const text = line.slice(blank + 1);
  return Number.parseInt(line.slice(0, blank), 16) === crc32(text) ? (JSON.parse(text) as Rewind) : undefined;
}
