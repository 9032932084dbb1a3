// Calls that free, reserve or copy so much of a file that they take long, and reads that have to wait for the disk:
// another thread does them, so that nobody else's locks wait, and the loop answers when they are done. Writes are not
// among them: 1 MiB is in the page cache after 0.1 ms, and to hand it over would take more. After a take-over the
// kernel asks again, and to do any of them twice does no harm.

import type { Owed } from '../protocol/requests.ts';
import { SILENT } from '../protocol/results.ts';
import type { FileOffset } from '../protocol/words.ts';
import { close, duplicate } from '../system/files.ts';
import { failed } from '../system/libc.ts';
import type { Node } from './nodes.ts';

/** From so many bytes on: to give 1 MiB back takes about 1 ms, and to hand the call over a fifth of that. */
export const longBytes = 1 << 20;

/**
 * Descriptors are the errand's own: a client that is killed may close the file meanwhile, and its number be given to
 * another.
 */
export type Call =
  /** Of an O_PATH descriptor unless `isOpen`. */
  | {
      readonly call: 'truncate';
      readonly fds: readonly [fd: number];
      readonly isOpen: boolean;
      readonly size: FileOffset;
    }
  | {
      readonly call: 'fallocate';
      readonly fds: readonly [fd: number];
      readonly mode: number;
      readonly offset: FileOffset;
      readonly length: FileOffset;
    }
  | {
      readonly call: 'copy_file_range';
      readonly fds: readonly [from: number, to: number];
      readonly offsetIn: bigint;
      readonly offsetOut: bigint;
      readonly sizeBytes: number;
    }
  | {
      readonly call: 'pread';
      readonly fds: readonly [fd: number];
      readonly offset: FileOffset;
      readonly sizeBytes: number;
    };

export type Errand = Call & {
  readonly id: number;
  /** See Node.device. */
  readonly device: string;
};

/**
 * What the loop does with the result, which is 0 or more, or a negative errno: payload size or negative errno, as a
 * handler. `data` is what was read.
 */
export type Finish = (result: number, out: Buffer, data?: Uint8Array) => number;

export class Errands {
  readonly #handOver: (errand: Errand) => void;
  readonly #owed = new Map<number, { readonly asked: Owed; readonly finish: Finish }>();
  #nextId = 1;

  /** Whoever gets an errand closes its descriptors, and says its result to finished(). */
  constructor(handOver: (errand: Errand) => void) {
    this.#handOver = handOver;
  }

  /** SILENT, or a negative errno. The call's descriptors stay the caller's: the errand gets copies. */
  start({ unique, isResent }: Owed, { device }: Pick<Node, 'device'>, call: Call, finish: Finish): number {
    const fds: number[] = [];
    for (const fd of call.fds) {
      const copy = duplicate(fd);
      if (copy < 0) {
        const error = failed();
        fds.forEach((made) => void close(made));
        return error;
      }
      fds.push(copy);
    }
    const id = this.#nextId++;
    this.#owed.set(id, { asked: { unique, isResent }, finish });
    // As many as the call had, which the type system cannot follow.
    this.#handOver({ ...call, fds, id, device } as unknown as Errand);
    return SILENT;
  }

  /** Who waits for that errand. */
  finished(id: number): { readonly asked: Owed; readonly finish: Finish } | undefined {
    const owed = this.#owed.get(id);
    this.#owed.delete(id);
    return owed;
  }
}
