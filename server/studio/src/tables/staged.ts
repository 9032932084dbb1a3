// Edits that wait to be applied: what each does, how they build on each other, what the server is told. Pure; the state
// is a list that is never changed in place, so that undo is the list before.
import type { StudioChange } from '../../../messages/studio/edits.ts';
import type { StudioColumn } from '../../../messages/studio/schema.ts';
import type { StudioRowKey, StudioValue } from '../../../messages/studio/values.ts';
import { isCut, isSame } from '../api/values.ts';

type Values = Readonly<Record<string, StudioValue>>;

export interface StagedInsert {
  readonly kind: 'insert';
  readonly table: string;
  /** Tells new rows apart; unique in the list. */
  readonly id: string;
  readonly set: Values;
}

export interface StagedUpdate {
  readonly kind: 'update';
  readonly table: string;
  readonly key: StudioRowKey;
  readonly set: Values;
  /** The values before, as they were first read: of every column of `set`. */
  readonly expect: Values;
}

export interface StagedDelete {
  readonly kind: 'delete';
  readonly table: string;
  readonly key: StudioRowKey;
  readonly expect: Values;
}

export type StagedChange = StagedInsert | StagedUpdate | StagedDelete;
export type Staged = readonly StagedChange[];

export function keyId(key: StudioRowKey): string {
  return JSON.stringify(key);
}

/** The update or deletion of this row, if there is one. */
export function changeOf(staged: Staged, table: string, key: StudioRowKey): StagedUpdate | StagedDelete | undefined {
  const id = keyId(key);
  return staged.find(
    (change): change is StagedUpdate | StagedDelete =>
      change.kind !== 'insert' && change.table === table && keyId(change.key) === id,
  );
}

export function insertsOf(staged: Staged, table: string): readonly StagedInsert[] {
  return staged.filter((change): change is StagedInsert => change.kind === 'insert' && change.table === table);
}

/** Stages one cell. A cell that gets its first value back is no longer staged. */
export function setCell(
  staged: Staged,
  table: string,
  key: StudioRowKey,
  column: string,
  value: StudioValue,
  before: StudioValue,
): Staged {
  const old = changeOf(staged, table, key);
  const update: StagedUpdate = old?.kind === 'update' ? old : { kind: 'update', table, key, set: {}, expect: {} };
  const first = column in update.expect ? (update.expect[column] ?? null) : before;
  const { [column]: _set, ...set } = update.set;
  const { [column]: _expect, ...expect } = update.expect;
  const isBack = isSame(first, value);
  const next: StagedUpdate = isBack
    ? { ...update, set, expect }
    : { ...update, set: { ...set, [column]: value }, expect: { ...expect, [column]: first } };
  const isNothing = Object.keys(next.set).length === 0;
  if (old === undefined) return isNothing ? staged : [...staged, next];
  return staged.flatMap((change) => (change === old ? (isNothing ? [] : [next]) : [change]));
}

export function addInsert(staged: Staged, table: string, id: string, set: Values): Staged {
  return [...staged, { kind: 'insert', table, id, set }];
}

/** `undefined` leaves the column to its default. */
export function setInserted(staged: Staged, id: string, column: string, value: StudioValue | undefined): Staged {
  return staged.map((change) => {
    if (change.kind !== 'insert' || change.id !== id) return change;
    const { [column]: _old, ...set } = change.set;
    return { ...change, set: value === undefined ? set : { ...set, [column]: value } };
  });
}

export function removeInsert(staged: Staged, id: string): Staged {
  return staged.filter((change) => change.kind !== 'insert' || change.id !== id);
}

/** A staged update of the row is given up. Of values that came cut, their beginnings and lengths are expected. */
export function stageDelete(staged: Staged, table: string, key: StudioRowKey, row: Values): Staged {
  const old = changeOf(staged, table, key);
  const first = old?.kind === 'update' ? { ...row, ...old.expect } : row;
  const expect = Object.fromEntries(
    Object.entries(first).map(([column, value]) => [column, isCut(value) ? shortened(value) : value]),
  );
  const change: StagedDelete = { kind: 'delete', table, key, expect };
  return old === undefined ? [...staged, change] : staged.map((one) => (one === old ? change : one));
}

/** A shorter beginning: many rows with long values are deleted by one request. */
function shortened(value: StudioValue): StudioValue {
  if (value === null || typeof value === 'string') return value;
  // Not through the middle of a character.
  if ('text' in value) return { ...value, text: [...value.text.slice(0, 200)].slice(0, 100).join('') };
  // Whole groups of four digits.
  return 'blob' in value ? { ...value, blob: value.blob.slice(0, 100) } : value;
}

/** Gives up whatever is staged of this row. */
export function restoreRow(staged: Staged, table: string, key: StudioRowKey): Staged {
  const old = changeOf(staged, table, key);
  return staged.filter((change) => change !== old);
}

/** What the server is told, in the same order. */
export function changesFor(staged: Staged): StudioChange[] {
  return staged.map((change) => {
    if (change.kind !== 'insert') return change;
    const { kind, table, set } = change;
    return { kind, table, set };
  });
}

/** A copy of a row for `addInsert`: without its key and what SQLite computes. */
export function copyOfRow(columns: readonly StudioColumn[], values: readonly StudioValue[]): Values {
  const entries = columns.map((column, at) => [column, values[at] ?? null] as const);
  return Object.fromEntries(
    entries
      .filter(([{ generated, primaryKey }, value]) => generated === null && primaryKey === 0 && !isCut(value))
      .map(([{ name }, value]) => [name, value]),
  );
}

/** Of a conflict: the change as it is once the row is read as it is now. Null: nothing is left of it. */
export function rebase(change: StagedChange, now: Values | undefined): StagedChange | null {
  if (change.kind === 'insert') return change;
  if (now === undefined) return null;
  if (change.kind === 'delete') {
    const columns = Object.keys(change.expect).filter((name) => name in now);
    return { ...change, expect: Object.fromEntries(columns.map((name) => [name, now[name] ?? null])) };
  }
  const expect = Object.fromEntries(
    Object.entries(change.expect).map(([name, value]) => [name, name in now ? (now[name] ?? null) : value]),
  );
  return { ...change, expect };
}

/** Reads what was saved; undefined for anything else. */
export function readStaged(value: unknown): Staged | undefined {
  return Array.isArray(value) && value.every(isChange) ? value : undefined;
}

function isChange(value: unknown): value is StagedChange {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, table, key, set, expect, id } = value as Readonly<Record<string, unknown>>;
  const isRecord = (part: unknown) => typeof part === 'object' && part !== null;
  if (typeof table !== 'string') return false;
  if (kind === 'insert') return typeof id === 'string' && isRecord(set);
  if (!Array.isArray(key) || !isRecord(expect)) return false;
  return kind === 'delete' || (kind === 'update' && isRecord(set));
}
