// The menus of the grid: of a column, of a cell, and the formats of a copy. Loaded when the first one opens.
import type { StudioValue } from '../../../messages/studio/values.ts';
import { type CopyFormat, copyFormats } from '../grid/copy-formats.ts';
import type { GridTarget } from '../grid/Grid.tsx';
import { type BindingId, keyText } from '../keys.ts';
import type { MenuItem } from '../ui/Menu.tsx';
import { chooseColumn } from './column-choices.ts';
import { chipFor, facetsOf } from './facets.ts';
import { applyQuery } from './show-query.ts';
import { type Chip, cycleSort } from './table-query.ts';
import type { TableModel } from './use-table.ts';

export interface MenuActions {
  readonly target: GridTarget;
  readonly model: TableModel;
  readonly canWrite: boolean;
  readonly filterBy: (column: string) => void;
  readonly showRow: () => void;
  readonly editCell: () => void;
  readonly copy: (format: CopyFormat | 'plain') => void;
  /** What a key does. */
  readonly act: (action: BindingId) => void;
}

export function columnItems({ target: { column }, model: { db, object, query }, filterBy }: MenuActions): MenuItem[] {
  if (column === undefined) return [];
  const { name } = column.column;
  const sortTo = (isDescending: boolean) => applyQuery({ ...query, sort: [{ column: name, isDescending }] });
  const isSortedByOthers = query.sort.length > 0 && !query.sort.some((key) => key.column === name);
  const addSort: MenuItem = {
    label: 'Sort by this as well',
    icon: 'plus',
    run: () => applyQuery({ ...query, sort: cycleSort(query.sort, name, true) }),
  };
  return [
    { label: 'Sort ascending', icon: 'arrowUp', run: () => sortTo(false) },
    { label: 'Sort descending', icon: 'arrowDown', run: () => sortTo(true) },
    ...(isSortedByOthers ? [addSort] : []),
    { label: 'Filter ...', icon: 'filter', note: keyText('filter'), startsGroup: true, run: () => filterBy(name) },
    {
      label: 'Values ...',
      icon: 'chart',
      run: () => {
        facetsOf.value = name;
      },
    },
    {
      label: column.isPinned ? 'Unpin' : 'Pin to the left',
      icon: 'pin',
      startsGroup: true,
      run: () => chooseColumn(db, object.name, name, { isPinned: !column.isPinned }),
    },
    { label: 'Hide', icon: 'eye', run: () => chooseColumn(db, object.name, name, { isHidden: true }) },
  ];
}

export function copyItems({ copy }: MenuActions): MenuItem[] {
  return copyFormats.map(({ id, label }) => ({ label, run: () => copy(id) }));
}

export function cellItems(actions: MenuActions): MenuItem[] {
  const { showRow, copy, act, canWrite, editCell } = actions;
  const items: MenuItem[] = [
    { label: 'Show the whole row', icon: 'rowPanel', note: keyText('row-panel'), run: showRow },
    ...valueFilters(actions),
    { label: 'Copy', icon: 'copy', note: keyText('copy'), startsGroup: true, run: () => copy('plain') },
    { label: 'Copy as ...', note: keyText('copy-as'), run: () => act('copy-as') },
  ];
  if (!canWrite) return items;
  return [
    ...items,
    { label: 'Edit', icon: 'edit', note: keyText('cell-edit'), startsGroup: true, run: editCell },
    { label: 'Set to NULL', note: keyText('cell-null'), run: () => act('cell-null') },
    { label: 'Duplicate the row', icon: 'copy', note: keyText('row-duplicate'), run: () => act('row-duplicate') },
    {
      label: 'Delete the selected rows',
      icon: 'trash',
      note: keyText('row-delete'),
      isDangerous: true,
      run: () => act('row-delete'),
    },
  ];
}

function valueFilters({ target: { place, column }, model }: MenuActions): MenuItem[] {
  if (column === undefined) return [];
  const value: StudioValue = model.rows.row(place.row)?.values[column.index] ?? null;
  const [same, other] = [true, false].map((isEqual) => chipFor(column.column.name, value, isEqual));
  if (!same || !other) return [];
  const add = (chip: Chip) => applyQuery({ ...model.query, chips: [...model.query.chips, chip] });
  return [
    { label: 'Only rows with this value', icon: 'filter', run: () => add(same) },
    { label: 'Only rows without it', icon: 'filter', run: () => add(other) },
  ];
}
