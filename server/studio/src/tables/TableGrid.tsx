// The grid of a table: what its keys, clicks and menus do to rows, filters and staged edits.
import { useState } from 'preact/hooks';
import type { StudioValue } from '../../../messages/studio/values.ts';
import { errorText } from '../api/client.ts';
import { isCut, kindOf, textOf, valueOfText } from '../api/values.ts';
import type { EditEnd } from '../grid/CellEditor.tsx';
import { type ColumnLayout, type GridColumn, narrowest, widest } from '../grid/columns.ts';
import type { CopyFormat } from '../grid/copy-formats.ts';
import { Grid, type GridProps, type GridStart, type GridTarget } from '../grid/Grid.tsx';
import { type Place, type Selection, selectAt } from '../grid/selection.ts';
import type { BindingId } from '../keys.ts';
import { isPhone } from '../layout.ts';
import { lazy } from '../ui/lazy.tsx';
import { type MenuItem, MenuList } from '../ui/Menu.tsx';
import { toastError } from '../ui/Toast.tsx';
import { readOnlyReason } from './access.ts';
import { chooseColumn } from './column-choices.ts';
import { addRow, deleteRows, duplicateRow, editCell, setCells } from './edit-rows.ts';
import { applyQuery } from './show-query.ts';
import { type Chip, cycleSort } from './table-query.ts';
import type { TableModel } from './use-table.ts';

interface Props {
  readonly model: TableModel;
  readonly columns: readonly GridColumn[];
  readonly layout: ColumnLayout;
  readonly numberWidth: number;
  readonly selection: Selection;
  readonly startAt: GridStart | undefined;
  readonly onScrolled: (now: GridStart) => void;
  readonly onSelect: (selection: Selection) => void;
  readonly onFilter: (draft: Chip) => void;
  readonly onPanel: () => void;
  /** False: no panel is open. */
  readonly onClosePanel: () => boolean;
}

interface OpenMenu {
  readonly label: string;
  readonly items: readonly MenuItem[];
  readonly at: DOMRect;
}

const ValueDialog = lazy(() => import('./ValueDialog.tsx').then((module) => module.ValueDialog));

/** Loaded when something is copied. */
const copyCells = async (...args: Parameters<typeof import('./copy-cells.ts').copyCells>) =>
  (await import('./copy-cells.ts')).copyCells(...args);

/** A row of 30 or, for fingers, 44 pixels: as --row in tokens.css. */
const rowPx = () => (isPhone.value ? 44 : 30);

export function TableGrid(props: Props) {
  const { model, layout, numberWidth, selection, startAt, onScrolled, onSelect, onFilter, onPanel, onClosePanel } =
    props;
  const { db, object, rows, query } = model;
  const [editing, setEditing] = useState<Place | null>(null);
  const [menu, setMenu] = useState<OpenMenu | null>(null);
  const [whole, setWhole] = useState<{ row: number; column: number; text?: string } | null>(null);
  const canWrite = readOnlyReason(object) === null;
  const valueAt = (row: number, column: number): StudioValue => rows.row(row)?.values[column] ?? null;

  const sortBy = (name: string, isAdded = false) =>
    applyQuery({ ...query, sort: cycleSort(query.sort, name, isAdded) });
  const filterBy = (name: string) => onFilter({ column: name, operator: '=', text: '' });

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
    const { place, column, rectangle } = target;
    const name = column?.column.name;
    const isHead = place.row === -1;
    if (action === 'panel-close') return onClosePanel();
    if (action === 'row-panel' && !isHead) onPanel();
    else if (action === 'head' || (isHead && (action === 'cell-edit' || action === 'row-panel'))) {
      if (name === undefined) return false;
      sortBy(name);
    } else if (action === 'open' || action === 'cell-edit') return openCell(target);
    else if (action === 'sort' && name !== undefined) sortBy(name);
    else if (action === 'filter' && name !== undefined) filterBy(name);
    else if (action === 'column-menu' && column !== undefined) openMenu('columnItems', `Actions of ${name}`, target);
    else if (action === 'cell-menu') openMenu('cellItems', 'Actions of the cell', target);
    else if (action === 'copy-as') openMenu('copyItems', 'Copy as', target);
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

  function openMenu(kind: 'columnItems' | 'cellItems' | 'copyItems', label: string, target: GridTarget): void {
    const actions = {
      target,
      model,
      canWrite,
      filterBy,
      showRow: onPanel,
      editCell: () => void openCell(target),
      copy: (format: CopyFormat | 'plain') => write(copyCells(model, layout, target.rectangle, format)),
      act: (action: BindingId) => void onAction(action, target),
    };
    void import('./grid-menus.ts').then((menus) => setMenu({ label, items: menus[kind](actions), at: target.at }));
  }

  async function paste(text: string, { place }: GridTarget): Promise<void> {
    const { parsePasted } = await import('../grid/clipboard.ts');
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
        {...(startAt !== undefined && { startAt })}
        onScrolled={onScrolled}
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
        onCopy={({ rectangle }) => write(copyCells(model, layout, rectangle, 'plain'))}
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
