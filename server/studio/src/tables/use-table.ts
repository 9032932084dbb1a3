// The rows of one table for as long as it is shown: pages, count, staged edits, status line.
import { useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { StudioCount, StudioSelection } from '../../../messages/studio/rows.ts';
import type { StudioObject } from '../../../messages/studio/schema.ts';
import { isAbort, reconnects } from '../api/client.ts';
import { PagedRows } from '../grid/paged-rows.ts';
import { route } from '../location.ts';
import { viewStatus } from '../status.ts';
import { announce } from '../ui/LiveRegion.tsx';
import { rowsText } from '../ui/sizes.ts';
import { type Place, placeOf } from './places.ts';
import { countRows, readRows } from './requests.ts';
import { staged } from './staged-store.ts';
import { parseQuery, selectionOf, type TableQuery } from './table-query.ts';
import { TableRows } from './table-rows.ts';

export interface TableModel {
  readonly db: string;
  readonly object: StudioObject;
  readonly query: TableQuery;
  readonly selection: StudioSelection;
  readonly paged: PagedRows;
  readonly rows: TableRows;
  /** Where the table was left, when it was shown before in this tab. */
  readonly left: Place | undefined;
  /** Null while it is counted, or could not be. */
  readonly count: StudioCount | null;
}

export function useTable(db: string, object: StudioObject): TableModel {
  const query = parseQuery(route.value.params);
  const selection = selectionOf(object.name, object.columns, query);
  const identity = JSON.stringify([db, selection, object.columns.map(({ name }) => name)]);
  const count = useSignal<StudioCount | null>(null);
  const left = useMemo(() => placeOf(db, selection), []);
  const [paged, rows] = useMemo(() => {
    const pages = new PagedRows((from, limit, signal) =>
      readRows(db, { ...selection, limit, ...(from !== undefined && { from }) }, signal),
    );
    if (left?.top && left.selection === JSON.stringify(selection)) pages.startAt(left.top.row, left.top.at, left.rows);
    return [pages, new TableRows(pages, object.name, object.columns, staged)] as const;
  }, [identity]);

  useEffect(() => {
    const abort = new AbortController();
    count.value = null;
    const first = paged.firstRow;
    paged.need(first, first + 50);
    // After the first page, so that counting never delays it; not at all where that page is all there is.
    const end = paged.version.subscribe(() => {
      if (!paged.hasAnswer) return;
      queueMicrotask(() => end());
      if (paged.isExact) count.value = { rows: paged.count, exact: true };
      else void countInto(abort.signal);
    });
    const endStatus = paged.ms.subscribe((ms) => {
      if (paged.hasAnswer) viewStatus.value = `read in ${Math.max(1, Math.round(ms))} ms`;
    });
    const countInto = async (signal: AbortSignal) => {
      try {
        const found = await countRows(db, selection, signal);
        count.value = found;
        paged.setCount(found.rows, found.exact);
        announce(`${found.exact ? '' : 'about '}${rowsText(found.rows)}`);
      } catch (error) {
        if (!isAbort(error)) count.value = null; // rows are shown without a count
      }
    };
    return () => {
      end();
      endStatus();
      abort.abort();
      paged.stop();
      viewStatus.value = '';
    };
  }, [paged]);

  useSignalEffect(() => {
    if (reconnects.value > 0) void paged.reload();
  });
  // The rows before stay on the screen, and keep the focus, until the new ones are there.
  const latest = { paged, rows, selection };
  const shown = useRef(latest);
  paged.version.value;
  if (paged.hasAnswer || paged.error.value !== null) shown.current = latest;
  return { db, object, query, left, ...shown.current, count: count.value };
}
