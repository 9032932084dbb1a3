// Copies selected cells, with whole values where the page has their beginnings alone.
import type { StudioValue } from '../../../messages/studio/values.ts';
import { isCut } from '../api/values.ts';
import { type CopiedCells, copyAs, copyPlain } from '../grid/clipboard.ts';
import type { ColumnLayout } from '../grid/columns.ts';
import { copyText } from '../grid/copy.ts';
import type { CopyFormat } from '../grid/copy-formats.ts';
import type { Rectangle } from '../grid/selection.ts';
import { counted } from '../ui/sizes.ts';
import { toast } from '../ui/Toast.tsx';
import { storedValue } from './edit-rows.ts';
import type { TableModel } from './use-table.ts';

/** Values over 2 KB that one copy reads one by one. */
const mostWhole = 50;

export async function copyCells(
  model: TableModel,
  layout: ColumnLayout,
  rectangle: Rectangle,
  /** `plain`: one cell alone is copied as it is. */
  format: CopyFormat | 'plain',
): Promise<void> {
  const columns = layout.placed.slice(rectangle.left, rectangle.right + 1);
  const rows: StudioValue[][] = [];
  let cut = 0;
  let missing = 0;
  for (let row = rectangle.top; row <= rectangle.bottom; row += 1) {
    const shown = model.rows.row(row);
    if (shown === undefined) {
      missing += 1;
      continue;
    }
    const values = [];
    for (const { index } of columns) {
      const value = shown.values[index] ?? null;
      if (isCut(value)) cut += 1;
      values.push(isCut(value) && cut <= mostWhole ? await storedValue(model, row, index) : value);
    }
    rows.push(values);
  }
  const cells: CopiedCells = { columns: columns.map(({ column }) => column.name), rows, table: model.object.name };
  await copyText(format === 'plain' ? copyPlain(cells) : copyAs(format, cells));
  toast({ text: copiedText(rows.length, columns.length, missing, Math.max(0, cut - mostWhole)) });
}

function copiedText(rows: number, columns: number, missing: number, cut: number): string {
  const what = rows === 1 && columns === 1 ? 'Copied the value.' : `Copied ${rows} x ${columns} cells.`;
  const left =
    missing > 0 ? ` ${counted(missing, 'row is', 'rows are')} not loaded: export the table for all of them.` : '';
  return `${what}${left}${cut > 0 ? ` ${counted(cut, 'long value is', 'long values are')} cut.` : ''}`;
}
