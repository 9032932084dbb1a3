// What the grid shows: rows by number, whether they are in memory or come page by page.
import type { ReadonlySignal } from '@preact/signals';
import type { StudioValue } from '../../../messages/studio/values.ts';

export interface GridRow {
  /** The same as long as it is the same row. */
  readonly id: string;
  readonly values: readonly StudioValue[];
  /** The row's number as shown; `~` stands before one that is about right. */
  readonly number: string;
  readonly state?: 'added' | 'deleted' | undefined;
  /** Columns, by place, whose values are staged. */
  readonly edited?: ReadonlySet<number> | undefined;
  /** Columns, by place, of a new row that get their default. */
  readonly unset?: ReadonlySet<number> | undefined;
  /** Columns, by place, that somebody changed a moment ago. */
  readonly changed?: ReadonlySet<number> | undefined;
}

export interface GridRows {
  /** Changes with everything below. */
  readonly version: ReadonlySignal<number>;
  /** Known or estimated. */
  readonly count: number;
  /** Undefined: not loaded. */
  row(index: number): GridRow | undefined;
  /** The rows that are on the screen, the last one included. */
  need(first: number, last: number): void;
  /** Rows got other numbers: the grid moves by so many. Returns what ends it. */
  onShift?(listener: (rows: number) => void): () => void;
}

/** Rows that are all in memory, e.g. the result of a statement. */
export class LoadedRows implements GridRows {
  readonly version: ReadonlySignal<number>;
  readonly #values: readonly (readonly StudioValue[])[];
  readonly #made = new Map<number, GridRow>();

  /** `version` may stay the same for ever: new rows are a new object. */
  constructor(values: readonly (readonly StudioValue[])[], version: ReadonlySignal<number>) {
    this.#values = values;
    this.version = version;
  }

  get count(): number {
    return this.#values.length;
  }

  row(index: number): GridRow | undefined {
    const made = this.#made.get(index);
    if (made !== undefined) return made;
    const values = this.#values[index];
    if (values === undefined) return undefined;
    const row = { id: String(index), values, number: String(index + 1) };
    this.#made.set(index, row);
    return row;
  }

  need(): void {}
}
