// Queries with a name, by database. Kept in the storage of this browser.
import type { Signal } from '@preact/signals';
import { savedSignal } from '../storage.ts';

export interface SavedQuery {
  readonly db: string;
  readonly name: string;
  readonly sql: string;
}

const savedQueries: Signal<readonly SavedQuery[]> = savedSignal<readonly SavedQuery[]>('saved-queries', [], (value) =>
  Array.isArray(value) ? value.filter(isSaved) : undefined,
);

function isSaved(value: unknown): value is SavedQuery {
  const { db, name, sql } = (value ?? {}) as Partial<Record<keyof SavedQuery, unknown>>;
  return typeof db === 'string' && typeof name === 'string' && typeof sql === 'string';
}

/** By name. */
export function savedOf(db: string): readonly SavedQuery[] {
  return savedQueries.value.filter((one) => one.db === db).sort((a, b) => a.name.localeCompare(b.name));
}

/** Replaces one of the same name. */
export function saveQuery(query: SavedQuery): void {
  savedQueries.value = [...without(query.db, query.name), query];
}

export function removeQuery({ db, name }: SavedQuery): void {
  savedQueries.value = without(db, name);
}

function without(db: string, name: string): readonly SavedQuery[] {
  return savedQueries.peek().filter((one) => one.db !== db || one.name !== name);
}
