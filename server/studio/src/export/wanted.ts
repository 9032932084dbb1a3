// Which export or import is asked for. Apart from the dialogs, whose code is loaded when the first one opens.
import { signal } from '@preact/signals';
import type { StudioCount, StudioSelection } from '../../../messages/studio/rows.ts';
import type { StudioObject } from '../../../messages/studio/schema.ts';
import type { Parameters } from '../sql/runner.ts';

export type ExportWanted =
  | {
      readonly kind: 'table';
      readonly db: string;
      readonly object: StudioObject;
      /** With the filters and the order that are shown. */
      readonly selection: StudioSelection;
      readonly count: StudioCount | null;
      /** Columns that the grid does not show. */
      readonly hidden: readonly string[];
    }
  | { readonly kind: 'query'; readonly db: string; readonly sql: string; readonly parameters: Parameters }
  | { readonly kind: 'file'; readonly db: string; readonly bytes: number };

export const exportWanted = signal<ExportWanted | null>(null);

/** Counts the imports: a table that is shown has other rows then. */
export const imports = signal(0);

/** `table`: the one that gets the rows, to begin with; null: a new one. */
export const importWanted = signal<{ readonly db: string; readonly table: string | null } | null>(null);
