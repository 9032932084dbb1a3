// Which pages differ between two moments of one incarnation.
import { createHash } from 'node:crypto';
import { lockPageOf } from '../lock-page.ts';
import type { OpenLog } from '../log/open-log.ts';
import type { PageMap } from '../log/page-map.ts';
import { Pieces } from '../pieces.ts';
import { readPageAt } from './pages-at.ts';

/** Page numbers, ascending. Those that both states have, with another content, are in both. */
export interface Differences {
  /** Pages of the first state that the second does not have as they are there. */
  readonly first: readonly number[];
  /** The other way round. */
  readonly second: readonly number[];
}

/** Looked at in one go. */
const stepPages = 4096;

export async function differencesOf(log: OpenLog, first: PageMap, second: PageMap): Promise<Differences> {
  const lockPage = lockPageOf(log.pageBytes ?? 0);
  const common = Math.min(first.databasePages, second.databasePages);
  const candidates: number[] = [];
  const pieces = new Pieces();
  for (let page = 1; page <= common; page++) {
    if (page % stepPages === 0) await pieces.next();
    if (page !== lockPage && first.placeOf(page) !== second.placeOf(page)) candidates.push(page);
  }
  const [sums, others] = [await sumsOf(log, first, candidates), await sumsOf(log, second, candidates)];
  const changed = candidates.filter((page) => sums.get(page) !== others.get(page));
  const beyond = (map: PageMap): number[] =>
    Array.from({ length: map.databasePages - common }, (_, index) => common + 1 + index).filter(
      (page) => page !== lockPage,
    );
  return { first: changed.concat(beyond(first)), second: changed.concat(beyond(second)) };
}

async function sumsOf(log: OpenLog, map: PageMap, pages: readonly number[]): Promise<ReadonlyMap<number, string>> {
  const pieces = new Pieces();
  const content = Buffer.alloc(log.pageBytes ?? 0);
  const sums = new Map<number, string>();
  for (const page of await log.inReadingOrder(map, pages)) {
    readPageAt(log, map, page, content);
    sums.set(page, createHash('sha1').update(content).digest('base64'));
    await pieces.next();
  }
  return sums;
}
