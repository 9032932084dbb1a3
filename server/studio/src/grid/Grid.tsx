// The grid: virtual rows and columns over any GridRows. Follows the W3C APG grid pattern: one tab stop, roving focus.
// It knows nothing of tables or the server; what a key or a click means beyond moving is the caller's, by `onAction`.
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { StudioValue } from '../../../messages/studio/values.ts';
import { type BindingId, bindingFor, keyName } from '../keys.ts';
import type { EditEnd } from './CellEditor.tsx';
import { type ColumnLayout, type PlacedColumn, scrollShowing, visibleColumns, withColumn } from './columns.ts';
import { Head } from './Head.tsx';
import { Row } from './Row.tsx';
import type { GridRows } from './rows.ts';
import {
  clampPlace,
  contains,
  type Extent,
  isSamePlace,
  moveBy,
  type Place,
  type Rectangle,
  rectangleOf,
  type Selection,
  selectAt,
} from './selection.ts';
import { moveTop, rowsWith, scaleOf, scrollOfTop, topShowing, visibleRows } from './viewport.ts';
import '../styles/grid.css';

/** What the caller acts upon: the cell with the cursor, and the rectangle that is selected. */
export interface GridTarget {
  readonly place: Place;
  /** Undefined on a row number. */
  readonly column: PlacedColumn | undefined;
  readonly rectangle: Rectangle;
  /** Of the cell, in the window: where a menu opens. */
  readonly at: DOMRect;
}

export interface GridStart {
  readonly row: number;
  readonly left: number;
}

export interface GridProps {
  readonly label: string;
  readonly layout: ColumnLayout;
  readonly rows: GridRows;
  readonly rowPx: number;
  readonly numberWidth: number;
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
  /** A key of the grid was pressed, or what a pointer does instead. False: not handled. */
  readonly onAction: (action: BindingId | 'open' | 'head', target: GridTarget) => boolean;
  readonly onResize: (placed: PlacedColumn, width: number) => void;
  /** The cell that is edited. */
  readonly editing: Place | null;
  readonly editText?: (value: StudioValue) => string;
  readonly onEditEnd?: (end: EditEnd, text: string) => void;
  readonly onCopy?: (target: GridTarget) => void;
  readonly onPaste?: (text: string, target: GridTarget) => void;
  /** Where it begins: the row at the top, and pixels from the left. */
  readonly startAt?: GridStart;
  /** The same, whenever it changes. */
  readonly onScrolled?: (now: GridStart) => void;
  readonly empty?: ComponentChildren;
}

const spareRows = 6;
/** Rows are placed from a row whose number is a multiple of this, so that their pixels stay small. */
const blockRows = 512;
const settleMs = 160;
const headPx = 34;

const plainText = (value: StudioValue) => (typeof value === 'string' ? value : '');
const nothing = () => {};

export function Grid(props: GridProps) {
  const { label, layout, rows, rowPx, numberWidth, selection, onSelect, onAction, editing } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({
    top: (props.startAt?.row ?? 0) * rowPx,
    scrollTop: 0,
    scrollLeft: 0,
    width: 1200,
    height: 600,
  });
  const wantsFocus = useRef(false);
  const dragFrom = useRef<Place | null>(null);
  const settle = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  rows.version.value; // draws again when rows come
  const { count } = rows;
  const scale = scaleOf(count, rowPx, Math.max(rowPx, view.height - headPx));
  const extent: Extent = {
    rows: count,
    columns: layout.placed.length,
    pageRows: Math.max(1, Math.floor(scale.viewPx / rowPx) - 1),
  };
  const cursor = clampPlace(selection.cursor, extent);
  const rectangle = rectangleOf(selection, extent);
  const shown = visibleRows(view.top, count, scale, spareRows);
  const free = useStable(withColumn(visibleColumns(layout, view.scrollLeft, view.width), layout, cursor.column));

  const latest = useRef({ view, scale, extent, selection, layout });
  latest.current = { view, scale, extent, selection, layout };

  useEffect(() => {
    const { first, last } = visibleRows(view.top, Math.max(count, 1), scale);
    rows.need(first, last);
  }, [rows, view.top, view.height, count]);

  useLayoutEffect(() => {
    if (props.startAt !== undefined) scrollTo(view.top, props.startAt.left);
  }, []);

  useEffect(() => {
    props.onScrolled?.({ row: Math.floor(view.top / rowPx), left: view.scrollLeft });
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

  useEffect(
    () =>
      rows.onShift?.((by) => {
        const now = latest.current;
        scrollTo(now.view.top + by * rowPx, now.view.scrollLeft);
        const shift = (place: Place) => (place.row === -1 ? place : { ...place, row: Math.max(0, place.row + by) });
        onSelect({ cursor: shift(now.selection.cursor), anchor: shift(now.selection.anchor) });
      }),
    [rows],
  );

  // Other rows begin at their beginning.
  const shownRows = useRef(rows);
  useLayoutEffect(() => {
    if (shownRows.current === rows) return;
    shownRows.current = rows;
    scrollTo(0, latest.current.view.scrollLeft);
  }, [rows]);

  useLayoutEffect(() => {
    if (!wantsFocus.current || editing !== null) return;
    wantsFocus.current = false;
    cellAt(cursor)?.focus({ preventScroll: true });
  });

  // Where the cell with the focus goes away with its row, the focus goes to the one that takes its place.
  const hasFocus = useRef(false);
  useLayoutEffect(() => {
    if (hasFocus.current && editing === null && document.activeElement === document.body) {
      cellAt(cursor)?.focus({ preventScroll: true });
    }
  });

  const wasEditing = useRef(false);
  useLayoutEffect(() => {
    if (wasEditing.current && editing === null && document.activeElement === document.body) {
      cellAt(cursor)?.focus({ preventScroll: true });
    }
    wasEditing.current = editing !== null;
  }, [editing === null]);

  function cellAt({ row, column }: Place): HTMLElement | null {
    return scroller.current?.querySelector(`[data-place="${row}:${column}"]`) ?? null;
  }

  function scrollTo(top: number, left: number): void {
    const element = scroller.current;
    if (element === null) return;
    const { scale: current, view: old } = latest.current;
    const scrollTop = Math.round(scrollOfTop(top, current));
    const next = { ...old, top, scrollTop, scrollLeft: left };
    latest.current = { ...latest.current, view: next };
    setView(next);
    element.scrollTop = scrollTop;
    element.scrollLeft = left;
  }

  function onScroll(): void {
    const element = scroller.current;
    if (element === null) return;
    const { scrollTop, scrollLeft } = element;
    const { view: old, scale: current } = latest.current;
    const top = scrollTop === old.scrollTop ? old.top : moveTop(old.top, old.scrollTop, scrollTop, current);
    const next = { ...old, top, scrollTop, scrollLeft };
    latest.current = { ...latest.current, view: next };
    setView(next);
    clearTimeout(settle.current);
    if (current.realPx !== current.shownPx)
      settle.current = setTimeout(() => scrollTo(latest.current.view.top, latest.current.view.scrollLeft), settleMs);
  }

  function show({ row, column }: Place): void {
    const { view: old, scale: current, layout: columns } = latest.current;
    const top = row < 0 ? old.top : topShowing(row, old.top, current);
    const placed = columns.placed[column];
    const left = placed === undefined ? old.scrollLeft : scrollShowing(placed, columns, old.scrollLeft, old.width);
    if (top !== old.top || left !== old.scrollLeft) scrollTo(top, left);
  }

  function select(next: Selection): void {
    wantsFocus.current = true;
    latest.current = { ...latest.current, selection: next };
    show(next.cursor);
    onSelect(next);
    cellAt(next.cursor)?.focus({ preventScroll: true }); // the next key may come before the page is drawn again
  }

  // A cell that the caller chose (after an edit, say) is shown, too.
  const isFirst = useRef(true);
  useEffect(() => {
    if (!isFirst.current || props.startAt === undefined) show(cursor);
    isFirst.current = false;
    if (scroller.current?.contains(document.activeElement) && editing === null) {
      cellAt(cursor)?.focus({ preventScroll: true });
    }
  }, [cursor.row, cursor.column]);

  const latestCursor = () => clampPlace(latest.current.selection.cursor, extent);
  const latestRectangle = () => rectangleOf(latest.current.selection, extent);

  /** A key may come before the page has drawn what the key before it did: `latest` knows. */
  function target(place: Place = latestCursor()): GridTarget {
    const at = cellAt(place)?.getBoundingClientRect() ?? (scroller.current as HTMLElement).getBoundingClientRect();
    return { place, column: layout.placed[place.column], rectangle: latestRectangle(), at };
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (editing !== null || event.isComposing || (event.target as HTMLElement).dataset.place === undefined) return;
    const moved = moveBy(keyName(event), latest.current.selection, extent);
    const action = bindingFor(event, 'Grid');
    if (moved !== undefined && event.altKey === false) select(moved);
    else if (action === 'copy' || action === 'paste')
      return; // the browser's own events follow
    else if (action === undefined || !onAction(action, target())) return;
    event.preventDefault();
    event.stopPropagation();
  }

  function onPointerDown(event: PointerEvent): void {
    const place = placeOf(event.target);
    if (place === null || event.button !== 0 || (editing && isSamePlace(place, editing))) return;
    if (event.pointerType === 'touch') return;
    dragFrom.current = event.shiftKey ? latest.current.selection.anchor : place;
    select(selectAt(place, dragFrom.current));
    event.preventDefault();
  }

  function onPointerOver(event: PointerEvent): void {
    if (dragFrom.current === null || (event.buttons & 1) === 0) return;
    const place = placeOf(event.target);
    if (place !== null && dragFrom.current.row >= 0 && place.row >= 0) select(selectAt(place, dragFrom.current));
  }

  function onClick(event: MouseEvent): void {
    const place = placeOf(event.target);
    if (place === null) return;
    const wantsMenu = (event.target as Element).closest('[data-menu]') !== null;
    if ((event as PointerEvent).pointerType === 'touch') select(selectAt(place));
    if (wantsMenu) onAction('column-menu', target(place));
    else if (place.row === -1 && (event.target as Element).closest('.head-resize') === null)
      onAction('head', target(place));
  }

  const base = Math.floor(shown.first / blockRows) * blockRows;
  const indexes = rowsWith(cursor.row, shown, count);
  return (
    // biome-ignore lint/a11y/useSemanticElements: virtual rows and columns cannot be a <table>; this is the APG's grid
    <div
      ref={scroller}
      class="grid"
      role="grid"
      aria-label={label}
      aria-rowcount={count + 1}
      aria-colcount={layout.placed.length + 1}
      aria-multiselectable="true"
      tabIndex={-1}
      onScroll={onScroll}
      onKeyDown={onKeyDown}
      onPointerDown={onPointerDown}
      onPointerOver={onPointerOver}
      onFocusIn={() => {
        hasFocus.current = true;
      }}
      onFocusOut={(event) => {
        const isGone = !(event.target as Element).isConnected;
        const isInside = scroller.current?.contains(event.relatedTarget as Node | null) ?? false;
        if (!isGone && !isInside) hasFocus.current = false;
      }}
      onPointerUp={() => {
        dragFrom.current = null;
      }}
      onClick={onClick}
      onContextMenu={(event) => {
        const place = placeOf(event.target);
        if (place === null || event.shiftKey || editing !== null) return;
        event.preventDefault();
        const at = new DOMRect(event.clientX, event.clientY, 0, 0);
        if (!contains(latestRectangle(), place.row, place.column)) select(selectAt(place));
        onAction(place.row === -1 ? 'column-menu' : 'cell-menu', { ...target(place), at });
      }}
      onDblClick={(event) => {
        const place = placeOf(event.target);
        if (place !== null && place.row >= 0) onAction('open', target(place));
      }}
      onCopy={(event) => {
        if (editing !== null || props.onCopy === undefined) return;
        event.preventDefault();
        props.onCopy(target());
      }}
      onPaste={(event) => {
        if (editing !== null || props.onPaste === undefined) return;
        event.preventDefault();
        props.onPaste(event.clipboardData?.getData('text/plain') ?? '', target());
      }}
    >
      <Head
        layout={layout}
        free={free}
        numberWidth={numberWidth}
        cursor={cursor.row === -1 ? cursor.column : null}
        selectedFrom={rectangle.left}
        selectedTo={rectangle.right}
        onResize={props.onResize}
      />
      {/* biome-ignore lint/a11y/useSemanticElements: see above */}
      <div
        class="grid-body"
        role="rowgroup"
        style={{ height: `${Math.max(scale.shownPx, 1)}px`, width: `${layout.width}px` }}
      >
        <div
          class="grid-layer"
          role="presentation"
          style={{ transform: `translateY(${view.scrollTop - view.top + base * rowPx}px)` }}
        >
          {indexes.map((index) => {
            const isOutside = index < shown.first || index > shown.last;
            const isIn = contains(rectangle, index, rectangle.left);
            return (
              <Row
                key={index}
                index={index}
                row={rows.row(index)}
                top={isOutside ? -4 * rowPx : (index - base) * rowPx}
                width={layout.width}
                numberWidth={numberWidth}
                pinnedWidth={layout.pinnedWidth}
                pinned={layout.pinned}
                free={free}
                cursor={index === cursor.row ? cursor.column : null}
                selectedFrom={isIn ? rectangle.left : 0}
                selectedTo={isIn ? rectangle.right : -1}
                editing={editing?.row === index ? editing.column : null}
                isOutside={isOutside}
                editText={props.editText ?? plainText}
                onEditEnd={props.onEditEnd ?? nothing}
              />
            );
          })}
        </div>
      </div>
      {count === 0 && props.empty}
    </div>
  );
}

/** The same array as before while it holds the same columns, so that rows need not be drawn again. */
function useStable(columns: readonly PlacedColumn[]): readonly PlacedColumn[] {
  const before = useRef(columns);
  const isSame =
    before.current.length === columns.length && columns.every((placed, at) => placed === before.current[at]);
  if (!isSame) before.current = columns;
  return before.current;
}

function placeOf(target: EventTarget | null): Place | null {
  const element = target instanceof Element ? target.closest<HTMLElement>('[data-place]') : null;
  const [row, column] = element?.dataset.place?.split(':').map(Number) ?? [];
  return row === undefined || column === undefined ? null : { row, column };
}
