// The commits of a database, newest first: a page of them, by time and by table.
import type { Writer } from '../commit.ts';
import { type CommitRecord, decodeRecord, numberOf, RECORD_BYTES, timeOf } from '../log/commit-record.ts';
import type { OpenLog } from '../log/open-log.ts';
import { PageMap } from '../log/page-map.ts';
import type { ArchiveQuestion, HistoryAnswer, HistoryEntry } from '../messages.ts';
import { Pieces } from '../pieces.ts';
import { type Bookmark, parseBookmark } from './bookmarks.ts';
import { momentOf, oldestMoment } from './commit-search.ts';
import { readPageAt } from './pages-at.ts';
import type { Past } from './past.ts';
import { PastError } from './past-error.ts';
import { rewindsIn } from './rewinds.ts';
import { TablePages } from './table-pages.ts';

type Question = Extract<ArchiveQuestion, { op: 'history' }>;

/** Commits whose tables are looked up together. */
const batchCommits = 512;

interface Logged {
  readonly entry: HistoryEntry;
  readonly pages: Uint32Array;
  /** Index of its first page among all that were logged. */
  readonly firstPage: number;
}

export async function history(past: Past, question: Question): Promise<HistoryAnswer> {
  const { limit } = question;
  const before = question.before === undefined ? undefined : beforeOf(past, question.before);
  const entries: HistoryEntry[] = [];
  let isPastBefore = before === undefined;
  for (const log of past.logs()) {
    const isItsLog = before?.incarnation === log.identity.incarnation;
    isPastBefore ||= isItsLog;
    if (!isPastBefore) continue;
    const below = isItsLog ? (before?.number ?? 0) : Number.POSITIVE_INFINITY;
    for await (const entry of entriesOf(log, question, below)) {
      entries.push(entry);
      if (entries.length > limit) return { entries: entries.slice(0, limit), hasMore: true, oldest: past.oldest };
    }
  }
  if (!isPastBefore) throw new PastError('unknown-bookmark', `${past.name} has no bookmark ${question.before}`);
  return { entries, hasMore: false, oldest: past.oldest };
}

/** A bookmark with a number may be that of a commit that is gone: what comes before it is there. @throws PastError */
function beforeOf(past: Past, text: string): Bookmark {
  const bookmark = parseBookmark(text) ?? parseBookmark(past.resolve({ bookmark: text }).moment.bookmark);
  if (bookmark === undefined) throw new PastError('unknown-bookmark', `'${text}' is not a bookmark`);
  return bookmark;
}

async function* entriesOf(log: OpenLog, question: Question, below: number): AsyncGenerator<HistoryEntry> {
  const { table, withTables = false, limit } = question;
  const batch = table === undefined ? Math.min(batchCommits, limit + 1) : batchCommits;
  for (let upper = below; ; ) {
    const found = await commitsBelow(log, question, upper, batch);
    const [oldest] = found.slice(-1);
    if (oldest === undefined) return;
    upper = oldest.entry.number;
    if (table === undefined && !withTables) {
      yield* found.map(({ entry }) => entry);
      continue;
    }
    for (const { entry, tables } of await withTablesOf(log, found)) {
      const names = [...new Set(tables?.map(({ name }) => name))].sort();
      const isWanted = table === undefined || tables?.some((row) => row.name === table || row.table === table);
      if (isWanted) yield tables === undefined ? entry : { ...entry, tables: names };
    }
  }
}

/** Newest first. */
async function commitsBelow(log: OpenLog, question: Question, below: number, limit: number): Promise<Logged[]> {
  const { sinceMs = Number.NEGATIVE_INFINITY, untilMs = Number.POSITIVE_INFINITY } = question;
  const rewinds = new Map(rewindsIn(log.folder).map(({ number, to }) => [number, to]));
  const found: Logged[] = [];
  const pieces = new Pieces();
  for (const [place, segment] of [...log.segments.entries()].reverse()) {
    if (segment.first >= below || segment.firstMs > untilMs) continue;
    if (segment.lastMs < sinceMs) break;
    const [records, numbers, texts] = [segment.records(), segment.numbers(), segment.texts()];
    for (let index = records.length / RECORD_BYTES - 1; index >= 0 && found.length < limit; index--) {
      const timeMs = timeOf(records, index);
      if (numberOf(records, index) >= below || timeMs > untilMs) continue;
      if (timeMs < sinceMs) break;
      const record = decodeRecord(records, index);
      const pages = numbers.subarray(record.firstPage, record.firstPage + record.pages);
      const firstPage = (log.starts[place] ?? 0) + record.firstPage;
      found.push({ entry: entryOf(log, records, index, texts, rewinds.get(record.number)), pages, firstPage });
    }
    if (found.length === limit) break;
    await pieces.next();
  }
  return found;
}

function entryOf(
  log: OpenLog,
  records: Buffer,
  index: number,
  texts: readonly string[],
  rewoundTo: string | undefined,
): HistoryEntry {
  const record = decodeRecord(records, index);
  const reason = reasonOf(record, texts);
  return {
    ...momentOf(log, records, index),
    kind: record.kind,
    writer: writerOf(record, texts),
    pages: record.pages,
    ...(reason === undefined ? {} : { reason }),
    ...(rewoundTo === undefined ? {} : { rewoundTo }),
  };
}

function writerOf(record: CommitRecord, texts: readonly string[]): Writer | null {
  if (!record.hasWriter) return null;
  return { pid: record.pid, command: textOf(texts, record.command), container: textOf(texts, record.container) };
}

function reasonOf(record: CommitRecord, texts: readonly string[]): string | undefined {
  const reason = record.reason === 0 ? undefined : textOf(texts, record.reason);
  const merged = record.standsFor > 1 ? `stands for ${record.standsFor} commits: older history is thinned` : undefined;
  return reason === undefined ? merged : merged === undefined ? reason : `${reason}; ${merged}`;
}

function textOf(texts: readonly string[], id: number): string {
  return id === 0 ? '' : (texts[id - 1] ?? '');
}

/** `found` is newest first; the tables are looked up from the oldest on. undefined: its state cannot be had. */
async function withTablesOf(log: OpenLog, found: readonly Logged[]) {
  const oldest = oldestMoment(log);
  const ascending = [...found].reverse();
  const start = ascending.find(({ entry }) => oldest !== undefined && entry.number >= oldest.number)?.entry.number;
  const before = Math.max(oldest?.number ?? 0, (start ?? 0) - 1);
  const map = start === undefined ? new PageMap() : await log.mapAtInSteps(before);
  const readPage = (page: number): Buffer => {
    const content = Buffer.alloc(log.pageBytes ?? 0);
    readPageAt(log, map, page, content);
    return content;
  };
  const tables = new TablePages(readPage, () => map.databasePages);
  if (start !== undefined) await tables.readAll();
  const answers = [];
  for (const { entry, pages, firstPage } of ascending) {
    if (start === undefined || entry.number < start) {
      answers.push({ entry, tables: undefined });
      continue;
    }
    if (entry.number > before) map.apply(entry.databasePages, pages, firstPage);
    answers.push({ entry, tables: await tables.afterCommit(pages) });
  }
  return answers.reverse();
}
