// Whether nothing was committed between the last frame that was read and the first one of another write-ahead log. Each
// function is one proof; where none holds, the database has to be compared.
import { readSync } from 'node:fs';
import type { WalIndex } from '../../sqlite/wal-index.ts';
import type { WalPosition } from '../commit.ts';
import { CommitTooLarge, commitsOf, holdsPosition } from '../wal/wal-file.ts';
import { frameByte, frameHeaderBytes, type WalHeader } from '../wal/wal-frames.ts';

const mostLeftover = 100_000;
const mostLeftoverBytes = 64 << 20;

/**
 * The index counts commits over all logs that it has told of. `change`: what it counted at the last frame that was
 * read.
 */
export function isNextByCount(wal: number, header: WalHeader, index: WalIndex, change: number): boolean {
  return index.change === (change + countCommits(wal, header, index.lastFrame)) >>> 0;
}

/**
 * A log that was begun anew still holds the end of the one before it, until new frames reach there. `change` is what
 * the index counted at `position`; what it counts now says how many commits came behind it. If the old frames hold just
 * as many, these are the ones: a commit that never counted would be one too many.
 * @returns the last frame of the last one; undefined: there is none, or nobody knows
 */
export function leftoverEnd(
  wal: number,
  header: WalHeader,
  position: WalPosition,
  index: WalIndex,
  change: number,
): number | undefined {
  const old = { ...header, salt1: position.salt1, salt2: position.salt2 };
  const missing = (index.change - change - countCommits(wal, header, index.lastFrame)) >>> 0;
  if (missing === 0 || missing > mostLeftover || !holdsPosition(wal, old, position)) return undefined;
  let found = 0;
  let end = 0;
  try {
    for (const commit of commitsOf(wal, old, position, Number.MAX_SAFE_INTEGER, mostLeftoverBytes)) {
      found += 1;
      end = commit.position.frames;
    }
  } catch (error) {
    if (error instanceof CommitTooLarge) return undefined;
    throw error;
  }
  return found === missing ? end : undefined;
}

function countCommits(wal: number, { pageBytes }: WalHeader, lastFrame: number): number {
  const head = Buffer.alloc(frameHeaderBytes);
  let commits = 0;
  for (let frame = 1; frame <= lastFrame; frame++) {
    readSync(wal, head, 0, head.length, frameByte(frame, pageBytes));
    if (head.readUInt32BE(4) !== 0) commits += 1;
  }
  return commits;
}
