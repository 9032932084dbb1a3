// Makes a compressed segment of a raw one that is full. A crash at any moment leaves the raw one, or both, or the
// compressed one, each of them complete; a reader that has the raw one open goes on reading it.
import { setImmediate } from 'node:timers/promises';
import { ClosedWriter } from './closed-writer.ts';
import { decodeRecord } from './commit-record.ts';
import { RawSegment } from './raw-segment.ts';
import { removeRaw } from './raw-writer.ts';

export async function compress(folder: string, first: number): Promise<void> {
  const raw = RawSegment.open(folder, first);
  try {
    if (raw.commits > 0) await writeClosed(folder, raw);
  } finally {
    raw.close();
  }
  removeRaw(folder, first);
}

async function writeClosed(folder: string, raw: RawSegment): Promise<void> {
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
  try {
    for (let index = 0; index < raw.pages; index++) {
      await writer.addPage((target, at) => raw.readPage(index, target, at));
      if (index % 256 === 255) await setImmediate();
    }
    await writer.finish(records, raw.numbers(), raw.texts());
  } finally {
    await writer.close();
  }
}
