// How much of a disk the archive may take: programs may have their databases on the same one, and come first.
import { statfsSync } from 'node:fs';

export interface Disk {
  readonly bytes: number;
  /** For this user. */
  readonly freeBytes: number;
}

const mostReservedBytes = 2 ** 30;
const mostSegmentBytes = 16 * 1024 * 1024;
const leastSegmentBytes = 64 * 1024;

export function diskOf(folder: string): Disk {
  const { blocks, bavail, bsize } = statfsSync(folder);
  return { bytes: blocks * bsize, freeBytes: bavail * bsize };
}

/** Left to programs: 5 % of the disk, at most 1 GiB. */
function reserveOf({ bytes }: Disk): number {
  return Math.min(bytes / 20, mostReservedBytes);
}

/**
 * Page contents of one segment. A segment is compressed beside itself, and only a compressed one can be dropped: on a
 * small disk it is small enough to be compressed in the room that is left to programs.
 */
export function segmentBytesOn(disk: Disk): number {
  return Math.min(mostSegmentBytes, Math.max(leastSegmentBytes, Math.floor(reserveOf(disk) / 2)));
}

/** Whether so many bytes more leave enough to programs. */
export function fits(disk: Disk, bytes: number): boolean {
  return disk.freeBytes - bytes >= reserveOf(disk);
}
