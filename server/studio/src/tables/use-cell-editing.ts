// How a cell of a table is edited: in its place while it is short, else in a window of its own.
import { useState } from 'preact/hooks';
import type { StudioValue } from '../../../messages/studio/values.ts';
import { errorText } from '../api/client.ts';
import { isCut, kindOf, textOf, valueOfText } from '../api/values.ts';
import type { EditEnd } from '../grid/CellEditor.tsx';
import type { ColumnLayout } from '../grid/columns.ts';
import { type Place, type Selection, selectAt } from '../grid/selection.ts';
import { toastError } from '../ui/Toast.tsx';
import { editCell } from './edit-rows.ts';
import type { TableModel } from './use-table.ts';

/** A cell in a window. `column`: as the table counts them. */
export interface WholeCell {
  readonly row: number;
  readonly column: number;
  /** Typed so far. */
  readonly text?: string;
}

export interface CellEditing {
  /** The cell that is edited in its place. */
  readonly editing: Place | null;
  readonly whole: WholeCell | null;
  readonly open: (place: Place) => void;
  readonly end: (end: EditEnd, text: string) => void;
  readonly closeWhole: () => void;
}

interface CellEditingParts {
  readonly model: TableModel;
  readonly layout: ColumnLayout;
  readonly canWrite: boolean;
  readonly onSelect: (selection: Selection) => void;
}

const longestInline = 200;

export function useCellEditing({ model, layout, canWrite, onSelect }: CellEditingParts): CellEditing {
  const { rows } = model;
  const [editing, setEditing] = useState<Place | null>(null);
  const [whole, setWhole] = useState<WholeCell | null>(null);
  const valueAt = (row: number, column: number): StudioValue => rows.row(row)?.values[column] ?? null;

  function open(place: Place): void {
    const placed = layout.placed[place.column];
    const row = rows.row(place.row);
    if (placed === undefined || row === undefined) return;
    const isInline = canWrite && !placed.column.isGenerated && isShort(valueAt(place.row, placed.index));
    if (isInline && row.state !== 'deleted') setEditing(place);
    else setWhole({ row: place.row, column: placed.index });
  }

  function end(how: EditEnd, text: string): void {
    const place = editing;
    setEditing(null);
    const placed = place === null ? undefined : layout.placed[place.column];
    if (place === null || placed === undefined) return;
    const before = valueAt(place.row, placed.index);
    if (how === 'large') {
      setWhole({ row: place.row, column: placed.index, text });
      return;
    }
    const isChanged = how !== 'cancel' && text !== textOf(before);
    if (isChanged) {
      const value = valueOfText(text, placed.column.type, before);
      void editCell(model, place.row, placed.index, value).catch((error) => toastError(errorText(error)));
    }
    if (how === 'down') onSelect(selectAt({ ...place, row: Math.min(rows.count - 1, place.row + 1) }));
    const step = how === 'next' ? 1 : how === 'previous' ? -1 : 0;
    const next = { ...place, column: place.column + step };
    const target = layout.placed[next.column];
    if (step === 0 || target === undefined) return;
    onSelect(selectAt(next));
    if (!target.column.isGenerated && isShort(valueAt(next.row, target.index))) setEditing(next);
  }

  return { editing, whole, open, end, closeWhole: () => setWhole(null) };
}

/** It fits into the field of a cell: one line of plain text or a number. */
function isShort(value: StudioValue): boolean {
  const kind = kindOf(value);
  if (isCut(value) || kind === 'blob' || kind === 'bad text') return false;
  const text = textOf(value);
  return text.length <= longestInline && !/[\r\n\0]/.test(text);
}
