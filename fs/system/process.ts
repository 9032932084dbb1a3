// Settings and descriptors of this process that Node has no call for.
import { lastError, libcFunction } from './libc.ts';

const RLIMIT_NOFILE = 7;
const EFD_CLOEXEC = 0o2000000;
const EFD_NONBLOCK = 0o4000;

const eventfd = libcFunction<[number, number]>('int eventfd(unsigned int initial, int flags)');
const getrlimit = libcFunction<[number, Buffer]>('int getrlimit(int resource, void *limit)');
const setrlimit = libcFunction<[number, Buffer]>('int setrlimit(int resource, void *limit)');

/** A descriptor by which one thread wakes another from poll(2). */
export function makeEventFd(): number {
  const fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) throw lastError('eventfd');
  return fd;
}

/** Every inode that the kernel knows costs one descriptor: raises the limit as far as it goes and returns it. */
export function raiseDescriptorLimit(): number {
  const limit = Buffer.alloc(16); // struct rlimit: soft, hard
  if (getrlimit(RLIMIT_NOFILE, limit) < 0) throw lastError('getrlimit');
  limit.copy(limit, 0, 8, 16);
  if (setrlimit(RLIMIT_NOFILE, limit) < 0) throw lastError('setrlimit');
  return Number(limit.readBigUInt64LE(0));
}
