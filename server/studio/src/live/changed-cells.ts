// Which cells of a page of rows differ from what was shown before: the grid lets them flash. Pure.
import type { StudioRow } from '../../../messages/studio/rows.ts';
import type { StudioValue } from '../../../messages/studio/values.ts';

/** Identity of a row in a page: its key as text; a row without a key by what it holds. */
export function rowId({ key, values }: StudioRow): string {
  return JSON.stringify(key ?? values);
}

/** By row id the places of changed values; a new row has all of its places. */
export function changedCells(
  before: readonly StudioRow[],
  after: readonly StudioRow[],
): ReadonlyMap<string, ReadonlySet<number>> {
  const known = new Map(before.map((row) => [rowId(row), row]));
  const changed = new Map<string, ReadonlySet<number>>();
  for (const row of after) {
    const old = known.get(rowId(row));
    const places = row.values.flatMap((value, place) => (old && isSame(old.values[place], value) ? [] : [place]));
    if (places.length > 0) changed.set(rowId(row), new Set(places));
  }
  return changed;
}

function isSame(one: StudioValue | undefined, other: StudioValue): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}
