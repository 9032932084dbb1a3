// Small figures of a log on the disk, each read from its files anew.
import { basename } from 'node:path';
import { ClosedSegment } from './closed-segment.ts';
import { readIdentity } from './identity.ts';
import { OpenLog } from './open-log.ts';

/** That of the database; of the folder, where it cannot be read. */
export function nameOf(folder: string): string {
  try {
    return readIdentity(folder).name;
  } catch {
    return basename(folder);
  }
}

export function figuresOf(path: string) {
  const segment = ClosedSegment.open(path);
  segment.close();
  const { lastMs, thinnedTo, pages, pageBytes, commits } = segment.index;
  return { lastMs, thinnedTo, contentBytes: pages * pageBytes, commits };
}

export function newestMs(folder: string): number {
  const log = OpenLog.open(folder);
  log.close();
  return log.segments.at(-1)?.lastMs ?? log.identity.createdMs;
}

export function commitsIn(folder: string): number {
  const log = OpenLog.open(folder);
  log.close();
  return log.segments.reduce((sum, { commits }) => sum + commits, 0);
}
