// Room in the directory for temporary files. Whoever may read may have files written there, and databases may lie on
// the same disk: so some room is always left to them.
import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { ApiError } from './errors.ts';

const mostKeptFree = 1024 ** 3;

/** Bytes that may still be written to a file at this path: a tenth of the file system, at most 1 GiB, stays free. */
export function bytesToSpare(path: string): number {
  const { blocks, bavail, bsize } = statfsSync(dirname(path));
  // A file system that does not count its blocks.
  if (blocks === 0) return Number.POSITIVE_INFINITY;
  return bavail * bsize - Math.min((blocks * bsize) / 10, mostKeptFree);
}

/** ENOSPC of the system, or none: too little would be left. The code says which way the file goes. */
export function noRoom(code: 'RESPONSE_TOO_LARGE' | 'PAYLOAD_TOO_LARGE', cause?: unknown): ApiError {
  const message = 'there is no room for the file in the directory for temporary files (TMPDIR) of the server';
  return new ApiError(code, message, { cause });
}

export function isFull(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && (cause.code === 'ENOSPC' || cause.code === 'EDQUOT');
}
