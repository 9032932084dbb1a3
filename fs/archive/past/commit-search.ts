// Finds commits in a log by number and by time.
import { type CommitRecord, decodeRecord, endsAt, numberOf, RECORD_BYTES, timeOf } from '../log/commit-record.ts';
import type { OpenLog } from '../log/open-log.ts';
import type { Segment } from '../log/segment.ts';
import type { Moment } from '../messages.ts';
import { bookmarkOf, type PlaceBookmark } from './bookmarks.ts';

/** The last commit with this number or a lower one. */
export function commitUpTo(log: OpenLog, number: number): Moment | undefined {
  const segment = lastWhere(log.segments, ({ first }) => first <= number);
  return segment && lastRecord(log, segment, (records, index) => numberOf(records, index) <= number);
}

/** The last commit at this time or before it. */
export function commitAtTime(log: OpenLog, timeMs: number): Moment | undefined {
  const segment = lastWhere(log.segments, ({ firstMs }) => firstMs <= timeMs);
  return segment && lastRecord(log, segment, (records, index) => timeOf(records, index) <= timeMs);
}

/**
 * The commit after which the write-ahead log ended there. The segments of about that time are looked at first: clocks
 * may have been set since.
 */
export function commitAtPlace(log: OpenLog, place: PlaceBookmark): Moment | undefined {
  const distanceMs = ({ firstMs, lastMs }: Segment) => Math.max(firstMs - place.timeMs, place.timeMs - lastMs, 0);
  for (const segment of [...log.segments].sort((one, other) => distanceMs(one) - distanceMs(other))) {
    const records = segment.records();
    for (let index = records.length / RECORD_BYTES - 1; index >= 0; index--) {
      if (endsAt(records, index, place)) return momentOf(log, records, index);
    }
  }
  return undefined;
}

/** What the record of a commit says, for one that is there. */
export function recordOf(log: OpenLog, number: number): CommitRecord | undefined {
  const segment = log.segments.find(({ first, last }) => first <= number && number <= last);
  if (segment === undefined) return undefined;
  const records = segment.records();
  for (let index = 0; index < records.length / RECORD_BYTES; index++) {
    if (numberOf(records, index) === number) return decodeRecord(records, index);
  }
  return undefined;
}

/** The first commit with this number or a higher one. */
export function commitFrom(log: OpenLog, number: number): Moment | undefined {
  for (const segment of log.segments) {
    if (segment.last < number) continue;
    const records = segment.records();
    for (let index = 0; index < segment.commits; index++) {
      if (numberOf(records, index) >= number) return momentOf(log, records, index);
    }
  }
  return undefined;
}

/** The oldest commit whose state can be had: none without a base. */
export function oldestMoment(log: OpenLog): Moment | undefined {
  return log.base === undefined ? undefined : commitFrom(log, log.base.validFrom);
}

export function headMoment(log: OpenLog): Moment | undefined {
  return commitUpTo(log, Number.POSITIVE_INFINITY);
}

function lastWhere(segments: readonly Segment[], isUpTo: (segment: Segment) => boolean): Segment | undefined {
  return segments.findLast(isUpTo);
}

function lastRecord(
  log: OpenLog,
  segment: Segment,
  isUpTo: (records: Buffer, index: number) => boolean,
): Moment | undefined {
  const records = segment.records();
  let [low, high] = [-1, records.length / RECORD_BYTES - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (isUpTo(records, middle)) low = middle;
    else high = middle - 1;
  }
  if (low >= 0) return momentOf(log, records, low);
  // A thinned segment may begin with a number whose commit was merged into a later one.
  const before = log.segments[log.segments.indexOf(segment) - 1];
  return before && lastRecord(log, before, isUpTo);
}

export function momentOf(log: OpenLog, records: Buffer, index: number): Moment {
  const { number, timeMs, databasePages, pageBytes } = decodeRecord(records, index);
  const bookmark = bookmarkOf({ incarnation: log.identity.incarnation, number });
  return { bookmark, number, timeMs, databasePages, pageBytes };
}
