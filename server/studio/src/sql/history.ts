// The statements that were run on this browser, newest first, with a search. Kept in its storage, at most `kept`.
import type { Signal } from '@preact/signals';
import { savedSignal } from '../storage.ts';

export interface Ran {
  readonly sql: string;
  readonly db: string;
  /** Unix time in milliseconds. */
  readonly at: number;
  readonly ms: number;
  /** Rows that it answered or changed; null where it failed. */
  readonly rows: number | null;
}

const kept = 300;
/** Longer statements, imports for the most part, would fill the browser's storage. */
const longest = 20_000;

export const history: Signal<readonly Ran[]> = savedSignal<readonly Ran[]>('sql-history', [], readHistory);

function readHistory(value: unknown): readonly Ran[] | undefined {
  return Array.isArray(value) ? value.filter(isRan) : undefined;
}

function isRan(value: unknown): value is Ran {
  const { sql, db, at, ms, rows } = (value ?? {}) as Partial<Record<keyof Ran, unknown>>;
  return (
    typeof sql === 'string' &&
    typeof db === 'string' &&
    typeof at === 'number' &&
    typeof ms === 'number' &&
    (rows === null || typeof rows === 'number')
  );
}

export function remember(ran: Ran): void {
  if (ran.sql.length <= longest) history.value = added(history.peek(), ran);
}

/** The same statement again moves to the top. */
export function added(list: readonly Ran[], ran: Ran): readonly Ran[] {
  return [ran, ...list.filter(({ sql, db }) => sql !== ran.sql || db !== ran.db)].slice(0, kept);
}

/** Those that hold every word of the search, in any order; of this database first. */
export function found(list: readonly Ran[], search: string, db: string | null): readonly Ran[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = list.filter(({ sql }) => words.every((word) => sql.toLowerCase().includes(word)));
  return [...matching.filter((ran) => ran.db === db), ...matching.filter((ran) => ran.db !== db)];
}
