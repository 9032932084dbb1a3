// The rows of one result in the grid: to look at and to copy.
import { signal } from '@preact/signals';
import { useMemo, useState } from 'preact/hooks';
import type { StudioResult } from '../../../messages/studio.ts';
import { isCut } from '../api/values.ts';
import { copyAs, copyPlain } from '../grid/clipboard.ts';
import { type ColumnChoice, guessWidth, layOut } from '../grid/columns.ts';
import { copyText } from '../grid/copy.ts';
import { copyFormats } from '../grid/copy-formats.ts';
import { Grid, type GridTarget } from '../grid/Grid.tsx';
import { LoadedRows } from '../grid/rows.ts';
import { type Selection, start } from '../grid/selection.ts';
import { isPhone } from '../layout.ts';
import { type MenuItem, MenuList } from '../ui/Menu.tsx';
import { toast, toastError } from '../ui/Toast.tsx';
import { ValueCard } from './ValueCard.tsx';

const unchanging = signal(0);
const letterPx = 9;

export function ResultGrid({ result, label }: { readonly result: StudioResult; readonly label: string }) {
  const [selection, setSelection] = useState<Selection>(start);
  const [choices, setChoices] = useState<Readonly<Record<string, ColumnChoice>>>({});
  const [menu, setMenu] = useState<{ readonly at: DOMRect; readonly items: readonly MenuItem[] } | null>(null);
  const [open, setOpen] = useState<{ readonly row: number; readonly column: number } | null>(null);
  const rows = useMemo(() => new LoadedRows(result.rows, unchanging), [result]);
  // Two columns of one name are two columns: choices go by name and place.
  const columns = useMemo(() => result.columns.map((name) => ({ name, type: '' })), [result]);
  const widths = useMemo(() => columns.map((column, at) => guessWidth(column, at, result.rows)), [result]);
  const numberWidth = Math.max(44, String(result.rows.length).length * letterPx + 22);
  const layout = layOut(columns, widths, choices, numberWidth);

  const cellsOf = ({ rectangle }: GridTarget) => {
    const chosen = layout.placed.slice(rectangle.left, rectangle.right + 1);
    return {
      columns: chosen.map(({ column }) => column.name),
      rows: result.rows
        .slice(rectangle.top, rectangle.bottom + 1)
        .map((row) => chosen.map(({ index }) => row[index] ?? null)),
    };
  };
  const copy = (target: GridTarget, write: typeof copyPlain) => {
    const cells = cellsOf(target);
    const cut = cells.rows.flat().filter(isCut).length;
    const more = cut > 0 ? ` ${cut} long values are cut: export the query for all of them.` : '';
    copyText(write(cells)).then(
      () => toast({ text: `Copied ${cells.rows.length} x ${cells.columns.length} cells.${more}` }),
      (error: unknown) => toastError(error instanceof Error ? error.message : String(error)),
    );
  };

  return (
    <>
      <Grid
        label={label}
        layout={layout}
        rows={rows}
        rowPx={isPhone.value ? 44 : 30}
        numberWidth={numberWidth}
        selection={selection}
        onSelect={setSelection}
        editing={null}
        onResize={({ column }, width) => setChoices({ ...choices, [column.name]: { width } })}
        onCopy={(target) => copy(target, copyPlain)}
        onAction={(action, target) => {
          if (action === 'copy-as') {
            setMenu({
              at: target.at,
              items: copyFormats.map(({ id, label: name }) => ({
                label: name,
                run: () => copy(target, (cells) => copyAs(id, cells)),
              })),
            });
            return true;
          }
          if (action !== 'open' && action !== 'cell-edit' && action !== 'row-panel') return false;
          if (target.place.row >= 0) setOpen({ row: target.place.row, column: target.column?.index ?? 0 });
          return true;
        }}
        empty={<p class="muted">No rows.</p>}
      />
      {menu !== null && (
        <MenuList id="result-menu" label="Copy as" items={menu.items} at={menu.at} onClose={() => setMenu(null)} />
      )}
      {open !== null && (
        <ValueCard
          name={result.columns[open.column] ?? ''}
          value={result.rows[open.row]?.[open.column] ?? null}
          onClose={() => setOpen(null)}
        />
      )}
    </>
  );
}
