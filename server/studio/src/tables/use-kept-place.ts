// Keeps where a table is left, for the moment when it is shown again: after another table, a query, or a reload.
import { useEffect, useRef } from 'preact/hooks';
import type { Selection } from '../grid/selection.ts';
import type { GridStart } from '../grid/use-grid-view.ts';
import { keepPlace } from './places.ts';
import type { TableModel } from './use-table.ts';

interface KeptPlace {
  readonly startAt: GridStart | undefined;
  readonly onScrolled: (now: GridStart) => void;
}

export function useKeptPlace(model: TableModel, { cursor }: Selection): KeptPlace {
  const { rows, left } = model;
  const scrolled = useRef<GridStart | undefined>(
    left && { row: left.top === null ? 0 : left.top.row + rows.insertCount, left: left.left },
  );
  const latest = useRef({ model, cursor });
  latest.current = { model, cursor };
  useEffect(() => {
    const keep = () => keepWhere(latest.current.model, latest.current.cursor, scrolled.current);
    window.addEventListener('pagehide', keep);
    return () => {
      window.removeEventListener('pagehide', keep);
      keep();
    };
  }, []);
  return {
    startAt: scrolled.current,
    onScrolled: (now) => {
      scrolled.current = now;
    },
  };
}

function keepWhere(model: TableModel, cursor: Selection['cursor'], scrolled: GridStart | undefined): void {
  const { db, selection, paged, rows } = model;
  if (!paged.hasAnswer) return;
  const row = Math.max(0, (scrolled?.row ?? 0) - rows.insertCount);
  const at = paged.row(row)?.at;
  keepPlace(db, selection.table, {
    selection: JSON.stringify(selection),
    cursor,
    left: scrolled?.left ?? 0,
    top: row === 0 || at === undefined ? null : { row, at },
    rows: paged.count,
  });
}
