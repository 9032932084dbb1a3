// Files on their way to clients, and from them. Each lies on the disk until its client has it, or has sent it: only so
// many at once.
import type { Readable } from 'node:stream';
import { ApiError } from '../../messages/errors.ts';
import { limits } from '../../messages/limits.ts';

let openTransfers = 0;

/** @throws ApiError SERVICE_UNAVAILABLE */
export async function asTransfer<Result>(work: () => Promise<Result>): Promise<Result> {
  if (openTransfers >= limits.transfers) {
    throw new ApiError('SERVICE_UNAVAILABLE', `${limits.transfers} files are on their way; try again`);
  }
  openTransfers += 1;
  try {
    return await work();
  } finally {
    openTransfers -= 1;
  }
}

/** It goes on until its client has taken it, or has left. */
export function countUntilClosed(body: Readable): void {
  openTransfers += 1;
  body.once('close', () => {
    openTransfers -= 1;
  });
}
