// Which tables and indexes differ between two moments, by their pages: no file is written.
import type { OpenLog } from '../log/open-log.ts';
import type { PageMap } from '../log/page-map.ts';
import type { ChangedTablesAnswer, Moment } from '../messages.ts';
import { readPageAt } from './pages-at.ts';
import { differingPages } from './patch.ts';
import { TablePages } from './table-pages.ts';

export async function changedTables(log: OpenLog, from: Moment, to: Moment): Promise<ChangedTablesAnswer> {
  const [first, second] = [await log.mapAtInSteps(from.number), await log.mapAtInSteps(to.number)];
  const gone = await differingPages(log, first, second);
  const come = await differingPages(log, second, first);
  const names = new Set([...(await ownersAt(log, first, gone)), ...(await ownersAt(log, second, come))]);
  return { from, to, tables: [...names].sort(), pages: new Set([...gone, ...come]).size };
}

async function ownersAt(log: OpenLog, map: PageMap, pages: readonly number[]): Promise<string[]> {
  const readPage = (page: number): Buffer => {
    const content = Buffer.alloc(log.pageBytes ?? 0);
    readPageAt(log, map, page, content);
    return content;
  };
  const tables = new TablePages(readPage, () => map.databasePages);
  await tables.readAll();
  return tables.ownersOf(pages).map(({ name }) => name);
}
