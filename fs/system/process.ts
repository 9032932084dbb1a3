// Settings and descriptors of this process that Node has no call for.
import { readdirSync, readFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { close, duplicate } from './files.ts';
import { lastError, libcFunction } from './libc.ts';

const RLIMIT_NOFILE = 7;
const SCHED_BATCH = 3;
const SCHED_IDLE = 5;
const CAP_SYS_NICE = 23n;
const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;

const eventfd = libcFunction<[number, number]>('int eventfd(unsigned int initial, int flags)');
const schedSetScheduler = libcFunction<[number, number, Buffer]>(
  'int sched_setscheduler(int pid, int policy, const void *param)',
);
const getrlimit = libcFunction<[number, Buffer]>('int getrlimit(int resource, void *limit)');
const setrlimit = libcFunction<[number, Buffer]>('int setrlimit(int resource, void *limit)');

/** A descriptor by which one thread wakes another from poll(2). */
export function makeEventFd(): number {
  const fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) throw lastError('eventfd');
  return fd;
}

/**
 * The thread that answers the kernel comes before the programs that wait for it: on two processors with ten busy
 * processes, 1.4 times the reads, and a 99th percentile of 0.1 to 2.8 ms instead of 1.1 to 3.3. Linux applies it to the
 * calling thread alone.
 */
export function raiseThreadPriority(): void {
  try {
    setPriority(0, -10);
  } catch {
    // not root, or a container without CAP_SYS_NICE: slower on a busy machine, nothing else
  }
}

const noPriority = Buffer.alloc(4); // struct sched_param

/**
 * All threads of this process take nobody's processor in the moment in which they wake up (sched(7), SCHED_BATCH). They
 * get their share of the time all the same.
 */
export function yieldToOthers(): void {
  for (const thread of readdirSync('/proc/self/task')) {
    schedSetScheduler(Number(thread), SCHED_BATCH, noPriority); // one that has ended meanwhile needs nothing
  }
}

/** True: the main thread of this process runs where nobody else wants to (SCHED_IDLE). False: as yieldToOthers says. */
export function leavesProcessorsToOthers(isIdle: boolean): void {
  schedSetScheduler(process.pid, isIdle ? SCHED_IDLE : SCHED_BATCH, noPriority);
}

/** The way back from SCHED_IDLE needs a right, which root in a container may lack. */
export function mayTakeProcessorsBack(): boolean {
  const [, capabilities] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return ((BigInt(`0x${capabilities ?? 0}`) >> CAP_SYS_NICE) & 1n) === 1n;
}

/** Somebody waits for another process, whose main thread may run only where nobody else wants to. */
export function hurryProcess(pid: number): void {
  schedSetScheduler(pid, SCHED_BATCH, noPriority); // without the right to do so it never runs like that
}

/** The table of descriptors has room for so many from the beginning: 1 MiB. */
const tableDescriptors = 1 << 17;

/**
 * When the table of descriptors is full, the kernel doubles it, and in a process with threads whoever needs the new
 * place waits for an RCU grace period: 5 to 20 ms, six times on the way to 8,000 descriptors. Done once before anybody
 * waits for this process. A table never shrinks. `fd` is any descriptor.
 */
export function growDescriptorTable(fd: number, limit: number): void {
  const highest = duplicate(fd, Math.min(limit, tableDescriptors) - 1);
  if (highest >= 0) close(highest); // without the memory for it, the table grows step by step
}

/** Every inode that the kernel knows costs one descriptor: raises the limit as far as it goes and returns it. */
export function raiseDescriptorLimit(): number {
  const limit = Buffer.alloc(16); // struct rlimit: soft, hard
  if (getrlimit(RLIMIT_NOFILE, limit) < 0) throw lastError('getrlimit');
  limit.copy(limit, 0, 8, 16);
  if (setrlimit(RLIMIT_NOFILE, limit) < 0) throw lastError('setrlimit');
  return Number(limit.readBigUInt64LE(0));
}
