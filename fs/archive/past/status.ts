// What the archive holds of each database, from the files of its logs.
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ClosedSegment } from '../log/closed-segment.ts';
import { decodeRecord } from '../log/commit-record.ts';
import type { Incarnation } from '../log/log-store.ts';
import { OpenLog } from '../log/open-log.ts';
import type { Segment } from '../log/segment.ts';
import type { ArchivedDatabase } from '../messages.ts';
import { Pieces } from '../pieces.ts';
import { oldestMoment } from './commit-search.ts';

export type LiveState = Omit<ArchivedDatabase, 'name' | keyof Figures> & {
  /** Gaps of this process that no entry tells of: nothing differed after them. */
  readonly emptyGaps?: number;
};

interface Figures {
  commits: number;
  oldestMs: number | null;
  newestMs: number | null;
  bytes: number;
  gaps: number;
}

/** By name. `liveOf`: of a database that is archived now; undefined for one whose log is only kept. */
export async function statusOf(
  incarnations: readonly Incarnation[],
  liveOf: (name: string) => LiveState | undefined,
): Promise<ArchivedDatabase[]> {
  const byName = new Map<string, Figures>();
  const pieces = new Pieces();
  for (const { folder, identity } of incarnations) {
    const figures = byName.get(identity.name) ?? { commits: 0, oldestMs: null, newestMs: null, bytes: 0, gaps: 0 };
    addFigures(figures, folder);
    byName.set(identity.name, figures);
    await pieces.next();
  }
  const kept: LiveState = { state: 'off', reason: 'its file is gone; what was archived of it is kept', lagBytes: 0 };
  return [...byName]
    .map(([name, figures]) => {
      const { emptyGaps = 0, ...live } = liveOf(name) ?? kept;
      return { name, ...live, ...figures, gaps: figures.gaps + emptyGaps };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function addFigures(figures: Figures, folder: string): void {
  figures.bytes += bytesIn(folder);
  let log: OpenLog | undefined;
  try {
    log = OpenLog.open(folder);
    for (const segment of log.segments) {
      figures.commits += segment.commits;
      figures.gaps += resyncsIn(segment);
    }
    const newest = log.segments.at(-1)?.lastMs;
    const oldest = oldestMoment(log)?.timeMs;
    if (newest !== undefined) figures.newestMs = Math.max(newest, figures.newestMs ?? 0);
    if (oldest !== undefined) figures.oldestMs = Math.min(oldest, figures.oldestMs ?? oldest);
  } catch {
    // Damaged, or it was just removed: `verify` tells.
  } finally {
    log?.close();
  }
}

export function bytesIn(folder: string): number {
  let bytes = 0;
  for (const name of readdirSync(folder)) bytes += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  return bytes;
}

function resyncsIn(segment: Segment): number {
  if (segment instanceof ClosedSegment) return segment.index.resyncs;
  const records = segment.records();
  let count = 0;
  for (let index = 0; index < segment.commits; index++) if (decodeRecord(records, index).kind === 'resync') count++;
  return count;
}
