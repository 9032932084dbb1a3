// How a shipped file says which commit it ends with: the first 8 bytes of the commit's hash stand in its header as the
// node id. So the store itself says where shipping goes on, and no other log is taken for ours.
import { decodeRecord, HASH_BYTES, numberOf, RECORD_BYTES } from '../log/commit-record.ts';
import type { OpenLog } from '../log/open-log.ts';
import type { Segment } from '../log/segment.ts';

export interface Mark {
  /** Of the commit. */
  readonly number: number;
  /** Whole milliseconds since 1970. */
  readonly timeMs: number;
  readonly nodeId: bigint;
  readonly databasePages: number;
}

/** Of the newest commit. */
export function headMark(log: OpenLog): Mark | undefined {
  const segment = log.segments.at(-1);
  return segment && markAt(segment.records(), segment.commits - 1);
}

/** undefined: the commit was dropped or merged into a later one, or is yet to come. */
export function markOf(log: OpenLog, number: number): Mark | undefined {
  const segment = log.segments.find(({ first, last }) => first <= number && number <= last);
  return segment && findIn(segment, (records, index) => numberOf(records, index) === number);
}

/** The newest commit with this node id. */
export function findMark(log: OpenLog, nodeId: bigint): Mark | undefined {
  if (nodeId === 0n) return undefined; // of Litestream
  const wanted = Buffer.alloc(8);
  wanted.writeBigUInt64BE(nodeId);
  for (const segment of [...log.segments].reverse()) {
    const found = findIn(segment, (records, index) => {
      const hash = index * RECORD_BYTES + hashStart;
      return records.compare(wanted, 0, 8, hash, hash + 8) === 0;
    });
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A record ends with its hash and its seal. */
const hashStart = RECORD_BYTES - 2 * HASH_BYTES;

function findIn(segment: Segment, isIt: (records: Buffer, index: number) => boolean): Mark | undefined {
  const records = segment.records();
  for (let index = segment.commits - 1; index >= 0; index--) if (isIt(records, index)) return markAt(records, index);
  return undefined;
}

export function markAt(records: Buffer, index: number): Mark {
  const { number, timeMs, hash, databasePages } = decodeRecord(records, index);
  return { number, timeMs: Math.floor(timeMs), nodeId: hash.readBigUInt64BE(0), databasePages };
}
