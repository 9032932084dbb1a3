// The columns of a grid: what each is, how wide, where it stands. Pure.
import type { StudioValue } from '../../../messages/studio/values.ts';
import { kindOf, textOf } from '../api/values.ts';

export interface GridColumn {
  readonly name: string;
  /** As declared; shown small beside the name. */
  readonly type: string;
  /** Part of the row's key. */
  readonly isKey?: boolean;
  readonly isGenerated?: boolean;
  /** Refers to a row of another table. */
  readonly isReference?: boolean;
  readonly sort?: 'ascending' | 'descending' | undefined;
  readonly isFiltered?: boolean;
}

/** What the user decided about a column, by its name. */
export interface ColumnChoice {
  readonly width?: number;
  readonly isHidden?: boolean;
  readonly isPinned?: boolean;
}

export interface PlacedColumn {
  /** Place in the table, and in the values of a row. */
  readonly index: number;
  /** Place in the order shown, pinned ones first. */
  readonly place: number;
  readonly column: GridColumn;
  readonly width: number;
  /** Pixels from the left of the cells; of a pinned one from the left of the pinned ones. */
  readonly left: number;
  readonly isPinned: boolean;
}

export interface ColumnLayout {
  /** In the order shown: pinned ones first. Hidden ones are left out. */
  readonly placed: readonly PlacedColumn[];
  readonly pinned: readonly PlacedColumn[];
  readonly free: readonly PlacedColumn[];
  readonly pinnedWidth: number;
  /** Pinned ones and the column of row numbers included. */
  readonly width: number;
}

export const narrowest = 48;
export const widest = 1200;
const letterPx = 7.6;
const headLetterPx = 8.4;
const typeLetterPx = 6.4;
const paddingPx = 26;
const widestGuess = 340;
const sampleRows = 60;

/** A width that suits the name and the first values. */
export function guessWidth(column: GridColumn, index: number, sample: readonly (readonly StudioValue[])[]): number {
  const marksPx = (column.isKey || column.isReference ? 18 : 0) + 44;
  const head = column.name.length * headLetterPx + column.type.length * typeLetterPx + marksPx;
  let letters = 4;
  for (const row of sample.slice(0, sampleRows)) {
    const value = row[index] ?? null;
    const length = kindOf(value) === 'blob' ? 12 : Math.min(60, textOf(value).slice(0, 60).length);
    letters = Math.max(letters, length);
  }
  return Math.round(Math.min(widestGuess, Math.max(64, head, letters * letterPx + paddingPx)));
}

/** `numberWidth`: of the column of row numbers, which is always there and pinned. */
export function layOut(
  columns: readonly GridColumn[],
  widths: readonly number[],
  choices: Readonly<Record<string, ColumnChoice>>,
  numberWidth: number,
): ColumnLayout {
  const shown = columns
    .map((column, index) => ({ column, index, choice: choices[column.name] ?? {} }))
    .filter(({ choice }) => !choice.isHidden);
  const place = (isPinned: boolean, start: number, firstPlace: number): PlacedColumn[] => {
    let left = start;
    return shown
      .filter(({ choice }) => (choice.isPinned ?? false) === isPinned)
      .map(({ column, index, choice }, at) => {
        const width = choice.width ?? widths[index] ?? 120;
        const placed = { index, place: firstPlace + at, column, width, left, isPinned };
        left += width;
        return placed;
      });
  };
  const end = (placed: readonly PlacedColumn[], start: number) => {
    const last = placed.at(-1);
    return last === undefined ? start : last.left + last.width;
  };
  const pinned = place(true, numberWidth, 0);
  const pinnedWidth = end(pinned, numberWidth);
  const free = place(false, pinnedWidth, pinned.length);
  return { placed: [...pinned, ...free], pinned, free, pinnedWidth, width: end(free, pinnedWidth) };
}

/** The free columns that a window of this place and width shows, and one more on each side. */
export function visibleColumns({ free, pinnedWidth }: ColumnLayout, scrollLeft: number, width: number): PlacedColumn[] {
  const from = scrollLeft + pinnedWidth;
  const to = scrollLeft + width;
  const first = free.findIndex((one) => one.left + one.width > from);
  if (first === -1) return free.slice(-1);
  let last = first;
  while (last + 1 < free.length && (free[last + 1]?.left ?? 0) < to) last += 1;
  return free.slice(Math.max(0, first - 1), last + 2);
}

/** `scrollLeft` moved as little as needed for the column to be wholly shown. */
export function scrollShowing(placed: PlacedColumn, layout: ColumnLayout, scrollLeft: number, width: number): number {
  if (placed.isPinned) return scrollLeft;
  if (placed.left < scrollLeft + layout.pinnedWidth) return placed.left - layout.pinnedWidth;
  const right = placed.left + placed.width;
  return right > scrollLeft + width ? Math.min(right - width, placed.left - layout.pinnedWidth) : scrollLeft;
}

/** The cell with the focus stays in the page when it is scrolled away, and keeps the focus. */
export function withColumn(free: PlacedColumn[], layout: ColumnLayout, column: number): PlacedColumn[] {
  const placed = layout.placed[column];
  if (placed === undefined || placed.isPinned || free.includes(placed)) return free;
  return placed.place < (free[0]?.place ?? 0) ? [placed, ...free] : [...free, placed];
}
