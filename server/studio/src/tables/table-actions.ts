// What the menu of a table offers beyond its structure. A row here is a function of the table, e.g. its export.
import type { MenuItem } from '../ui/Menu.tsx';
import type { TableModel } from './use-table.ts';

export const tableActions: readonly ((model: TableModel) => readonly MenuItem[])[] = [];
