// Flag bits of requests and replies, with the kernel's names (include/uapi/linux/fuse.h); only those that are asked for
// or looked at.

/** INIT flags, bits 0 to 31. */
export const init = {
  ASYNC_READ: 1 << 0,
  POSIX_LOCKS: 1 << 1,
  BIG_WRITES: 1 << 5,
  FLOCK_LOCKS: 1 << 10,
  DO_READDIRPLUS: 1 << 13,
  READDIRPLUS_AUTO: 1 << 14,
  PARALLEL_DIROPS: 1 << 18,
  MAX_PAGES: 1 << 22,
  INIT_EXT: 1 << 30,
} as const;

/** INIT flags2: bits 32 and up, shifted down. */
export const init2 = {
  PASSTHROUGH: 1 << 5,
  ALLOW_IDMAP: 1 << 8,
} as const;

/** open_flags of the reply to OPEN, CREATE and OPENDIR. */
export const open = {
  DIRECT_IO: 1 << 0,
  KEEP_CACHE: 1 << 1,
  PASSTHROUGH: 1 << 7,
} as const;

/** `valid` of SETATTR. */
export const attribute = {
  MODE: 1 << 0,
  UID: 1 << 1,
  GID: 1 << 2,
  SIZE: 1 << 3,
  ATIME: 1 << 4,
  MTIME: 1 << 5,
  FH: 1 << 6,
  ATIME_NOW: 1 << 7,
  MTIME_NOW: 1 << 8,
} as const;

/** getattr_flags: the request names a file handle. */
export const GETATTR_FH = 1 << 0;

/** lk_flags: flock(2) rather than fcntl(2). */
export const LK_FLOCK = 1 << 0;

/** fsync_flags: data only. */
export const FSYNC_FDATASYNC = 1 << 0;
