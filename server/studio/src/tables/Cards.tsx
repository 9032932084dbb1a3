// Rows as cards, for a phone: the key, the column after it, and the next three; a tap opens the whole row.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { StudioRow } from '../../../messages/studio/rows.ts';
import { textOf } from '../api/values.ts';
import { CellText } from '../grid/CellText.tsx';
import type { GridRow } from '../grid/rows.ts';
import type { GridStart } from '../grid/use-grid-view.ts';
import { scaleOf, scrollOfTop, topOfScroll, visibleRows } from '../grid/viewport.ts';
import { choicesOf } from './column-choices.ts';
import type { TableModel } from './use-table.ts';

interface Props {
  readonly model: TableModel;
  readonly startAt: GridStart | undefined;
  readonly onScrolled: (now: GridStart) => void;
  readonly onOpen: (row: number) => void;
}

const cardPx = 88;
const shownColumns = 5;
const sampleRows = 50;

export function Cards({ model, startAt, onScrolled, onOpen }: Props) {
  const { rows, object, db, paged } = model;
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ scrollTop: 0, height: 700 });
  rows.version.value;
  const { count } = rows;
  const scale = scaleOf(count, cardPx, view.height);
  const top = topOfScroll(view.scrollTop, scale);
  const latest = useRef({ top, scale });
  latest.current = { top, scale };
  const { first, last } = visibleRows(top, count, scale, 3);
  useEffect(() => rows.need(Math.max(0, first), Math.max(0, last)), [rows, first, last, count]);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    if (startAt !== undefined) element.scrollTop = scrollOfTop(startAt.row * cardPx, scale);
    setView({ scrollTop: element.scrollTop, height: element.clientHeight });
  }, []);
  const shownRows = useRef(rows);
  useEffect(() => {
    if (shownRows.current !== rows) scroller.current?.scrollTo(0, 0);
    shownRows.current = rows;
  }, [rows]);
  useEffect(() => onScrolled({ row: Math.floor(top / cardPx), left: 0 }), [top]);
  // Guessed numbers became right: what is on the screen stays there.
  useEffect(
    () =>
      rows.onShift?.((by) => {
        const now = latest.current;
        scroller.current?.scrollTo(0, scrollOfTop(Math.max(0, now.top + by * cardPx), now.scale));
      }),
    [rows],
  );
  const choices = choicesOf(db, object.name);
  const columns = object.columns
    .map((column, index) => ({ column, index }))
    .filter(({ column }) => !choices[column.name]?.isHidden)
    .slice(0, shownColumns);
  const [head, second, ...rest] = columns;
  // Each gets the room that its values need, the same in every card.
  const tracks = useMemo(() => {
    const sample = paged.loaded().slice(0, sampleRows);
    return rest.map(({ column, index: at }) => `minmax(0, ${lettersOf(column.name, at, sample)}fr)`).join(' ');
  }, [object, choices, paged.hasAnswer]);
  const indexes = Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
  return (
    <div
      ref={scroller}
      class="cards"
      onScroll={(event) => setView({ ...view, scrollTop: event.currentTarget.scrollTop })}
    >
      {count === 0 && paged.hasAnswer && <p class="grid-empty">No rows.</p>}
      <ul class="cards-body" style={{ height: `${scale.shownPx}px` }}>
        {indexes.map((index) => {
          const row = rows.row(index);
          return (
            <li
              key={index}
              class="card-place"
              aria-setsize={count}
              aria-posinset={index + 1}
              style={{ transform: `translateY(${view.scrollTop - top + index * cardPx}px)` }}
            >
              <button
                type="button"
                class={`card${row?.state === undefined ? '' : ` is-${row.state}`}${row?.edited?.size ? ' is-edited' : ''}`}
                onClick={() => onOpen(index)}
              >
                <span class="card-head">
                  {head !== undefined && row !== undefined && <CardValue row={row} at={head.index} />}
                  {row?.state === 'added' && <span class="tag">new</span>}
                  {second !== undefined && (
                    <span class="card-second">
                      <span class="card-label">{second.column.name}</span>
                      <span class="card-value">{row !== undefined && <CardValue row={row} at={second.index} />}</span>
                    </span>
                  )}
                </span>
                <span class="card-rest" style={{ gridTemplateColumns: tracks }}>
                  {rest.map(({ column, index: at }) => (
                    <span key={column.name} class="card-field">
                      <span class="card-label">{column.name}</span>
                      <span class="card-value">{row !== undefined && <CardValue row={row} at={at} />}</span>
                    </span>
                  ))}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

const fewest = 5;
const most = 24;
/** A letter of a label is smaller. */
const labelLetter = 0.8;

/** Letters that a column needs. */
function lettersOf(name: string, at: number, sample: readonly StudioRow[]): number {
  const lengths = sample.map(({ values }) => textOf(values[at] ?? null).length);
  return Math.min(most, Math.max(fewest, Math.ceil(name.length * labelLetter), ...lengths));
}

function CardValue({ row, at }: { readonly row: GridRow; readonly at: number }) {
  if (row.unset?.has(at)) return <span class="value-note">default</span>;
  return <CellText value={row.values[at] ?? null} />;
}
