// What editing does to the staged edits of a table. A value that came cut is read whole first: the server compares what
// it expects by type and bytes.
import type { StudioRowKey, StudioValue } from '../../../messages/studio/values.ts';
import { isCut } from '../api/values.ts';
import type { ColumnLayout } from '../grid/columns.ts';
import type { Rectangle } from '../grid/selection.ts';
import { toast, toastError } from '../ui/Toast.tsx';
import { readCell } from './requests.ts';
import {
  addInsert,
  changeOf,
  copyOfRow,
  removeInsert,
  restoreRow,
  setCell,
  setInserted,
  stageDelete,
} from './staged.ts';
import { stage, staged } from './staged-store.ts';
import type { TableModel } from './use-table.ts';

/** More rows than this are for SQL. */
const mostRows = 1000;

function newId(): string {
  return `new-${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
}

/** The value that the server has, whole. @throws ApiError */
export async function storedValue(model: TableModel, row: number, column: number): Promise<StudioValue> {
  const source = model.rows.source(row);
  const name = model.object.columns[column]?.name ?? '';
  if (source?.kind !== 'row' || source.row.key === null)
    return source?.kind === 'insert' ? (source.insert.set[name] ?? null) : null;
  const value = source.row.values[column] ?? null;
  if (!isCut(value)) return value;
  return readCell(model.db, { table: model.object.name, key: source.row.key, column: name });
}

export async function editCell(model: TableModel, row: number, column: number, value: StudioValue): Promise<void> {
  const source = model.rows.source(row);
  const { name, columns } = model.object;
  const columnName = columns[column]?.name;
  if (source === undefined || columnName === undefined) return;
  if (source.kind === 'insert') {
    stage((now) => setInserted(now, source.insert.id, columnName, value));
    return;
  }
  const { key } = source.row;
  if (key === null) return;
  const before = await storedValue(model, row, column);
  stage((now) => setCell(now, name, key, columnName, value, before));
}

export async function setCells(
  model: TableModel,
  layout: ColumnLayout,
  { top, bottom, left, right }: Rectangle,
  value: StudioValue,
): Promise<void> {
  if (bottom - top >= mostRows) {
    toastError(`At most ${mostRows} rows can be edited at once here: use SQL for more.`);
    return;
  }
  for (let row = top; row <= bottom; row += 1) {
    if (model.rows.row(row)?.state === 'deleted') continue;
    for (const placed of layout.placed.slice(left, right + 1)) {
      if (!placed.column.isGenerated) await editCell(model, row, placed.index, value);
    }
  }
}

export function addRow(model: TableModel): void {
  stage((now) => addInsert(now, model.object.name, newId(), {}));
}

export function duplicateRow(model: TableModel, row: number): void {
  const values = model.rows.row(row)?.values;
  if (values === undefined) return;
  stage((now) => addInsert(now, model.object.name, newId(), copyOfRow(model.object.columns, values)));
  toast({ text: 'A copy of the row is staged at the top, without its key.' });
}

/** A row that is staged for deletion already comes back; a new row that is not applied yet goes. */
export function deleteRows(model: TableModel, { top, bottom }: Rectangle): void {
  if (bottom - top >= mostRows) {
    toastError(`At most ${mostRows} rows can be deleted at once here: use SQL for more.`);
    return;
  }
  const sources = Array.from({ length: bottom - top + 1 }, (_, at) => model.rows.source(top + at));
  const { name, columns } = model.object;
  const keys = sources.flatMap((source): StudioRowKey[] =>
    source?.kind === 'row' && source.row.key !== null ? [source.row.key] : [],
  );
  const areAllDeleted = keys.every((key) => changeOf(staged.peek(), name, key)?.kind === 'delete');
  stage((now) => {
    let next = now;
    for (const source of sources) {
      if (source?.kind === 'insert') next = removeInsert(next, source.insert.id);
      if (source?.kind !== 'row' || source.row.key === null) continue;
      const { key, values } = source.row;
      const read = Object.fromEntries(columns.map((column, at) => [column.name, values[at] ?? null]));
      next = areAllDeleted ? restoreRow(next, name, key) : stageDelete(next, name, key, read);
    }
    return next;
  });
}
