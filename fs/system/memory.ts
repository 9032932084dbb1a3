// Memory that outlives a process: a memfd that several processes map, shown to JavaScript as an ArrayBuffer.
import { close, ftruncate } from './files.ts';
import { lastError, libcFunction, viewOf } from './libc.ts';

const MFD_CLOEXEC = 1;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
/** MAP_FAILED, (void *) -1. */
const mapFailed = 0xffff_ffff_ffff_ffffn;

const memfdCreate = libcFunction<[string, number]>('int memfd_create(const char *name, unsigned int flags)');
const mmap = libcFunction<[null, number, number, number, number, number], bigint>(
  'void *mmap(void *address, size_t size, int protection, int flags, int fd, int64_t offset)',
);

/**
 * `name` shows in /proc/PID/fd. Pages take memory once they are written. The file lives as long as a descriptor or a
 * mapping.
 */
export function createMemoryFile(name: string, sizeBytes: number): number {
  const fd = memfdCreate(name, MFD_CLOEXEC);
  if (fd < 0) throw lastError('memfd_create');
  if (ftruncate(fd, sizeBytes) === 0) return fd;
  const error = lastError('ftruncate', name);
  close(fd);
  throw error;
}

/** Mapped until the process ends. What is stored in it survives a SIGKILL of whoever stored it. */
export function mapMemoryFile(fd: number, sizeBytes: number): ArrayBuffer {
  const address = mmap(null, sizeBytes, PROT_READ_WRITE, MAP_SHARED, fd, 0);
  if (BigInt.asUintN(64, address) === mapFailed) throw lastError('mmap');
  return viewOf(address, sizeBytes);
}

const trim = trimFunction();

/** Memory that this process has freed goes back to the system: glibc keeps it otherwise, for 1,000 databases 20 MB. */
export function giveMemoryBack(): void {
  trim?.(0);
}

/** undefined: this libc has no such call, and gives memory back by itself (musl). */
function trimFunction(): ((padBytes: number) => number) | undefined {
  try {
    return libcFunction<[number]>('int malloc_trim(size_t pad)');
  } catch {
    return undefined;
  }
}
