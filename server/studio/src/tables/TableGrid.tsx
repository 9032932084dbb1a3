// The grid of a table: what its keys, clicks and menus do to rows, filters and staged edits.
import { useState } from 'preact/hooks';
import type { StudioValue } from '../../../messages/studio.ts';
import { errorText } from '../api/client.ts';
import { isCut, kindOf, textOf, valueOfText } from '../api/values.ts';
import type { EditEnd } from '../grid/CellEditor.tsx';
import { copyFormats, copyPlain, parsePasted } from '../grid/clipboard.ts';
import { type ColumnLayout, type GridColumn, narrowest, widest } from '../grid/columns.ts';
import { Grid, type GridProps, type GridTarget } from '../grid/Grid.tsx';
import { type Place, type Selection, selectAt } from '../grid/selection.ts';
import { keyText } from '../keys.ts';
import { isPhone } from '../layout.ts';
import { type MenuItem, MenuList } from '../ui/Menu.tsx';
import { toastError } from '../ui/Toast.tsx';
import { readOnlyReason } from './access.ts';
import { chooseColumn } from './column-choices.ts';
import { copyCells } from './copy-cells.ts';
import { addRow, deleteRows, duplicateRow, editCell, setCells } from './edit-rows.ts';
import { applyQuery } from './show-query.ts';
import { type Chip, cycleSort } from './table-query.ts';
import type { TableModel } from './use-table.ts';
import { ValueDialog } from './ValueDialog.tsx';

interface Props {
  readonly model: TableModel;
  readonly columns: readonly GridColumn[];
  readonly layout: ColumnLayout;
  readonly numberWidth: number;
  readonly selection: Selection;
  readonly onSelect: (selection: Selection) => void;
  readonly onFilter: (draft: Chip) => void;
  readonly onPanel: () => void;
}

interface OpenMenu {
  readonly label: string;
  readonly items: readonly MenuItem[];
  readonly at: DOMRect;
}

/** A row of 30 or, for fingers, 44 pixels: as --row in tokens.css. */
const rowPx = () => (isPhone.value ? 44 : 30);

export function TableGrid({ model, layout, numberWidth, selection, onSelect, onFilter, onPanel }: Props) {
  const { db, object, rows, query } = model;
  const [editing, setEditing] = useState<Place | null>(null);
  const [menu, setMenu] = useState<OpenMenu | null>(null);
  const [whole, setWhole] = useState<{ row: number; column: number; text?: string } | null>(null);
  const canWrite = readOnlyReason(object) === null;
  const valueAt = (row: number, column: number): StudioValue => rows.row(row)?.values[column] ?? null;

  const sortBy = (name: string, isAdded = false) =>
    applyQuery({ ...query, sort: cycleSort(query.sort, name, isAdded) });
  const filterBy = (name: string) => onFilter({ column: name, operator: '=', text: '' });
  const filterTo = (name: string, value: StudioValue, operator: '=' | '!=') =>
    applyQuery({
      ...query,
      chips: [
        ...query.chips,
        value === null
          ? { column: name, operator: operator === '=' ? 'null' : 'not null', text: '' }
          : { column: name, operator, text: textOf(value) },
      ],
    });

  function openCell({ place, column }: GridTarget, text?: string): boolean {
    if (column === undefined) {
      onPanel();
      return true;
    }
    if (rows.row(place.row) === undefined) return true;
    const value = valueAt(place.row, column.index);
    const isInline = canWrite && !column.column.isGenerated && isShort(value) && text === undefined;
    if (isInline && rows.row(place.row)?.state !== 'deleted') setEditing(place);
    else setWhole({ row: place.row, column: column.index, ...(text !== undefined && { text }) });
    return true;
  }

  function endEdit(end: EditEnd, text: string): void {
    const place = editing;
    setEditing(null);
    const placed = place === null ? undefined : layout.placed[place.column];
    if (place === null || placed === undefined) return;
    const before = valueAt(place.row, placed.index);
    if (end === 'large') {
      setWhole({ row: place.row, column: placed.index, text });
      return;
    }
    const isChanged = end !== 'cancel' && text !== textOf(before);
    if (isChanged) {
      const value = valueOfText(text, placed.column.type, before);
      void editCell(model, place.row, placed.index, value).catch((error) => toastError(errorText(error)));
    }
    if (end === 'down') onSelect(selectAt({ ...place, row: Math.min(rows.count - 1, place.row + 1) }));
    const step = end === 'next' ? 1 : end === 'previous' ? -1 : 0;
    const next = { ...place, column: place.column + step };
    const target = layout.placed[next.column];
    if (step === 0 || target === undefined) return;
    onSelect(selectAt(next));
    if (!target.column.isGenerated && isShort(valueAt(next.row, target.index))) setEditing(next);
  }

  const write = (work: Promise<void>) => void work.catch((error) => toastError(errorText(error)));

  const onAction: GridProps['onAction'] = (action, target) => {
    const { place, column, rectangle, at } = target;
    const name = column?.column.name;
    const isHead = place.row === -1;
    if (action === 'row-panel' && !isHead) onPanel();
    else if (action === 'head' || (isHead && (action === 'cell-edit' || action === 'row-panel'))) {
      if (name === undefined) return false;
      sortBy(name);
    } else if (action === 'open' || action === 'cell-edit') return openCell(target);
    else if (action === 'sort' && name !== undefined) sortBy(name);
    else if (action === 'filter' && name !== undefined) filterBy(name);
    else if (action === 'column-menu' && column !== undefined) {
      setMenu({ label: `Actions of ${name}`, items: columnItems(target), at });
    } else if (action === 'cell-menu') setMenu({ label: 'Actions of the cell', items: cellItems(target), at });
    else if (action === 'copy-as') setMenu({ label: 'Copy as', items: copyItems(target), at });
    else if (action === 'select-all') {
      onSelect({ cursor: { row: rows.count - 1, column: layout.placed.length - 1 }, anchor: { row: 0, column: 0 } });
    } else if (!canWrite) return false;
    else if (action === 'cell-null') write(setCells(model, layout, rectangle, null));
    else if (action === 'cell-clear') write(setCells(model, layout, rectangle, ''));
    else if (action === 'row-add') {
      addRow(model);
      onSelect(selectAt({ row: 0, column: 0 }));
    } else if (action === 'row-duplicate') duplicateRow(model, place.row);
    else if (action === 'row-delete') deleteRows(model, rectangle);
    else return false;
    return true;
  };

  function columnItems({ column }: GridTarget): MenuItem[] {
    if (column === undefined) return [];
    const { name } = column.column;
    const sortTo = (isDescending: boolean) => applyQuery({ ...query, sort: [{ column: name, isDescending }] });
    return [
      { label: 'Sort ascending', icon: 'arrowUp', run: () => sortTo(false) },
      { label: 'Sort descending', icon: 'arrowDown', run: () => sortTo(true) },
      ...(query.sort.length > 0 && !query.sort.some((key) => key.column === name)
        ? [{ label: 'Sort by this as well', icon: 'plus' as const, run: () => sortBy(name, true) }]
        : []),
      { label: 'Filter ...', icon: 'filter', note: keyText('filter'), startsGroup: true, run: () => filterBy(name) },
      {
        label: column.isPinned ? 'Unpin' : 'Pin to the left',
        icon: 'pin',
        startsGroup: true,
        run: () => chooseColumn(db, object.name, name, { isPinned: !column.isPinned }),
      },
      { label: 'Hide', icon: 'eye', run: () => chooseColumn(db, object.name, name, { isHidden: true }) },
    ];
  }

  function copyItems(target: GridTarget): MenuItem[] {
    return copyFormats.map(({ id, label }) => ({
      label,
      run: () => write(copyCells(model, layout, target.rectangle, id)),
    }));
  }

  function cellItems(target: GridTarget): MenuItem[] {
    const { place, column, rectangle } = target;
    const name = column?.column.name;
    const value = column === undefined ? null : valueAt(place.row, column.index);
    const canFilter = name !== undefined && !isCut(value) && !['blob', 'bad text'].includes(kindOf(value));
    const items: MenuItem[] = [
      { label: 'Show the whole row', icon: 'rowPanel', note: keyText('row-panel'), run: onPanel },
      ...(canFilter
        ? [
            { label: 'Only rows with this value', icon: 'filter' as const, run: () => filterTo(name, value, '=') },
            { label: 'Only rows without it', icon: 'filter' as const, run: () => filterTo(name, value, '!=') },
          ]
        : []),
      {
        label: 'Copy',
        icon: 'copy',
        note: keyText('copy'),
        startsGroup: true,
        run: () => write(copyCells(model, layout, rectangle, copyPlain)),
      },
      { label: 'Copy as ...', note: keyText('copy-as'), run: () => setTimeout(() => onAction('copy-as', target)) },
    ];
    if (!canWrite) return items;
    return [
      ...items,
      { label: 'Edit', icon: 'edit', note: keyText('cell-edit'), startsGroup: true, run: () => void openCell(target) },
      { label: 'Set to NULL', note: keyText('cell-null'), run: () => void onAction('cell-null', target) },
      {
        label: 'Duplicate the row',
        icon: 'copy',
        note: keyText('row-duplicate'),
        run: () => void onAction('row-duplicate', target),
      },
      {
        label: 'Delete the selected rows',
        icon: 'trash',
        note: keyText('row-delete'),
        isDangerous: true,
        run: () => void onAction('row-delete', target),
      },
    ];
  }

  async function paste(text: string, { place }: GridTarget): Promise<void> {
    const cells = parsePasted(text);
    for (const [down, line] of cells.entries()) {
      for (const [right, cell] of line.entries()) {
        const placed = layout.placed[place.column + right];
        const row = place.row + down;
        if (placed === undefined || placed.column.isGenerated || rows.row(row) === undefined) continue;
        const before = valueAt(row, placed.index);
        await editCell(model, row, placed.index, valueOfText(cell, placed.column.type, before));
      }
    }
  }

  return (
    <>
      <Grid
        label={`Rows of ${object.name}`}
        layout={layout}
        rows={rows}
        rowPx={rowPx()}
        numberWidth={numberWidth}
        selection={selection}
        onSelect={onSelect}
        onAction={onAction}
        onResize={({ column }, width) =>
          chooseColumn(db, object.name, column.name, {
            ...(width > 0 && { width: Math.max(narrowest, Math.min(widest, Math.round(width))) }),
          })
        }
        editing={editing}
        editText={textOf}
        onEditEnd={endEdit}
        onCopy={({ rectangle }) => write(copyCells(model, layout, rectangle, copyPlain))}
        {...(canWrite && { onPaste: (text: string, target: GridTarget) => write(paste(text, target)) })}
        empty={<p class="grid-empty">{model.paged.hasAnswer ? 'No rows.' : ''}</p>}
      />
      {menu !== null && (
        <MenuList
          {...menu}
          onClose={(returnFocus) => {
            setMenu(null);
            if (returnFocus) document.querySelector<HTMLElement>('.grid [tabindex="0"]')?.focus();
          }}
        />
      )}
      {whole !== null && <ValueDialog model={model} {...whole} onClose={() => setWhole(null)} />}
    </>
  );
}

const longestInline = 200;

/** It fits into the field of a cell: one line of plain text or a number. */
function isShort(value: StudioValue): boolean {
  const kind = kindOf(value);
  if (isCut(value) || kind === 'blob' || kind === 'bad text') return false;
  const text = textOf(value);
  return text.length <= longestInline && !/[\r\n\0]/.test(text);
}
