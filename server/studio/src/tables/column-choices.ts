// Widths, hidden and pinned columns of each table, as the user left them.

import type { ColumnChoice } from '../grid/columns.ts';
import { savedSignal } from '../storage.ts';

type Choices = Readonly<Record<string, ColumnChoice>>;

const all = savedSignal<Readonly<Record<string, Choices>>>('columns', {}, readAll);
const none: Choices = {};
const nameOf = (db: string, table: string) => `${db}\n${table}`;

export function choicesOf(db: string, table: string): Choices {
  return all.value[nameOf(db, table)] ?? none;
}

export function chooseColumn(db: string, table: string, column: string, choice: ColumnChoice): void {
  const choices = all.peek()[nameOf(db, table)] ?? none;
  all.value = { ...all.peek(), [nameOf(db, table)]: { ...choices, [column]: { ...choices[column], ...choice } } };
}

export function resetColumns(db: string, table: string): void {
  const { [nameOf(db, table)]: _gone, ...rest } = all.peek();
  all.value = rest;
}

function readAll(value: unknown): Readonly<Record<string, Choices>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.fromEntries(Object.entries(value).map(([table, choices]) => [table, readChoices(choices)]));
}

function readChoices(value: unknown): Choices {
  if (typeof value !== 'object' || value === null) return none;
  return Object.fromEntries(
    Object.entries(value).map(([name, choice]) => {
      const { width, isHidden, isPinned } = (choice ?? {}) as Readonly<Record<string, unknown>>;
      return [
        name,
        {
          ...(typeof width === 'number' && Number.isFinite(width) && { width }),
          ...(typeof isHidden === 'boolean' && { isHidden }),
          ...(typeof isPinned === 'boolean' && { isPinned }),
        },
      ];
    }),
  );
}
