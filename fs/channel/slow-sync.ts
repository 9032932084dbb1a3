// The syncs that the loop hands over: done by threads of Node's pool, answered from the main thread.
import { fdatasync, fsync } from 'node:fs';
import type { SyncAverage, SyncJob } from '../nodes/syncer.ts';
import { encodeHeader } from '../protocol/encode.ts';
import { outHeader } from '../protocol/layouts.ts';
import { EIO } from '../protocol/results.ts';
import { close, write } from '../system/files.ts';

export function syncAndAnswer(job: SyncJob, deviceFd: number, average: SyncAverage): void {
  const startedMs = performance.now();
  const sync = job.isDataOnly ? fdatasync : fsync;
  sync(job.fd, (error) => {
    average.add(performance.now() - startedMs);
    const errno = error === null ? 0 : Math.abs(error.errno ?? EIO);
    const reply = Buffer.alloc(outHeader.sizeBytes);
    encodeHeader(reply, reply.length, errno, job.unique, job.isResent);
    write(deviceFd, reply, reply.length); // ENOENT: nobody waits for it any more
    if (job.isOwn) close(job.fd);
  });
}
