// The grid of a table: what its keys, clicks and menus do to rows, filters and staged edits.
import { useState } from 'preact/hooks';
import { errorText } from '../api/client.ts';
import { textOf } from '../api/values.ts';
import { type ColumnLayout, type GridColumn, narrowest, widest } from '../grid/columns.ts';
import type { CopyFormat } from '../grid/copy-formats.ts';
import { Grid, type GridProps, type GridTarget } from '../grid/Grid.tsx';
import { type Selection, selectAt } from '../grid/selection.ts';
import type { GridStart } from '../grid/use-grid-view.ts';
import type { BindingId } from '../keys.ts';
import { isPhone } from '../layout.ts';
import { lazy } from '../ui/lazy.tsx';
import { type MenuItem, MenuList } from '../ui/Menu.tsx';
import { toastError } from '../ui/Toast.tsx';
import { readOnlyReason } from './access.ts';
import { chooseColumn } from './column-choices.ts';
import { addRow, deleteRows, duplicateRow, setCells } from './edit-rows.ts';
import { applyQuery } from './show-query.ts';
import { type Chip, cycleSort } from './table-query.ts';
import { useCellEditing } from './use-cell-editing.ts';
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

/** Loaded when something is pasted. */
const pasteCells = async (...args: Parameters<typeof import('./paste-cells.ts').pasteCells>) =>
  (await import('./paste-cells.ts')).pasteCells(...args);

/** A row of 30 or, for fingers, 44 pixels: as --row in tokens.css. */
const rowPx = () => (isPhone.value ? 44 : 30);

export function TableGrid(props: Props) {
  const { model, layout, numberWidth, selection, startAt, onScrolled, onSelect, onFilter, onPanel, onClosePanel } =
    props;
  const { db, object, rows, query } = model;
  const [menu, setMenu] = useState<OpenMenu | null>(null);
  const canWrite = readOnlyReason(object) === null;
  const cell = useCellEditing({ model, layout, canWrite, onSelect });

  const sortBy = (name: string, isAdded = false) =>
    applyQuery({ ...query, sort: cycleSort(query.sort, name, isAdded) });
  const filterBy = (name: string) => onFilter({ column: name, operator: '=', text: '' });

  function openCell({ place, column }: GridTarget): boolean {
    if (column === undefined) onPanel();
    else cell.open(place);
    return true;
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
        editing={cell.editing}
        editText={textOf}
        onEditEnd={cell.end}
        onCopy={({ rectangle }) => write(copyCells(model, layout, rectangle, 'plain'))}
        {...(canWrite && {
          onPaste: (text: string, { place }: GridTarget) => write(pasteCells(model, layout, place, text)),
        })}
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
      {cell.whole !== null && <ValueDialog model={model} {...cell.whole} onClose={cell.closeWhole} />}
    </>
  );
}
