// What /proc says of a thread, and the clock that it counts by. All of it may be gone at any moment.
import { readdirSync } from 'node:fs';
import { close, O_CLOEXEC, O_RDONLY, openat, read } from './files.ts';
import { libcFunction } from './libc.ts';
import { AT_FDCWD } from './stat.ts';

const CLOCK_BOOTTIME = 7;
const clockGettime = libcFunction<[number, Buffer]>('int clock_gettime(int clock, void *time)');
const time = Buffer.alloc(16); // struct timespec: seconds, nanoseconds
/** Fields of /proc/PID/stat after the program's name, which may contain anything: field 22 is the start time. */
const startTimeField = 22 - 3;
/** USER_HZ: the same on every architecture that Node runs on. */
const ticksPerSecond = 100;
/** A file of /proc is read in such parts: most have less. */
const part = Buffer.alloc(4096);

/** Seconds since the host began, rounded up. */
export function secondsSinceBoot(): number {
  clockGettime(CLOCK_BOOTTIME, time);
  return time.readUInt32LE(0) + 1;
}

/** When the thread began, in ticks since the host began; empty when it is gone. */
export function startTimeOf(tid: number): string {
  const stat = readProc(`/proc/${tid}/stat`);
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[startTimeField] ?? '';
}

/** The process of a thread; undefined when it is gone. */
export function processOf(tid: number): number | undefined {
  const line = /^Tgid:\s*(\d+)/m.exec(readProc(`/proc/${tid}/status`));
  return line === null ? undefined : Number(line[1]);
}

/**
 * The threads of a thread's process. None if the number has gone to another thread since then, one that began later.
 */
export function threadsBeside(tid: number, sinceS: number): number[] {
  const started = startTimeOf(tid);
  if (started === '' || Number(started) / ticksPerSecond > sinceS) return [];
  try {
    return readdirSync(`/proc/${processOf(tid)}/task`).map(Number);
  } catch {
    return [];
  }
}

/**
 * Empty when it is gone, or may not be looked at. Every open of a database waits for this: readFileSync takes twice as
 * long (22 us for a `stat`, and 30 for a `status` with its expression), and an exception longer still.
 */
export function readProc(path: string): string {
  const fd = openat(AT_FDCWD, Buffer.from(`${path}\0`), O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return '';
  let text = '';
  for (let size = read(fd, part, part.length); size > 0; size = read(fd, part, part.length)) {
    text += part.toString('latin1', 0, size);
  }
  close(fd);
  return text;
}
