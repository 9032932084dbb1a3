// Drops just the commits of a log that are older than a time, but for the newest one of all: it says where the log goes
// on. A segment with older and newer ones is cut in two.
import { commitAtTime, commitUpTo } from '../past/commit-search.ts';
import { foldUpTo } from './base.ts';
import { commitsIn } from './figures.ts';
import { OpenLog } from './open-log.ts';

/** Times of commits are finer than this. */
const instantMs = 1e-3;

/**
 * `closeSegments` makes a compressed segment of each one that is there.
 * @returns how many commits were dropped @throws LogDamage: they are not what was written; nothing is dropped
 */
export async function pruneLog(folder: string, beforeMs: number, closeSegments: () => Promise<void>): Promise<number> {
  if (lastBefore(folder, beforeMs) === undefined) return 0;
  await closeSegments();
  const commits = commitsIn(folder);
  const last = lastBefore(folder, beforeMs);
  return last !== undefined && (await foldUpTo(folder, last)) ? commits - commitsIn(folder) : 0;
}

function lastBefore(folder: string, beforeMs: number): number | undefined {
  const log = OpenLog.open(folder);
  try {
    const newest = log.segments.at(-1)?.last ?? 0;
    const last = commitAtTime(log, beforeMs - instantMs)?.number;
    return last === undefined || last < newest ? last : commitUpTo(log, newest - 1)?.number;
  } finally {
    log.close();
  }
}
