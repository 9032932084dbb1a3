// What each open query has beside its text, for as long as the page is loaded: its run and results, the values of its
// parameters, the editor's cursor and undo list.
import { effect, type Signal, signal } from '@preact/signals';
import { openDocuments } from '../documents/addresses.ts';
import { database } from '../session.ts';
import type { EditorMemory } from './editor.ts';
import { type Parameters, Runner } from './runner.ts';

export interface OpenQuery {
  readonly runner: Runner;
  readonly parameters: Signal<Parameters>;
  editor: EditorMemory | undefined;
}

const queries = new Map<string, OpenQuery & { readonly db: string; readonly id: string }>();

export function queryOf(db: string, id: string): OpenQuery {
  const key = `${db}\n${id}`;
  const known = queries.get(key);
  if (known !== undefined) return known;
  const query = { db, id, runner: new Runner(db), parameters: signal<Parameters>({}), editor: undefined };
  queries.set(key, query);
  return query;
}

/** A closed query stops. */
effect(() => {
  const open = new Set(openDocuments.value.filter(({ view }) => view === 'sql').map(({ name }) => name));
  for (const [key, { db, id, runner }] of queries) {
    if (db !== database.value || open.has(id)) continue;
    void runner.cancel();
    queries.delete(key);
  }
});
