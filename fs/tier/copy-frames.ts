// Copies what new frames of write-ahead logs hold: the last content of each page in them.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WalHeader } from '../archive/wal/wal-frames.ts';
import type { DurableBatch } from './batch.ts';
import type { DurableCopy } from './durable-copy.ts';
import type { RamLog } from './ram-log.ts';
import type { UnreadPart } from './unread.ts';

/** Others have their turn after so much. */
const bytesPerTurn = 1 << 20;

/** All parts as one batch. `last` is the last of them. `later` where a log was begun anew meanwhile. */
export async function copyFrames(
  copy: DurableCopy,
  parts: readonly UnreadPart[],
  last: UnreadPart,
): Promise<'copied' | 'later'> {
  const batch = copy.batchOf(last.header.pageBytes);
  try {
    for (const { log, header, frames } of parts) {
      if (await addFrames(batch, log, header, frames, last.index.databasePages)) continue;
      batch.abandon();
      return 'later';
    }
    await copy.commit(batch, last.index.databasePages, { ...last.index, frames: last.index.lastFrame });
    return 'copied';
  } finally {
    batch.close();
  }
}

/** `frames`: page -> the last frame that has it. False where the log was begun anew meanwhile. */
export async function addFrames(
  batch: DurableBatch,
  log: RamLog,
  header: WalHeader,
  frames: ReadonlyMap<number, number>,
  databasePages: number,
): Promise<boolean> {
  const page = Buffer.alloc(header.pageBytes);
  let bytes = 0;
  for (const [pageNumber, frame] of frames) {
    if (pageNumber > databasePages) continue;
    log.readPage(frame, header.pageBytes, page);
    batch.add(pageNumber, page);
    bytes += page.length;
    if (bytes < bytesPerTurn) continue;
    bytes = 0;
    await nextTurn();
  }
  const now = log.committed();
  return now !== undefined && now.header.salt1 === header.salt1 && now.header.salt2 === header.salt2;
}
