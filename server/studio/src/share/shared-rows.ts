// The rows of a shared table for the grid.
import type { ReadonlySignal } from '@preact/signals';
import type { PagedRows } from '../grid/paged-rows.ts';
import type { GridRow, GridRows } from '../grid/rows.ts';
import { count as grouped } from '../ui/sizes.ts';

export class SharedRows implements GridRows {
  readonly #paged: PagedRows;

  constructor(paged: PagedRows) {
    this.#paged = paged;
  }

  get version(): ReadonlySignal<number> {
    return this.#paged.version;
  }

  get count(): number {
    return this.#paged.count;
  }

  row(index: number): GridRow | undefined {
    const row = this.#paged.row(index);
    if (row === undefined) return undefined;
    const about = this.#paged.isNumbered ? '' : '~';
    return { id: row.at, values: row.values, number: `${about}${grouped(index + 1)}` };
  }

  need(first: number, last: number): void {
    this.#paged.need(first, last);
  }

  onShift(listener: (rows: number) => void): () => void {
    return this.#paged.onShift(listener);
  }
}
