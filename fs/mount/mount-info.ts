// /proc/PID/mountinfo, row by row (proc_pid_mountinfo(5)). Only text: no mount is touched.
import { readFileSync } from 'node:fs';

export interface MountRow {
  /** As `0:51`. The minor number of a FUSE mount is that of its connection. */
  readonly device: string;
  readonly mountPoint: string;
  /** As `ext4`, `nfs4`, or mountType for a mount of this program. */
  readonly type: string;
}

/**
 * What the mount namespace of a process shows; an upper mount on the same directory comes later. @throws for a process
 * that is gone
 */
export function readMounts(pid: number | 'self' = 'self'): MountRow[] {
  return parseMountInfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
}

/** Pure part of readMounts. */
export function parseMountInfo(text: string): MountRow[] {
  return text.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , device, , mountPoint] = before.split(' ');
    if (device === undefined || mountPoint === undefined) return [];
    return [{ device, mountPoint: unescapeOctal(mountPoint), type: after.split(' ')[0] ?? '' }];
  });
}

/** The kernel writes space, tab, newline, # and backslash as \040 and so on. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
