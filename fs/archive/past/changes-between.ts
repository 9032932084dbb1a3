// Which pages differ between two commits of one incarnation, as far as the commits in between say, and what is in them.

import { lockPageOf } from '../lock-page.ts';
import { databasePagesOf, numberOf, pagesOf, RECORD_BYTES } from '../log/commit-record.ts';
import type { OpenLog } from '../log/open-log.ts';

/** Of a page that nothing was written to since the database ended before it. */
export const zeroPage = -1;

export interface Changes {
  /** Page number -> index of its newest content among all logged pages, or {@link zeroPage}; ascending. */
  readonly pages: ReadonlyMap<number, number>;
  readonly databasePages: number;
  /** The database was smaller at some commit than at one before it. */
  readonly hasShrunk: boolean;
  /** Pages of all commits together: more than are in `pages` where one was written twice. */
  readonly loggedPages: number;
}

/**
 * Of commits after `after` up to `upTo`, both kept by the log or merged into later ones. A page that the database lost
 * and got back is among them.
 * @param pagesBefore of the database at `after`; infinite where that is not known
 */
export function changesBetween(log: OpenLog, after: number, upTo: number, pagesBefore: number): Changes {
  const places = new Map<number, number>();
  let [databasePages, smallest, loggedPages, hasShrunk] = [pagesBefore, pagesBefore, 0, false];
  const begin = Math.max(
    0,
    log.segments.findIndex(({ last }) => last > after),
  );
  for (const [index, segment] of log.segments.entries()) {
    if (index < begin || segment.last <= after || segment.first > upTo) continue;
    const [records, numbers, start] = [segment.records(), segment.numbers(), log.starts[index] ?? 0];
    let at = 0;
    for (let record = 0; record < records.length / RECORD_BYTES; record++) {
      const [number, pages] = [numberOf(records, record), pagesOf(records, record)];
      if (number > upTo) break;
      if (number > after) {
        const size = databasePagesOf(records, record);
        if (size < databasePages) {
          hasShrunk = true;
          smallest = Math.min(smallest, size);
          for (const page of places.keys()) if (page > size) places.delete(page);
        }
        databasePages = size;
        loggedPages += pages;
        for (let page = at; page < at + pages; page++) places.set(numbers[page] ?? 0, start + page);
      }
      at += pages;
    }
  }
  const lockPage = lockPageOf(log.pageBytes ?? 0);
  for (let page = smallest + 1; page <= databasePages; page++) {
    if (page !== lockPage && !places.has(page)) places.set(page, zeroPage);
  }
  const pages = new Map([...places].sort(([a], [b]) => a - b));
  return { pages, databasePages, hasShrunk, loggedPages };
}
