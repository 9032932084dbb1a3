// The grid: virtual rows and columns over any GridRows. Follows the W3C APG grid pattern: one tab stop, roving focus.
// It knows nothing of tables or the server; what a key or a click means beyond moving is the caller's, by `onAction`.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { StudioValue } from '../../../messages/studio/values.ts';
import { type BindingId, bindingFor, keyName } from '../keys.ts';
import type { EditEnd } from './CellEditor.tsx';
import { type PlacedColumn, visibleColumns, withColumn } from './columns.ts';
import { Head } from './Head.tsx';
import { Row } from './Row.tsx';
import {
  clampPlace,
  contains,
  type Extent,
  moveBy,
  type Place,
  type Rectangle,
  rectangleOf,
  type Selection,
} from './selection.ts';
import { cellAt, useCursorFocus } from './use-cursor-focus.ts';
import { useGridPointer } from './use-grid-pointer.ts';
import { type GridViewProps, useGridView } from './use-grid-view.ts';
import { rowsWith, type Scale, visibleRows } from './viewport.ts';
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

export interface GridProps extends GridViewProps {
  readonly label: string;
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
  readonly empty?: ComponentChildren;
}

const spareRows = 6;
/** Rows are placed from a row whose number is a multiple of this, so that their pixels stay small. */
const blockRows = 512;

const plainText = (value: StudioValue) => (typeof value === 'string' ? value : '');
const nothing = () => {};

export function Grid(props: GridProps) {
  const { label, layout, rows, rowPx, numberWidth, selection, onSelect, onAction, editing } = props;
  rows.version.value; // draws again when rows come
  const { count } = rows;
  const { scroller, view, scale, onScroll, show, shift } = useGridView(props);
  const extent: Extent = {
    rows: count,
    columns: layout.placed.length,
    pageRows: Math.max(1, Math.floor(scale.viewPx / rowPx) - 1),
  };
  const cursor = clampPlace(selection.cursor, extent);
  const rectangle = rectangleOf(selection, extent);
  const free = useStable(withColumn(visibleColumns(layout, view.scrollLeft, view.width), layout, cursor.column));
  const focus = useCursorFocus(scroller, cursor, editing);

  /** A key may come before the page has drawn what the key before it did. */
  const latest = useRef(selection);
  latest.current = selection;

  useEffect(
    () =>
      rows.onShift?.((by) => {
        shift(by);
        const shifted = (place: Place) => (place.row === -1 ? place : { ...place, row: Math.max(0, place.row + by) });
        onSelect({ cursor: shifted(latest.current.cursor), anchor: shifted(latest.current.anchor) });
      }),
    [rows],
  );

  // A cell that the caller chose (after an edit, say) is shown, too.
  const isFirst = useRef(true);
  useEffect(() => {
    if (!isFirst.current || props.startAt === undefined) show(cursor);
    isFirst.current = false;
    focus.follow();
  }, [cursor.row, cursor.column]);

  function select(next: Selection): void {
    latest.current = next;
    show(next.cursor);
    onSelect(next);
    focus.move(next.cursor);
  }

  const latestRectangle = () => rectangleOf(latest.current, extent);

  function target(place: Place = clampPlace(latest.current.cursor, extent)): GridTarget {
    const element = cellAt(scroller, place) ?? (scroller.current as HTMLElement);
    const at = element.getBoundingClientRect();
    return { place, column: layout.placed[place.column], rectangle: latestRectangle(), at };
  }

  const pointer = useGridPointer({
    editing,
    selection: () => latest.current,
    isSelected: ({ row, column }) => contains(latestRectangle(), row, column),
    select,
    act: (action, place, at) => onAction(action, { ...target(place), ...(at !== undefined && { at }) }),
  });

  function onKeyDown(event: KeyboardEvent): void {
    if (editing !== null || event.isComposing || (event.target as HTMLElement).dataset.place === undefined) return;
    const moved = moveBy(keyName(event), latest.current, extent);
    const action = bindingFor(event, 'Grid');
    if (moved !== undefined && event.altKey === false) select(moved);
    else if (action === 'copy' || action === 'paste')
      return; // the browser's own events follow
    else if (action === undefined || !onAction(action, target())) return;
    event.preventDefault();
    event.stopPropagation();
  }

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
      {...pointer}
      onFocusIn={focus.onFocusIn}
      onFocusOut={focus.onFocusOut}
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
      <Body grid={props} view={view} scale={scale} cursor={cursor} rectangle={rectangle} free={free} />
      {count === 0 && props.empty}
    </div>
  );
}

interface BodyProps {
  readonly grid: GridProps;
  readonly view: { readonly top: number; readonly scrollTop: number };
  readonly scale: Scale;
  readonly cursor: Place;
  readonly rectangle: Rectangle;
  readonly free: readonly PlacedColumn[];
}

/** The rows that are on the screen, and the one with the cursor. */
function Body({ grid, view, scale, cursor, rectangle, free }: BodyProps) {
  const { layout, rows, rowPx, numberWidth, editing } = grid;
  const shown = visibleRows(view.top, rows.count, scale, spareRows);
  const base = Math.floor(shown.first / blockRows) * blockRows;
  return (
    // biome-ignore lint/a11y/useSemanticElements: see above
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
        {rowsWith(cursor.row, shown, rows.count).map((index) => {
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
              editText={grid.editText ?? plainText}
              onEditEnd={grid.onEditEnd ?? nothing}
            />
          );
        })}
      </div>
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
