// Which rows and columns are on the screen, and how a scroll bar of bounded height reaches every row. Pure.
// Browsers bound the height of an element (Firefox at about 17.9 million pixels, Chromium at 33.5), so a long table has
// a shorter element: small movements move by pixels, long ones by the part of the whole.

/** Pixels of the tallest element. */
const tallestPx = 6_000_000;

export interface Scale {
  readonly rowPx: number;
  /** Height of the part that shows rows. */
  readonly viewPx: number;
  /** Height that the rows would need. */
  readonly realPx: number;
  /** Height of the element that stands for them. */
  readonly shownPx: number;
}

export function scaleOf(rows: number, rowPx: number, viewPx: number): Scale {
  const realPx = rows * rowPx;
  return { rowPx, viewPx, realPx, shownPx: Math.min(realPx, tallestPx) };
}

const range = (size: number, view: number) => Math.max(0, size - view);

function clampTop(top: number, { realPx, viewPx }: Scale): number {
  return Math.max(0, Math.min(top, range(realPx, viewPx)));
}

/** The first pixel of the rows that is shown, for a place of the scroll bar. */
export function topOfScroll(scrollTop: number, scale: Scale): number {
  const { realPx, shownPx, viewPx } = scale;
  if (realPx === shownPx) return clampTop(scrollTop, scale);
  return clampTop((scrollTop / range(shownPx, viewPx)) * range(realPx, viewPx), scale);
}

export function scrollOfTop(top: number, { realPx, shownPx, viewPx }: Scale): number {
  if (realPx === shownPx) return top;
  return (top / range(realPx, viewPx)) * range(shownPx, viewPx);
}

/** Where the rows stand after the scroll bar has moved from `before` to `now`. */
export function moveTop(top: number, before: number, now: number, scale: Scale): number {
  const isSmall = Math.abs(now - before) < 2 * scale.viewPx;
  if (scale.realPx === scale.shownPx || !isSmall) return topOfScroll(now, scale);
  return clampTop(top + now - before, scale);
}

export interface Range {
  /** Included. */
  readonly first: number;
  /** Included; smaller than `first` for no row. */
  readonly last: number;
}

export function visibleRows(top: number, rows: number, { rowPx, viewPx }: Scale, spare = 0): Range {
  const first = Math.max(0, Math.floor(top / rowPx) - spare);
  const last = Math.min(rows - 1, Math.ceil((top + viewPx) / rowPx) - 1 + spare);
  return { first, last };
}

/** `top` moved as little as needed for the row to be wholly shown. */
export function topShowing(row: number, top: number, scale: Scale): number {
  const { rowPx, viewPx } = scale;
  const rowTop = row * rowPx;
  if (rowTop < top) return clampTop(rowTop, scale);
  if (rowTop + rowPx > top + viewPx) return clampTop(rowTop + rowPx - viewPx, scale);
  return top;
}

/** Numbers of the visible rows, and `row`: the one with the focus stays in the page when it is scrolled away. */
export function rowsWith(row: number, { first, last }: Range, count: number): number[] {
  const rows = Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => first + at);
  if (row < 0 || row >= count || (row >= first && row <= last)) return rows;
  return row < first ? [row, ...rows] : [...rows, row];
}
