// A process as a record on disk can name it: the pid alone may belong to another one by now.
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** In clock ticks since boot, as /proc shows it. */
  readonly startTime: string;
}

/** undefined when there is no such process, or only a zombie of it. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const stat = statOf(pid);
  return stat === undefined || stat.state === 'Z' ? undefined : { pid, startTime: stat.startTime };
}

export function isRunning({ pid, startTime }: ProcessIdentity): boolean {
  return identityOf(pid)?.startTime === startTime;
}

/** Also while it is only a zombie, of which other threads may not have ended. */
export function exists({ pid, startTime }: ProcessIdentity): boolean {
  return statOf(pid)?.startTime === startTime;
}

export function parentOf(pid: number): number | undefined {
  return statOf(pid)?.parent;
}

function statOf(
  pid: number,
): { readonly state: string; readonly parent: number; readonly startTime: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The command's name, in parentheses, may hold anything; the fields are counted from behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', parent: Number(fields[1]), startTime: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}
