// What of the logs is kept for how long: decisions over figures, without files.
import type { Retention } from '../messages.ts';
import type { Disk } from './room.ts';

/** What the decisions need of a compressed segment. */
export interface ClosedFigures {
  readonly lastMs: number;
  readonly thinnedTo: number;
  /** Of its page contents, uncompressed. */
  readonly contentBytes: number;
}

const fiveMinutesMs = 5 * 60 * 1000;
const dayMs = 24 * 60 * 60 * 1000;
/** Segments are thinned together up to so much content. */
const mostContentBytes = 64 * 1024 * 1024;
/** A thinned segment that is smaller is merged with the next. */
const smallContentBytes = 8 * 1024 * 1024;

/** One state for each so many milliseconds is kept of commits of that time; 0: all. */
function intervalFor(lastMs: number, nowMs: number, retention: Retention): number {
  if (lastMs >= nowMs - retention.everyCommitSeconds * 1000) return 0;
  return lastMs >= nowMs - retention.thinnedSeconds * 1000 ? fiveMinutesMs : dayMs;
}

export interface Thinning {
  /** Indexes of the first and the last segment. */
  readonly from: number;
  readonly to: number;
  readonly intervalMs: number;
}

/** The oldest run of segments that must be thinned. */
export function nextThinning(
  segments: readonly ClosedFigures[],
  nowMs: number,
  retention: Retention,
): Thinning | undefined {
  const intervalOf = (segment: ClosedFigures): number => intervalFor(segment.lastMs, nowMs, retention);
  const first = segments.findIndex((segment) => intervalOf(segment) > segment.thinnedTo);
  const start = segments[first];
  if (start === undefined) return undefined;
  const intervalMs = intervalOf(start);
  let to = first;
  let content = start.contentBytes;
  for (let next = segments[to + 1]; next !== undefined; next = segments[to + 1]) {
    content += next.contentBytes;
    if (intervalOf(next) !== intervalMs || next.thinnedTo === intervalMs || content > mostContentBytes) break;
    to++;
  }
  const before = segments[first - 1];
  const joins = before?.thinnedTo === intervalMs && before.contentBytes < smallContentBytes;
  return { from: joins ? first - 1 : first, to, intervalMs };
}

export interface Taken {
  /** Of all databases that are archived: the archive has a copy of each. */
  readonly databaseBytes: number;
  /** Of all logs, with these copies. */
  readonly archiveBytes: number;
}

/** By default: the copies, and for commits 10 % of the disk, at most the databases and 1 GiB, or half of the room. */
export function budgetOf(retention: Retention, disk: Disk, { databaseBytes, archiveBytes }: Taken): number {
  if (retention.budgetBytes > 0) return retention.budgetBytes;
  const room = disk.freeBytes + Math.max(0, archiveBytes - databaseBytes);
  return Math.floor(databaseBytes + Math.min(disk.bytes / 10, databaseBytes + 2 ** 30, room / 2));
}
