// Where the cursor of a grid is, what is selected, and how keys move both. Pure. Columns are counted in the order
// shown; row -1 is the head, column -1 the row numbers.

export interface Place {
  readonly row: number;
  readonly column: number;
}

export interface Selection {
  /** The cell that has the focus. */
  readonly cursor: Place;
  /** The other corner of the selected rectangle. */
  readonly anchor: Place;
}

export interface Extent {
  readonly rows: number;
  readonly columns: number;
  /** Rows that Page Up and Page Down move by. */
  readonly pageRows: number;
}

export interface Rectangle {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}

export const start: Selection = { cursor: { row: 0, column: 0 }, anchor: { row: 0, column: 0 } };

export function selectAt(place: Place, anchor: Place = place): Selection {
  return { cursor: place, anchor };
}

/** All corners included. Whole rows where either corner is a row number. */
export function rectangleOf({ cursor, anchor }: Selection, { columns, rows }: Extent): Rectangle {
  const isWholeRows = cursor.column === -1 || anchor.column === -1;
  const isWholeColumns = cursor.row === -1 && anchor.row === -1 && cursor.column !== -1;
  return {
    top: isWholeColumns ? 0 : Math.max(0, Math.min(cursor.row, anchor.row)),
    bottom: isWholeColumns ? rows - 1 : Math.max(cursor.row, anchor.row),
    left: isWholeRows ? 0 : Math.min(cursor.column, anchor.column),
    right: isWholeRows ? columns - 1 : Math.max(cursor.column, anchor.column),
  };
}

export function contains({ top, bottom, left, right }: Rectangle, row: number, column: number): boolean {
  return row >= top && row <= bottom && column >= left && column <= right;
}

/** Keeps the place within the table after rows or columns have gone. */
export function clampPlace({ row, column }: Place, { rows, columns }: Extent): Place {
  return { row: Math.max(-1, Math.min(row, rows - 1)), column: Math.max(-1, Math.min(column, columns - 1)) };
}

const moves: Readonly<Record<string, (place: Place, extent: Extent) => Place>> = {
  ArrowUp: ({ row, column }) => ({ row: row - 1, column }),
  ArrowDown: ({ row, column }) => ({ row: row + 1, column }),
  ArrowLeft: ({ row, column }) => ({ row, column: column - 1 }),
  ArrowRight: ({ row, column }) => ({ row, column: column + 1 }),
  Home: ({ row }) => ({ row, column: 0 }),
  End: ({ row }, { columns }) => ({ row, column: columns - 1 }),
  PageUp: ({ row, column }, { pageRows }) => ({ row: Math.max(row === -1 ? -1 : 0, row - pageRows), column }),
  PageDown: ({ row, column }, { pageRows }) => ({ row: row + pageRows, column }),
  'Ctrl+Home': () => ({ row: 0, column: 0 }),
  'Ctrl+End': (_, { rows, columns }) => ({ row: rows - 1, column: columns - 1 }),
  'Ctrl+ArrowUp': ({ column }) => ({ row: 0, column }),
  'Ctrl+ArrowDown': ({ column }, { rows }) => ({ row: rows - 1, column }),
  'Ctrl+ArrowLeft': ({ row }) => ({ row, column: 0 }),
  'Ctrl+ArrowRight': ({ row }, { columns }) => ({ row, column: columns - 1 }),
};

/** The selection after a key as named in keys.ts; undefined for a key that does not move. */
export function moveBy(key: string, { cursor, anchor }: Selection, extent: Extent): Selection | undefined {
  const isExtending = /(^|\+)Shift\+/.test(key);
  const move = moves[key.replace('Shift+', '')];
  if (move === undefined) return undefined;
  const place = clampPlace(move(cursor, extent), extent);
  return selectAt(place, isExtending ? anchor : place);
}

export function isSamePlace(a: Place, b: Place): boolean {
  return a.row === b.row && a.column === b.column;
}
