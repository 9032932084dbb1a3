// How much of a file waits to be written: cachestat(2), Linux 6.5 and newer. Its cost grows with the cached pages, 8 ns
// each.
import { libcFunction } from './libc.ts';

/** The same on x86-64 and arm64. */
const SYS_cachestat = 451;
const pageBytes = 4096;
// struct cachestat: cached 0, dirty 8, under writeback 16, evicted 24, recently evicted 32: pages, 8 bytes each.
const dirtyAt = 8;
const writebackAt = 16;

const syscall = libcFunction<[number, number, Buffer, Buffer, number]>(
  'int64_t syscall(int64_t number, int64_t fd, void *range, void *stat, int64_t flags)',
);
/** Offset and length; length 0 reaches to the end. */
const range = Buffer.alloc(16);
const counts = Buffer.alloc(40);

/** Bytes, or undefined where the kernel cannot tell. */
export function unwrittenBytes(fd: number): number | undefined {
  if (syscall(SYS_cachestat, fd, range, counts, 0) < 0) return undefined;
  return (counts.readUIntLE(dirtyAt, 6) + counts.readUIntLE(writebackAt, 6)) * pageBytes;
}
