// Which part of the rows and columns a grid shows: where it is scrolled to, and how large it is. The scroll bar of a
// long table stands for more pixels than it has, so the rows have a place of their own (viewport.ts).
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { type ColumnLayout, scrollShowing } from './columns.ts';
import type { GridRows } from './rows.ts';
import type { Place } from './selection.ts';
import { moveTop, type Scale, scaleOf, scrollOfTop, topShowing, visibleRows } from './viewport.ts';

export interface GridStart {
  readonly row: number;
  readonly left: number;
}

export interface GridViewProps {
  readonly layout: ColumnLayout;
  readonly rows: GridRows;
  readonly rowPx: number;
  /** Where it begins: the row at the top, and pixels from the left. */
  readonly startAt?: GridStart;
  /** The same, whenever it changes. */
  readonly onScrolled?: (now: GridStart) => void;
}

interface View {
  /** The first pixel of the rows that is shown. */
  readonly top: number;
  readonly scrollTop: number;
  readonly scrollLeft: number;
  readonly width: number;
  readonly height: number;
}

export interface GridView {
  /** The element that scrolls. */
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly view: View;
  readonly scale: Scale;
  readonly onScroll: () => void;
  /** Scrolls as little as shows the cell. */
  readonly show: (place: Place) => void;
  /** Keeps what is shown where it is, while so many rows have come above it. */
  readonly shift: (rows: number) => void;
}

const settleMs = 160;
const headPx = 34;

export function useGridView({ layout, rows, rowPx, startAt, onScrolled }: GridViewProps): GridView {
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<View>({
    top: (startAt?.row ?? 0) * rowPx,
    scrollTop: 0,
    scrollLeft: 0,
    width: 1200,
    height: 600,
  });
  const settle = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const { count } = rows;
  const scale = scaleOf(count, rowPx, Math.max(rowPx, view.height - headPx));
  const latest = useRef({ view, scale, layout });
  latest.current = { view, scale, layout };

  useEffect(() => {
    const { first, last } = visibleRows(view.top, Math.max(count, 1), scale);
    rows.need(first, last);
  }, [rows, view.top, view.height, count]);

  useLayoutEffect(() => {
    if (startAt !== undefined) scrollTo(view.top, startAt.left);
  }, []);

  useEffect(() => {
    onScrolled?.({ row: Math.floor(view.top / rowPx), left: view.scrollLeft });
  }, [view]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const measure = () => setView((old) => ({ ...old, width: element.clientWidth, height: element.clientHeight }));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  // Other rows begin at their beginning.
  const shownRows = useRef(rows);
  useLayoutEffect(() => {
    if (shownRows.current === rows) return;
    shownRows.current = rows;
    scrollTo(0, latest.current.view.scrollLeft);
  }, [rows]);

  function setLatest(next: View): void {
    latest.current = { ...latest.current, view: next };
    setView(next);
  }

  function scrollTo(top: number, left: number): void {
    const element = scroller.current;
    if (element === null) return;
    const { scale: current, view: old } = latest.current;
    const scrollTop = Math.round(scrollOfTop(top, current));
    setLatest({ ...old, top, scrollTop, scrollLeft: left });
    element.scrollTop = scrollTop;
    element.scrollLeft = left;
  }

  return {
    scroller,
    view,
    scale,
    onScroll() {
      const element = scroller.current;
      if (element === null) return;
      const { scrollTop, scrollLeft } = element;
      const { view: old, scale: current } = latest.current;
      const top = scrollTop === old.scrollTop ? old.top : moveTop(old.top, old.scrollTop, scrollTop, current);
      setLatest({ ...old, top, scrollTop, scrollLeft });
      clearTimeout(settle.current);
      if (current.realPx !== current.shownPx)
        settle.current = setTimeout(() => scrollTo(latest.current.view.top, latest.current.view.scrollLeft), settleMs);
    },
    show({ row, column }) {
      const { view: old, scale: current, layout: columns } = latest.current;
      const top = row < 0 ? old.top : topShowing(row, old.top, current);
      const placed = columns.placed[column];
      const left = placed === undefined ? old.scrollLeft : scrollShowing(placed, columns, old.scrollLeft, old.width);
      if (top !== old.top || left !== old.scrollLeft) scrollTo(top, left);
    },
    shift(by) {
      const now = latest.current.view;
      scrollTo(now.top + by * rowPx, now.scrollLeft);
    },
  };
}
