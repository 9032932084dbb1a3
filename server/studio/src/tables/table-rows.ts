// The rows of a table as the grid shows them: new rows first, then the pages of the server with what is staged over
// them.
import { computed, type ReadonlySignal } from '@preact/signals';
import type { StudioRow } from '../../../messages/studio/rows.ts';
import type { StudioColumn } from '../../../messages/studio/schema.ts';
import type { StudioValue } from '../../../messages/studio/values.ts';
import type { PagedRows } from '../grid/paged-rows.ts';
import type { GridRow, GridRows } from '../grid/rows.ts';
import { rowId } from '../live/changed-cells.ts';
import { count as grouped } from '../ui/sizes.ts';
import { insertsOf, keyId, type Staged, type StagedChange, type StagedInsert } from './staged.ts';

/** What a row of the grid is for those who edit it. */
export type RowSource =
  | { readonly kind: 'insert'; readonly insert: StagedInsert }
  | { readonly kind: 'row'; readonly row: StudioRow };

export class TableRows implements GridRows {
  readonly version: ReadonlySignal<number>;
  readonly #paged: PagedRows;
  readonly #columns: readonly StudioColumn[];
  readonly #inserts: ReadonlySignal<readonly StagedInsert[]>;
  readonly #changes: ReadonlySignal<ReadonlyMap<string, StagedChange>>;
  /** Built rows by what they were built of, so that the grid draws only what has changed. */
  #built = new Map<
    number,
    { readonly from: unknown; readonly change: unknown; readonly changed: unknown; readonly row: GridRow }
  >();
  #versions = 0;

  constructor(paged: PagedRows, table: string, columns: readonly StudioColumn[], staged: ReadonlySignal<Staged>) {
    this.#paged = paged;
    this.#columns = columns;
    this.#inserts = computed(() => insertsOf(staged.value, table));
    this.#changes = computed(
      () =>
        new Map(
          staged.value.flatMap((change) =>
            change.kind !== 'insert' && change.table === table ? [[keyId(change.key), change] as const] : [],
          ),
        ),
    );
    this.version = computed(() => {
      paged.version.value;
      this.#inserts.value;
      this.#changes.value;
      this.#versions += 1;
      return this.#versions;
    });
  }

  get count(): number {
    return this.#inserts.value.length + this.#paged.count;
  }

  /** New rows stand before the others. */
  get insertCount(): number {
    return this.#inserts.value.length;
  }

  source(index: number): RowSource | undefined {
    const insert = this.#inserts.value[index];
    if (insert !== undefined) return { kind: 'insert', insert };
    const row = this.#paged.row(index - this.#inserts.value.length);
    return row === undefined ? undefined : { kind: 'row', row };
  }

  row(index: number): GridRow | undefined {
    const source = this.source(index);
    if (source === undefined) return undefined;
    const from = source.kind === 'insert' ? source.insert : source.row;
    const key = source.kind === 'row' ? source.row.key : null;
    const change = key === null ? undefined : this.#changes.value.get(keyId(key));
    const built = this.#built.get(index);
    const number = this.#number(index);
    const changed = source.kind === 'row' ? this.#paged.changed.get(rowId(source.row)) : undefined;
    if (built?.from === from && built.change === change && built.changed === changed && built.row.number === number)
      return built.row;
    const row =
      source.kind === 'insert' ? this.#insertRow(source.insert) : { ...this.#row(source.row, change, number), changed };
    if (this.#built.size > 4000) this.#built = new Map();
    this.#built.set(index, { from, change, changed, row });
    return row;
  }

  need(first: number, last: number): void {
    const inserts = this.#inserts.value.length;
    this.#paged.need(Math.max(0, first - inserts), Math.max(0, last - inserts));
  }

  onShift(listener: (rows: number) => void): () => void {
    return this.#paged.onShift(listener);
  }

  #number(index: number): string {
    return `${this.#paged.isNumbered ? '' : '~'}${grouped(index - this.#inserts.value.length + 1)}`;
  }

  #insertRow(insert: StagedInsert): GridRow {
    const values = this.#columns.map(({ name }) => insert.set[name] ?? null);
    const edited = new Set(this.#columns.flatMap(({ name }, at) => (name in insert.set ? [at] : [])));
    const unset = new Set(this.#columns.flatMap((_, at) => (edited.has(at) ? [] : [at])));
    return { id: insert.id, values, number: 'new', state: 'added', edited, unset };
  }

  #row({ key, at, values }: StudioRow, change: StagedChange | undefined, number: string): GridRow {
    const id = key === null ? at : keyId(key);
    if (change === undefined) return { id, values, number };
    if (change.kind === 'delete') return { id, values, number, state: 'deleted' };
    const edited = new Set<number>();
    const shown = this.#columns.map(({ name }, index): StudioValue => {
      if (!(name in change.set)) return values[index] ?? null;
      edited.add(index);
      return change.set[name] ?? null;
    });
    return { id, values: shown, number, edited };
  }
}
