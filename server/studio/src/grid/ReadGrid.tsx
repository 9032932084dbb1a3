// A grid to look at and to copy from, over any rows: results of statements, shared tables.
import { useMemo, useState } from 'preact/hooks';
import type { StudioValue } from '../../../messages/studio/values.ts';
import { isCut } from '../api/values.ts';
import { copyFormats } from '../grid/copy-formats.ts';
import { isPhone } from '../layout.ts';
import { type MenuItem, MenuList } from '../ui/Menu.tsx';
import { toast, toastError } from '../ui/Toast.tsx';
import { copyAs, copyPlain } from './clipboard.ts';
import { type ColumnChoice, guessWidth, layOut } from './columns.ts';
import { copyText } from './copy.ts';
import { Grid, type GridTarget } from './Grid.tsx';
import type { GridRows } from './rows.ts';
import { type Selection, start } from './selection.ts';
import { ValueCard } from './ValueCard.tsx';

const letterPx = 9;
/** Letters of a phone are larger by so much (tokens.css). */
const phoneLetters = 1.12;

interface Props {
  readonly label: string;
  readonly columns: readonly string[];
  readonly rows: GridRows;
  /** The first rows, by which the widths are guessed. */
  readonly sample: readonly (readonly StudioValue[])[];
}

export function ReadGrid({ label, columns: names, rows, sample }: Props) {
  const [selection, setSelection] = useState<Selection>(start);
  const [choices, setChoices] = useState<Readonly<Record<string, ColumnChoice>>>({});
  const [menu, setMenu] = useState<{ readonly at: DOMRect; readonly items: readonly MenuItem[] } | null>(null);
  const [open, setOpen] = useState<{ readonly row: number; readonly column: number } | null>(null);
  const columns = useMemo(() => names.map((name) => ({ name, type: '' })), [names]);
  const scale = isPhone.value ? phoneLetters : 1;
  const widths = useMemo(
    () => columns.map((column, at) => Math.round(guessWidth(column, at, sample) * scale)),
    [columns, sample, scale],
  );
  const numberWidth = Math.max(44, String(rows.count).length * letterPx + 22);
  const layout = layOut(columns, widths, choices, numberWidth);

  const cellsOf = ({ rectangle }: GridTarget) => {
    const chosen = layout.placed.slice(rectangle.left, rectangle.right + 1);
    return {
      columns: chosen.map(({ column }) => column.name),
      rows: Array.from({ length: rectangle.bottom - rectangle.top + 1 }, (_, at) =>
        rows.row(rectangle.top + at),
      ).flatMap((row) => (row === undefined ? [] : [chosen.map(({ index }) => row.values[index] ?? null)])),
    };
  };
  const copy = (target: GridTarget, write: typeof copyPlain) => {
    const cells = cellsOf(target);
    const cut = cells.rows.flat().filter(isCut).length;
    const more = cut > 0 ? ` ${cut} long values are cut.` : '';
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
        empty={<p class="grid-empty">No rows.</p>}
      />
      {menu !== null && (
        <MenuList id="result-menu" label="Copy as" items={menu.items} at={menu.at} onClose={() => setMenu(null)} />
      )}
      {open !== null && (
        <ValueCard
          name={names[open.column] ?? ''}
          value={rows.row(open.row)?.values[open.column] ?? null}
          onClose={() => setOpen(null)}
        />
      )}
    </>
  );
}
