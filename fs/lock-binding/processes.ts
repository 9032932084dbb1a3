// Who a process is: told apart from an earlier one of the same pid, and named for people. Everything comes from /proc
// and may be gone at any moment; then the answer is the little that is known.
import { HIDDEN } from '../locks/database.ts';
import type { ProcessIdentity } from '../locks/types.ts';
import { linkTargetOf } from '../system/files.ts';
import { processOf, readProc, startTimeOf } from '../system/threads.ts';

const MOST_KNOWN = 4096;

interface Known {
  readonly startTime: string;
  readonly identity: ProcessIdentity;
}

/** Remembers threads by start time, so that most questions cost one small read. */
export class Processes {
  readonly #known = new Map<number, Known>();

  /** The process that a thread belongs to. Thread 0 is one that this pid namespace cannot see. */
  identify(tid: number): ProcessIdentity {
    const startTime = startTimeOf(tid);
    const known = this.#known.get(tid);
    if (known?.startTime === startTime) return known.identity;
    const pid = processOf(tid) ?? tid;
    const key = `${pid} ${pid === tid ? startTime : startTimeOf(pid)}`;
    const identity = { pid, key, executable: executableOf(pid) };
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(tid, { startTime, identity });
    return identity;
  }
}

/**
 * Whether a thread runs, or waits for a processor (R), a disk (D) or an answer of a FUSE file system: its request may
 * have come just after we had looked for one (seen on a busy machine, where a moment between two of our steps takes
 * milliseconds).
 */
export function isRunning(tid: number): boolean {
  const stat = readProc(`/proc/${tid}/stat`);
  return (
    /^[RD]/.test(stat.slice(stat.lastIndexOf(')') + 2)) || readProc(`/proc/${tid}/wchan`) === 'request_wait_answer'
  );
}

export interface ProcessName {
  /** The command line, arguments separated by blanks. */
  readonly command: string;
  /** The container's id or name, `host` outside of any, `hidden` for a process that is not to be seen from here. */
  readonly container: string;
}

/**
 * `mayWait` false: with the short name instead of the command line. The kernel reads that out of the process's memory,
 * and waits while the process maps or unmaps something, which in turn may wait for an answer of a FUSE file system.
 */
export function nameProcess(pid: number, mayWait = true): ProcessName {
  if (pid === HIDDEN) return { command: 'unknown', container: 'hidden' };
  const words = (mayWait ? readProc(`/proc/${pid}/cmdline`) : '').split('\0');
  const command = words.join(' ').trim() || readProc(`/proc/${pid}/comm`).trim() || 'unknown';
  return { command, container: containerOf(readProc(`/proc/${pid}/cgroup`), isApart(pid)) };
}

/**
 * The container that the text of /proc/PID/cgroup names: Docker, podman, containerd and CRI-O put the 64 hex digits of
 * the id into a path, systemd-nspawn the machine's name, LXC the container's. A process in a pid namespace of its own
 * (`isApart`) is in a container of another kind, such as runc's, and the last part of its path is the name.
 */
export function containerOf(cgroup: string, isApart: boolean): string {
  const id = /([0-9a-f]{64})/.exec(cgroup)?.[1];
  if (id !== undefined) return id.slice(0, 12);
  const named =
    /\/(?:machine\.slice\/(?:systemd-nspawn@|machine-)|lxc(?:\.payload\.|\/))([^/\n]+?)(?:\.service|\.scope)?(?:\/|$)/m.exec(
      cgroup,
    )?.[1];
  if (named !== undefined) return named;
  if (!isApart) return 'host';
  return /\/([^/\n]+?)(?:\.service|\.scope)?$/m.exec(cgroup)?.[1] ?? 'unnamed';
}

/** Whether the process numbers its processes otherwise than this one does. */
function isApart(pid: number): boolean {
  const theirs = readLink(`/proc/${pid}/ns/pid`);
  return theirs !== undefined && theirs !== readLink('/proc/self/ns/pid');
}

function executableOf(pid: number): string {
  return readLink(`/proc/${pid}/exe`) ?? 'unknown';
}

/** Undefined when the process has ended, or may not be looked at. */
function readLink(path: string): string | undefined {
  return linkTargetOf(Buffer.from(`${path}\0`))?.toString();
}
