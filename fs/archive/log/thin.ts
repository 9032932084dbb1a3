// Replaces compressed segments by one that keeps one commit of each interval, the last: its pages are those of all that
// it stands for, each with its newest content. The hash of a commit that is kept stays, so the chain goes on after it;
// what is really there is vouched for by a seal, chained like the hashes.
import type { Writer } from '../commit.ts';
import { Pieces } from '../pieces.ts';
import { ClosedSegment, storageOrder } from './closed-segment.ts';
import { type ClosedOptions, ClosedWriter } from './closed-writer.ts';
import {
  beginSeal,
  type CommitRecord,
  decodeRecord,
  encodeRecord,
  endHash,
  numberOf,
  RECORD_BYTES,
  setHash,
  setSeal,
} from './commit-record.ts';
import { removeIfThere } from './disk.ts';
import type { OpenLog } from './open-log.ts';
import { bytesOfNumbers, type Segment } from './segment.ts';
import { expectIntact } from './segment-check.ts';
import { textsOf } from './texts.ts';

/** A segment that is sealed and has lost no commit. It is thinned in its time. */
const everyCommit = 1;
/** In place of the index of a page: it is zero. */
const zeroPage = -1;

interface Kept {
  readonly record: CommitRecord;
  readonly standsFor: number;
  readonly kind: CommitRecord['kind'];
  readonly writer: Writer | undefined;
  readonly reason: string;
  /** Page number, ascending, and index among all that were logged. */
  readonly pages: readonly (readonly [number, number])[];
}

/** `from` and `to`: indexes of the first and the last segment, both compressed. */
export async function thin(log: OpenLog, from: number, to: number, intervalMs: number): Promise<void> {
  const segments = log.segments.slice(from, to + 1);
  const [first, last] = [segments[0], segments.at(-1)];
  if (first === undefined || last === undefined) return;
  await expectIntact(log, segments);
  const kept = keptCommits(log, from, to, intervalMs);
  const options = { chainBefore: first.chainBefore, first: first.first, thinnedTo: intervalMs };
  await writeSealed(log, segments, kept, { ...options, resyncs: resyncsOf(segments) });
}

function resyncsOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, segment) => sum + (segment instanceof ClosedSegment ? segment.index.resyncs : 0), 0);
}

/**
 * The commits of a segment behind this number, each as it is, in place of the whole segment: those before are gone.
 * `number` is one of the segment's, but not its last.
 */
export async function cut(log: OpenLog, index: number, number: number): Promise<void> {
  const segment = log.segments[index];
  if (segment === undefined) return;
  const records = segment.records();
  let last = -1;
  while (last + 1 < segment.commits && numberOf(records, last + 1) <= number) last++;
  const kept = keptCommits(log, index, index, 0).slice(last + 1);
  await writeSealed(log, [segment], kept, {
    chainBefore: last < 0 ? segment.chainBefore : Buffer.from(decodeRecord(records, last).hash),
    first: number + 1,
    thinnedTo: segment instanceof ClosedSegment ? Math.max(everyCommit, segment.index.thinnedTo) : everyCommit,
    resyncs: kept.filter(({ kind }) => kind === 'resync').length,
  });
}

async function writeSealed(
  log: OpenLog,
  segments: readonly Segment[],
  kept: readonly Kept[],
  options: Pick<ClosedOptions, 'chainBefore' | 'first' | 'thinnedTo' | 'resyncs'>,
): Promise<void> {
  const writer = new ClosedWriter({
    folder: log.folder,
    incarnation: log.identity.incarnation,
    pageBytes: log.pageBytes ?? 0,
    chainAfter: Buffer.from(kept.at(-1)?.record.hash ?? options.chainBefore),
    ...options,
  });
  try {
    const path = await writeKept(log, writer, kept, options.chainBefore);
    for (const segment of segments) if (segment.path !== path) removeIfThere(segment.path);
  } finally {
    await writer.close();
  }
}

/** `intervalMs` 0: all. */
function keptCommits(log: OpenLog, from: number, to: number, intervalMs: number): Kept[] {
  const kept: Kept[] = [];
  let group = new Group(pagesBefore(log, from));
  for (let index = from; index <= to; index++) {
    const segment = log.segments[index];
    if (segment === undefined) continue;
    const [records, numbers, texts] = [segment.records(), segment.numbers(), segment.texts()];
    const count = records.length / RECORD_BYTES;
    for (let at = 0; at < count; at++) {
      const record = decodeRecord(records, at);
      const pages = numbers.subarray(record.firstPage, record.firstPage + record.pages);
      group.add(record, pages, (log.starts[index] ?? 0) + record.firstPage, textsOf(record, texts));
      const nextMs = at + 1 < count ? decodeRecord(records, at + 1).timeMs : log.segments[index + 1]?.firstMs;
      const isLast = (index === to && at + 1 === count) || nextMs === undefined || intervalMs === 0;
      if (!isLast && intervalOf(nextMs, intervalMs) === intervalOf(record.timeMs, intervalMs)) continue;
      kept.push(group.end());
      group = new Group(record.databasePages);
    }
  }
  return kept;
}

function intervalOf(timeMs: number, intervalMs: number): number {
  return Math.floor(timeMs / intervalMs);
}

/** Pages of the database before the segment. */
function pagesBefore(log: OpenLog, index: number): number {
  const before = log.segments[index - 1];
  if (before !== undefined) return decodeRecord(before.records(), before.commits - 1).databasePages;
  return log.basePages;
}

/** Commits that one shall stand for. */
class Group {
  readonly #pages = new Map<number, number>();
  #databasePages: number;
  #records: CommitRecord[] = [];
  #texts: string[][] = [];

  constructor(databasePages: number) {
    this.#databasePages = databasePages;
  }

  add(record: CommitRecord, numbers: Uint32Array, firstIndex: number, texts: string[]): void {
    // What was cut off is zero if the database grows again and nobody writes there.
    for (let page = record.databasePages + 1; page <= this.#databasePages; page++) this.#pages.set(page, zeroPage);
    this.#databasePages = record.databasePages;
    for (const [offset, page] of numbers.entries()) this.#pages.set(page, firstIndex + offset);
    this.#records.push(record);
    this.#texts.push(texts);
  }

  end(): Kept {
    const record = this.#records.at(-1);
    if (record === undefined) throw new Error('a commit that stands for none');
    const resync = this.#records.findLastIndex(({ kind }) => kind === 'resync');
    return {
      record: { ...record, hash: Buffer.from(record.hash) },
      standsFor: this.#records.reduce((sum, { standsFor }) => sum + standsFor, 0),
      kind: resync === -1 ? record.kind : 'resync',
      writer: this.#writer(),
      reason: this.#texts[resync]?.[2] ?? '',
      pages: [...this.#pages]
        .filter(([page]) => page <= this.#databasePages)
        .sort((a, b) => a[1] - b[1] || a[0] - b[0]),
    };
  }

  /** Known where all were made by the same one. */
  #writer(): Writer | undefined {
    const writers = this.#records.map(({ hasWriter, pid }, index) => {
      const [command = '', container = ''] = this.#texts[index] ?? [];
      return hasWriter ? { pid, command, container } : undefined;
    });
    const [first] = writers;
    const isSame = writers.every((writer) => JSON.stringify(writer) === JSON.stringify(first));
    return isSame ? first : undefined;
  }
}

async function writeKept(
  log: OpenLog,
  writer: ClosedWriter,
  kept: readonly Kept[],
  chainBefore: Buffer,
): Promise<string | undefined> {
  const ids = new Map<string, number>();
  const records: Buffer[] = [];
  const pieces = new Pieces();
  const all = kept.flatMap(({ pages }) => pages);
  const numbers = Uint32Array.from(all, ([page]) => page);
  const read = (index: number, target: Buffer, at: number): void => {
    if (index === zeroPage) target.fill(0, at, at + (log.pageBytes ?? 0));
    else log.readLogged(index, target, at);
  };
  const content = Buffer.alloc(log.pageBytes ?? 0);
  let [firstPage, seal] = [0, chainBefore];
  for (const commit of kept) {
    const record = recordOf(commit, firstPage, ids);
    const hash = beginSeal(seal, record, bytesOfNumbers(numbers.subarray(firstPage, firstPage + commit.pages.length)));
    for (const [, index] of commit.pages) {
      read(index, content, 0);
      hash.update(content);
      await pieces.next();
    }
    seal = endHash(hash, [commit.writer?.command ?? '', commit.writer?.container ?? '', commit.reason]);
    setSeal(record, seal);
    records.push(record);
    firstPage += commit.pages.length;
  }
  for (const place of storageOrder(numbers)) {
    await writer.addPage((target, at) => read(all[place]?.[1] ?? zeroPage, target, at));
    await pieces.next();
  }
  return writer.finish(Buffer.concat(records), numbers, [...ids.keys()]);
}

function recordOf(commit: Kept, firstPage: number, ids: Map<string, number>): Buffer {
  const idOf = (text = ''): number => {
    if (text === '') return 0;
    const id = ids.get(text) ?? ids.size + 1;
    ids.set(text, id);
    return id;
  };
  const record = encodeRecord({
    ...commit.record,
    kind: commit.kind,
    standsFor: commit.standsFor,
    hasWriter: commit.writer !== undefined,
    pid: commit.writer?.pid ?? 0,
    command: idOf(commit.writer?.command),
    container: idOf(commit.writer?.container),
    reason: idOf(commit.reason),
    pages: commit.pages.length,
    firstPage,
    textBytes: 0,
    isMerged: true,
  });
  setHash(record, commit.record.hash);
  return record;
}
