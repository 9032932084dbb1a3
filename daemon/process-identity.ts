// A process as a record on disk can name it: the pid alone may belong to another one by now.
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** In clock ticks since boot, as /proc shows it. */
  readonly startTime: string;
}

/** undefined when there is no such process, or only a zombie of it. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const stat = statOf(`/proc/${pid}`);
  return stat === undefined || stat.state === 'Z' ? undefined : { pid, startTime: stat.startTime };
}

export function isRunning({ pid, startTime }: ProcessIdentity): boolean {
  return identityOf(pid)?.startTime === startTime;
}

export function parentOf(pid: number): number | undefined {
  return statOf(`/proc/${pid}`)?.parent;
}

/** One letter of ps(1); undefined when it is gone. `folder` is that of a process or of one of its threads. */
export function stateOf(folder: string): string | undefined {
  return statOf(folder)?.state;
}

function statOf(
  folder: string,
): { readonly state: string; readonly parent: number; readonly startTime: string } | undefined {
  try {
    const stat = readFileSync(`${folder}/stat`, 'latin1');
    // The command's name, in parentheses, may hold anything; the fields are counted from behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', parent: Number(fields[1]), startTime: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}
