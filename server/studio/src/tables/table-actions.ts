// What the menu of a table offers beyond its structure. A row here is a function of the table.
import { exportWanted, importWanted } from '../export/wanted.ts';
import { canEdit } from '../session.ts';
import type { MenuItem } from '../ui/Menu.tsx';
import { choicesOf } from './column-choices.ts';
import type { TableModel } from './use-table.ts';

export const tableActions: readonly ((model: TableModel) => readonly MenuItem[])[] = [exportItems, importItems];

function exportItems({ db, object, selection, count }: TableModel): MenuItem[] {
  const run = () => {
    const choices = choicesOf(db, object.name);
    const hidden = Object.keys(choices).filter((name) => choices[name]?.isHidden);
    exportWanted.value = { kind: 'table', db, object, selection, count, hidden };
  };
  return [{ label: 'Export ...', icon: 'download', startsGroup: true, run }];
}

function importItems({ db, object }: TableModel): MenuItem[] {
  if (!canEdit.value || object.type === 'view' || object.group !== 'user') return [];
  const run = () => {
    importWanted.value = { db, table: object.name };
  };
  return [{ label: 'Import rows ...', icon: 'upload', run }];
}
