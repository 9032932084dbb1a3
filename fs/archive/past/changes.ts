// What a keeper of a copy elsewhere takes from a log: the pages that were changed since a commit, each with its newest
// content, and the size of the database. It reads the log's files beside the process that appends to them.
import { lockPageOf } from '../lock-page.ts';
import { databasePagesOf, numberOf, pagesOf, RECORD_BYTES } from '../log/commit-record.ts';
import { OpenLog } from '../log/open-log.ts';
import { PageMap } from '../log/page-map.ts';
import type { Segment } from '../log/segment.ts';
import type { Moment } from '../messages.ts';
import { commitUpTo } from './commit-search.ts';
import { readPageAt } from './pages-at.ts';
import { checkStillThere } from './past.ts';
import { PastError } from './past-error.ts';

export interface Changes {
  /** They lead from the state at this commit; 0: from nothing, and they are the whole database. */
  readonly since: number;
  /** The newest commit that is in them. Its size of the database holds: a copy is cut or grown to it. */
  readonly moment: Moment;
  /** Ascending, each once, none above the size, never the lock page. */
  readonly pageNumbers: Uint32Array;
  /** Puts the content of one of these pages into `target`. @throws LogDamage */
  readPage(pageNumber: number, target: Buffer, at?: number): void;
  /** To be called once the last page of a whole database is read. @throws PastError: it was dropped, begin anew */
  checkStillThere(): void;
  /** Closes the files. */
  close(): void;
}

/**
 * The changes since commit `since` of the incarnation in this folder, up to commit `upTo` or the newest before it.
 * Cheap where `since` is one of the newest: only the segments behind it are read.
 * @returns undefined: there is no commit behind `since`
 * @throws PastError `too-old` where commits behind `since` were dropped (take the whole database: `since` 0),
 * `not-archived` where the whole database cannot be had yet
 */
export function changesSince(folder: string, since: number, upTo = Number.POSITIVE_INFINITY): Changes | undefined {
  const log = OpenLog.open(folder, undefined, since);
  try {
    const moment = commitUpTo(log, upTo);
    if (moment === undefined || moment.number <= since) {
      log.close();
      return undefined;
    }
    checkReach(log, since, moment);
    const map = new PageMap();
    const changed = new Set<number>();
    for (const [place, segment] of log.segments.entries()) {
      applyChanges(map, changed, segment, log.starts[place] ?? 0, since, moment.number);
    }
    const pageNumbers = since === 0 ? allPages(moment) : pagesUpTo(changed, moment.databasePages);
    return changesOf(log, since, moment, map, pageNumbers);
  } catch (error) {
    log.close();
    throw error;
  }
}

function checkReach({ base, identity, segments }: OpenLog, since: number, moment: Moment): void {
  if (base === undefined || (since === 0 && moment.number < base.validFrom)) {
    throw new PastError('not-archived', `${identity.name}: the first copy is still being made; try again in a moment`);
  }
  const first = segments[0]?.first ?? Number.POSITIVE_INFINITY;
  if (since > 0 && (since < base.validFrom || first > since + 1)) {
    throw new PastError('too-old', `${identity.name}: commits behind number ${since} have been dropped`);
  }
}

function applyChanges(
  map: PageMap,
  changed: Set<number>,
  segment: Segment,
  start: number,
  since: number,
  upTo: number,
): void {
  const [records, numbers] = [segment.records(), segment.numbers()];
  const count = records.length / RECORD_BYTES;
  let at = 0;
  for (let record = 0; record < count && numberOf(records, record) <= upTo; record++) {
    const from = at;
    at += pagesOf(records, record);
    if (numberOf(records, record) <= since) continue;
    const own = numbers.subarray(from, at);
    map.apply(databasePagesOf(records, record), own, start + from);
    for (const page of own) changed.add(page);
  }
}

function allPages({ databasePages, pageBytes }: Moment): Uint32Array {
  const lockPage = lockPageOf(pageBytes);
  return Uint32Array.from({ length: databasePages }, (_, index) => index + 1).filter((page) => page !== lockPage);
}

function pagesUpTo(changed: ReadonlySet<number>, databasePages: number): Uint32Array {
  return Uint32Array.from(changed)
    .filter((page) => page <= databasePages)
    .sort();
}

function changesOf(log: OpenLog, since: number, moment: Moment, map: PageMap, pageNumbers: Uint32Array): Changes {
  return {
    since,
    moment,
    pageNumbers,
    readPage: (pageNumber, target, at = 0) => readPageAt(log, map, pageNumber, target, at),
    checkStillThere: () => {
      if (since === 0) checkStillThere({ log, moment });
    },
    close: () => log.close(),
  };
}
