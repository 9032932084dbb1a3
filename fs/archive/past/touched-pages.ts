// Pages of b-trees that hold something else than they do in another state: they differ themselves, the other state has
// them in another table, or only an overflow page of theirs differs. SQLite writes a value that keeps its length in
// place, and then only those of its pages that become others.
import { Pieces } from '../pieces.ts';
import type { StateTrees } from './state-trees.ts';

/** `differing`: pages of the state that the other one does not have as they are here. */
export async function touchedPages(
  state: StateTrees,
  differing: readonly number[],
  other: StateTrees,
): Promise<Set<number>> {
  const touched = new Set(differing.filter((page) => state.ownerOf(page) !== undefined));
  const pieces = new Pieces();
  for (const page of state.tables.pages()) {
    if (state.ownerOf(page)?.name !== other.ownerOf(page)?.name) touched.add(page);
    await pieces.next();
  }
  const strays = await strayPages(state, differing, touched);
  // What leads to a page in the middle of a chain is not written anywhere: all chains are followed.
  if (strays.size > 0) {
    await state.eachWithOverflow(state.tables.pages(), (page, _content, holder) => {
      if (strays.has(page)) touched.add(holder);
    });
  }
  return touched;
}

/** Overflow pages that differ, of b-tree pages that do not. */
async function strayPages(
  state: StateTrees,
  differing: readonly number[],
  touched: ReadonlySet<number>,
): Promise<ReadonlySet<number>> {
  const strays = new Set(
    differing.filter((page) => page !== 1 && state.ownerOf(page) === undefined && !state.isPointerMap(page)),
  );
  if (strays.size > 0) for (const page of await state.freePages()) strays.delete(page);
  if (strays.size > 0) await state.eachWithOverflow(touched, (page) => strays.delete(page));
  return strays;
}
