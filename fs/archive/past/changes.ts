// What a keeper of a copy elsewhere takes from a log: the pages that were changed since a commit, each with its newest
// content, and the size of the database. It reads the log's files beside the process that appends to them.
import { lockPageOf } from '../lock-page.ts';
import { OpenLog } from '../log/open-log.ts';
import type { Moment } from '../messages.ts';
import { changesBetween, zeroPage } from './changes-between.ts';
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
    return since === 0 ? wholeOf(log, moment) : behind(log, since, moment);
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

function wholeOf(log: OpenLog, moment: Moment): Changes {
  const map = log.mapAt(moment.number);
  const lockPage = lockPageOf(moment.pageBytes);
  const all = Uint32Array.from({ length: moment.databasePages }, (_, index) => index + 1);
  return {
    since: 0,
    moment,
    pageNumbers: all.filter((page) => page !== lockPage),
    readPage: (pageNumber, target, at = 0) => readPageAt(log, map, pageNumber, target, at),
    checkStillThere: () => checkStillThere({ log, moment }),
    close: () => log.close(),
  };
}

function behind(log: OpenLog, since: number, moment: Moment): Changes {
  // The size at `since` may stand in a segment that is not read. A copy that grows gets zeros, so none is needed.
  const { pages } = changesBetween(log, since, moment.number, Number.POSITIVE_INFINITY);
  return {
    since,
    moment,
    pageNumbers: Uint32Array.from(pages.keys()),
    readPage: (pageNumber, target, at = 0) => {
      const place = pages.get(pageNumber) ?? zeroPage;
      if (place === zeroPage) target.fill(0, at, at + moment.pageBytes);
      else log.readLogged(place, target, at);
    },
    checkStillThere: () => {},
    close: () => log.close(),
  };
}
