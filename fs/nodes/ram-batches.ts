// Between the mount and the copier: while a batch is written into a durable copy (fs/tier/batch.ts), the copy is whole
// only together with the `-wal` beside it, and no single step can rename both. The copier has a lock on the durable
// copy from the first byte of a batch to the last. A rename waits for that, and then moves one file alone. The `-wal`
// keeps its name meanwhile.
import type { Name } from '../protocol/requests.ts';
import { close, O_CLOEXEC, O_NOFOLLOW, O_RDONLY, openat } from '../system/files.ts';
import { tryFlock } from '../system/flock.ts';
import { AT_SYMLINK_NOFOLLOW, statAt, statxOffset } from '../system/stat.ts';

/** A durable copy in its directory. */
export interface DurableName {
  readonly directory: number;
  readonly name: Name;
}

/** Descriptors that keep the copier from these files until they are closed. undefined: it is at work, or was. */
export function keepCopierAway(stat: Buffer, durables: readonly DurableName[]): readonly number[] | undefined {
  const held: number[] = [];
  for (const { directory, name } of durables) {
    const fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC, 0);
    if (fd < 0) continue; // it has gone: nobody copies it
    held.push(fd);
    if (tryFlock(fd) && !hasBatch(stat, directory, name)) continue;
    held.forEach((other) => void close(other));
    return undefined;
  }
  return held;
}

/** A copier that was killed has left one: the next copier completes it. */
function hasBatch(stat: Buffer, directory: number, name: Name): boolean {
  const wal = Buffer.concat([name.subarray(0, name.length - 1), Buffer.from('-wal\0')]);
  return statAt(directory, wal, AT_SYMLINK_NOFOLLOW, stat) && stat.readUIntLE(statxOffset.size, 6) > 0;
}
