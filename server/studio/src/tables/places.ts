// Where each table of this tab was left: the row at the top, the cursor, how far it was scrolled to the right.
import type { StudioSelection } from '../../../messages/studio/rows.ts';
import type { Place as CellPlace } from '../grid/selection.ts';
import { load, save } from '../storage.ts';

export interface Place {
  /** The rows that it holds for: with another filter or order it means nothing. */
  readonly selection: string;
  readonly cursor: CellPlace;
  readonly left: number;
  /** The row at the top, of those that the server has, and its cursor; null at the beginning. */
  readonly top: { readonly row: number; readonly at: string } | null;
  /** Rows of the table, as far as they were known. */
  readonly rows: number;
}

const name = (db: string, table: string) => `place:${db}\n${table}`;

export function placeOf(db: string, selection: StudioSelection): Place | undefined {
  const place = load(name(db, selection.table), readPlace, 'session');
  return place?.selection === JSON.stringify(selection) ? place : undefined;
}

export function keepPlace(db: string, table: string, place: Place): void {
  save(name(db, table), place, 'session');
}

function readPlace(value: unknown): Place | undefined {
  const { selection, cursor, left, top, rows } = value as Place;
  const numbers = [cursor.row, cursor.column, left, rows, top?.row ?? 0];
  const isRight =
    typeof selection === 'string' &&
    numbers.every((number) => Number.isFinite(number) && number >= -1) &&
    (top === null || typeof top.at === 'string');
  return isRight ? { selection, cursor, left, top, rows } : undefined; // whatever throws is dropped by `load`
}
