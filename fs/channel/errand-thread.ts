// A thread that does errands, one after the other: see nodes/errands.ts. The main thread starts it: errand-threads.ts.
import { parentPort } from 'node:worker_threads';
import type { Errand } from '../nodes/errands.ts';
import { close, copyFileRange, fallocate, ftruncate, pathOfDescriptor, pread, truncate } from '../system/files.ts';
import { lastErrno } from '../system/libc.ts';

export interface ErrandResult {
  readonly id: number;
  /** 0 or more, or a negative errno. */
  readonly result: number;
  /** What was read, in shared memory. */
  readonly data?: Uint8Array;
}

/** Closes the errand's descriptors. */
export function doErrand(errand: Errand): ErrandResult {
  const data = errand.call === 'pread' ? Buffer.from(new SharedArrayBuffer(errand.sizeBytes)) : undefined;
  try {
    const returned = call(errand, data);
    const result = { id: errand.id, result: returned < 0 ? -lastErrno() : returned };
    return data === undefined ? result : { ...result, data };
  } finally {
    for (const fd of errand.fds) close(fd);
  }
}

function call(errand: Errand, data: Buffer = Buffer.alloc(0)): number {
  switch (errand.call) {
    case 'truncate': {
      const { fds, isOpen, size } = errand;
      return isOpen ? ftruncate(fds[0], size) : truncate(pathOfDescriptor(fds[0]), size);
    }
    case 'fallocate':
      return fallocate(errand.fds[0], errand.mode, errand.offset, errand.length);
    case 'copy_file_range': {
      const [from, to] = errand.fds;
      const [offsetIn, offsetOut] = [errand.offsetIn, errand.offsetOut].map((offset) => {
        const bytes = Buffer.alloc(8);
        bytes.writeBigInt64LE(offset);
        return bytes;
      }) as [Buffer, Buffer];
      return copyFileRange(from, offsetIn, to, offsetOut, errand.sizeBytes, 0);
    }
    case 'pread':
      return pread(errand.fds[0], data, data.length, errand.offset);
    default:
      return errand satisfies never;
  }
}

parentPort?.on('message', (errand: Errand) => parentPort?.postMessage(doErrand(errand)));
