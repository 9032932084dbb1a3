// Takes a copy of a descriptor out of another process: pidfd_open(2), pidfd_getfd(2). Needs the right to trace it.
import { close } from './files.ts';
import { lastError, libcFunction } from './libc.ts';

// The numbers are the same on x86-64 and arm64. libc has no wrappers before glibc 2.36.
const SYS_pidfd_open = 434;
const SYS_pidfd_getfd = 438;

const syscall = libcFunction<[number, number, number, number]>(
  'int64_t syscall(int64_t number, int64_t a, int64_t b, int64_t c)',
);

/** Copies of these descriptors of process `pid`, close-on-exec, in that order. Throws when one cannot be had. */
export function takeDescriptors(pid: number, fds: readonly number[]): number[] {
  const pidfd = syscall(SYS_pidfd_open, pid, 0, 0);
  if (pidfd < 0) throw lastError('pidfd_open', `process ${pid}`);
  const taken: number[] = [];
  try {
    for (const fd of fds) {
      const copy = syscall(SYS_pidfd_getfd, pidfd, fd, 0);
      if (copy < 0) throw lastError('pidfd_getfd', `descriptor ${fd} of process ${pid}`);
      taken.push(copy);
    }
    return taken;
  } catch (error) {
    for (const copy of taken) close(copy);
    throw error;
  } finally {
    close(pidfd);
  }
}
