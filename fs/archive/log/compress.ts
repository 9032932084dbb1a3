// Makes a compressed segment of a raw one that is full. A crash at any moment leaves the raw one, or both, or the
// compressed one, each of them complete; a reader that has the raw one open goes on reading it.
import { Pieces } from '../pieces.ts';
import { storageOrder } from './closed-segment.ts';
import { ClosedWriter } from './closed-writer.ts';
import { decodeRecord } from './commit-record.ts';
import { removeRaw } from './raw-recovery.ts';
import { RawSegment } from './raw-segment.ts';

/** `isInUse`: commits are appended to it after all, since its log was opened meanwhile. Then it stays raw. */
export async function compress(folder: string, first: number, isInUse: () => boolean = () => false): Promise<void> {
  const raw = RawSegment.open(folder, first);
  try {
    if (raw.commits > 0 && !(await writeClosed(folder, raw, isInUse))) return;
  } finally {
    raw.close();
  }
  removeRaw(folder, first);
}

/** @returns false: it was given up */
async function writeClosed(folder: string, raw: RawSegment, isInUse: () => boolean): Promise<boolean> {
  const records = raw.records();
  let resyncs = 0;
  for (let index = 0; index < raw.commits; index++) if (decodeRecord(records, index).kind === 'resync') resyncs++;
  const writer = new ClosedWriter({
    folder,
    incarnation: raw.incarnation,
    pageBytes: raw.pageBytes,
    chainBefore: raw.chainBefore,
    chainAfter: decodeRecord(records, raw.commits - 1).hash,
    first: raw.first,
    thinnedTo: 0,
    resyncs,
  });
  const numbers = raw.numbers();
  const pieces = new Pieces();
  try {
    for (const index of storageOrder(numbers)) {
      await writer.addPage((target, at) => raw.readPage(index, target, at));
      await pieces.next();
    }
    return (await writer.finish(records, numbers, raw.texts(), isInUse)) !== undefined;
  } finally {
    await writer.close();
  }
}
