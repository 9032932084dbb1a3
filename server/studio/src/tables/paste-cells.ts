// Puts pasted cells into a table, from a cell on to the right and down.
import { valueOfText } from '../api/values.ts';
import { parsePasted } from '../grid/clipboard.ts';
import type { ColumnLayout } from '../grid/columns.ts';
import type { Place } from '../grid/selection.ts';
import { editCell } from './edit-rows.ts';
import type { TableModel } from './use-table.ts';

export async function pasteCells(model: TableModel, layout: ColumnLayout, place: Place, text: string): Promise<void> {
  for (const [down, line] of parsePasted(text).entries()) {
    for (const [right, cell] of line.entries()) {
      const placed = layout.placed[place.column + right];
      const number = place.row + down;
      const row = model.rows.row(number);
      if (placed === undefined || placed.column.isGenerated || row === undefined) continue;
      const before = row.values[placed.index] ?? null;
      await editCell(model, number, placed.index, valueOfText(cell, placed.column.type, before));
    }
  }
}
