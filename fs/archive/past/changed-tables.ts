// Which tables and indexes differ between two moments, by their pages, and excerpts of both states for whoever compares
// their rows.
import { rm } from 'node:fs/promises';
import type { ChangedTablesAnswer } from '../messages.ts';
import { differencesOf } from './differences.ts';
import { writeExcerpt } from './excerpt.ts';
import { checkStillThere, type Found } from './past.ts';
import { StateTrees } from './state-trees.ts';
import { touchedPages } from './touched-pages.ts';

/** Paths of files that do not exist. */
export interface ExcerptPaths {
  readonly from: string;
  readonly to: string;
}

/** Where more of both states than this share differs, whole states are the better choice. */
const mostTouched = 0.5;
/** But not for small ones. */
const alwaysPages = 4096;

/** Both of one log. @throws PastError, NodeJS.ErrnoException, and no file is there */
export async function changedTables(from: Found, to: Found, paths?: ExcerptPaths): Promise<ChangedTablesAnswer> {
  const { log } = from;
  const [first, second] = [await log.mapAtInSteps(from.moment.number), await log.mapAtInSteps(to.moment.number)];
  const differing = await differencesOf(log, first, second);
  const [before, after] = [await StateTrees.read(log, first), await StateTrees.read(log, second)];
  const gone = { state: before, touched: await touchedPages(before, differing.first, after) };
  const come = { state: after, touched: await touchedPages(after, differing.second, before) };
  const names = new Set(
    [gone, come].flatMap(({ state, touched }) => state.tables.ownersOf([...touched]).map(({ name }) => name)),
  );
  const most = Math.max(alwaysPages, mostTouched * (first.databasePages + second.databasePages));
  const hasExcerpts = paths !== undefined && gone.touched.size + come.touched.size <= most;
  if (hasExcerpts) {
    try {
      await writeExcerpt(gone, come, paths.from);
      await writeExcerpt(come, gone, paths.to);
      checkStillThere(from);
      checkStillThere(to);
    } catch (error) {
      for (const path of [paths.from, paths.to]) await rm(path, { force: true });
      throw error;
    }
  }
  return {
    from: from.moment,
    to: to.moment,
    tables: [...names].sort(),
    pages: new Set([...differing.first, ...differing.second]).size,
    pagesOfFrom: differing.first.length,
    hasExcerpts,
  };
}
