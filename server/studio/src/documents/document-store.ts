// The open documents of the open database, kept over reloads and visits. Whatever table, query or key-value table the
// address names is open; the address of each is kept, and so are the texts of queries.
import { computed, effect, untracked } from '@preact/signals';
import { navigate, route } from '../location.ts';
import type { Route } from '../routes.ts';
import { database, schema } from '../session.ts';
import { draftOf, keepDraft } from '../sql/drafts.ts';
import { load, save } from '../storage.ts';
import { stage, staged } from '../tables/staged-store.ts';
import { confirm } from '../ui/open-dialogs.ts';
import { toast } from '../ui/Toast.tsx';
import { lastUsed, openDocuments } from './addresses.ts';
import {
  type Documents,
  find,
  isDocumentView,
  isSame,
  nameParam,
  neighbour,
  type OpenDocument,
  readDocuments,
  step,
  visited,
} from './documents.ts';

const nameOf = (db: string) => `documents:${db}`;
let loadedFor: string | null = null;

/** The table of keys where the address names none: as in the keys view. */
const usualKeys = computed(() => {
  const tables = (schema.value?.objects ?? []).filter(({ group }) => group === 'kv').map(({ name }) => name);
  return tables.length === 0 || tables.includes('kv_store') ? 'kv_store' : (tables[0] as string);
});

/** The one that the address names. */
export const shownDocument = computed(() => {
  const { view } = route.value;
  const name = nameIn(route.value);
  return name === undefined ? undefined : find(openDocuments.value, view, name);
});

effect(() => {
  const now = route.value;
  schema.value; // knows which table of keys is the usual one
  untracked(() => {
    if (now.db !== loadedFor) open(now.db);
    visit(now);
  });
});

function open(db: string | null): void {
  loadedFor = db;
  openDocuments.value = db === null ? [] : (load(nameOf(db), readDocuments) ?? []);
}

function keep(next: Documents): void {
  openDocuments.value = next;
  if (loadedFor !== null) save(nameOf(loadedFor), next.length === 0 ? undefined : next);
}

function nameIn({ view, params }: Route): string | undefined {
  if (!isDocumentView(view)) return undefined;
  return params[nameParam[view]] ?? (view === 'keys' ? usualKeys.value : undefined);
}

function visit(now: Route): void {
  const { db, view, params } = now;
  if (db === null || !isDocumentView(view)) return;
  // Which table of keys is meant is known with the schema.
  if (view === 'keys' && params.table === undefined && schema.peek()?.db !== db) return;
  const name = nameIn(now);
  if (view === 'sql' && (name === undefined || find(openDocuments.peek(), view, name) === undefined)) {
    openQuery(db, params);
  } else if (name !== undefined) keep(visited(openDocuments.peek(), view, name, params, mayLeave));
}

/** A link to a statement, or to SQL alone: never over a text that is there. */
function openQuery(db: string, params: Readonly<Record<string, string>>): void {
  const { sql = '', query } = params;
  const isNew = query !== undefined && /^\w{1,40}$/.test(query);
  const queries = openDocuments.peek().filter((one) => one.view === 'sql');
  const withText = (text: string) => queries.find(({ name }) => draftOf(db, name) === text);
  const known = isNew ? undefined : sql === '' ? lastUsed('sql') : (withText(sql) ?? withText(''));
  const name = known?.name ?? (isNew ? query : newId());
  if (sql !== '') keepDraft(db, name, sql);
  const own = { ...(sql === '' ? known?.params : {}), ...params, query: name };
  keep(visited(openDocuments.peek(), 'sql', name, own, mayLeave));
  navigate({ params: own }, { replace: true });
}

/** Unknown to other browsers: the link of somebody else opens a query of its own. */
function newId(): string {
  return Math.random().toString(36).slice(2, 10);
}

export function newQuery(): void {
  const db = database.peek();
  if (db === null) return;
  const empty = openDocuments.peek().find(({ view, name }) => view === 'sql' && draftOf(db, name) === '');
  navigate({ view: 'sql', params: empty?.params ?? { query: newId() } });
}

export function stagedIn({ view, name }: OpenDocument): number {
  return view === 'tables' ? staged.value.filter(({ table }) => table === name).length : 0;
}

function mayLeave(document: OpenDocument): boolean {
  return stagedIn(document) === 0 && (document.view !== 'sql' || draftOf(loadedFor ?? '', document.name) === '');
}

export function show({ view, params }: OpenDocument): void {
  navigate({ view, params });
}

/** False: there is no other one. */
export function showNext(by: 1 | -1): boolean {
  const now = shownDocument.peek();
  const next = now === undefined ? lastUsed() : step(openDocuments.peek(), now, by);
  if (next === undefined || next === now) return false;
  show(next);
  return true;
}

/** Asks where staged edits would be lost: false, it stays open. The text of a query can be had back for a moment. */
export async function close(document: OpenDocument): Promise<boolean> {
  const edits = untracked(() => stagedIn(document));
  if (edits > 0) {
    const yes = await confirm({
      title: `Close ${document.name}?`,
      body: `${edits === 1 ? 'One staged edit is' : `${edits} staged edits are`} given up. The database stays as it is.`,
      action: 'Discard and close',
      isDangerous: true,
    });
    if (!yes) return false;
    stage((now) => now.filter(({ table }) => table !== document.name));
  }
  remove(document);
  return true;
}

function remove(document: OpenDocument): void {
  const db = loadedFor ?? '';
  const list = openDocuments.peek();
  const shown = shownDocument.peek();
  const isShown = shown !== undefined && isSame(shown, document);
  const next = neighbour(list, document);
  keep(list.filter((one) => !isSame(one, document)));
  if (isShown) navigate(next ?? { view: 'tables', params: {} });
  if (document.view !== 'sql') return;
  const text = draftOf(db, document.name);
  keepDraft(db, document.name, '');
  if (text.trim() === '') return;
  const undo = () => {
    if (loadedFor !== db) return;
    keepDraft(db, document.name, text);
    keep([...openDocuments.peek(), document]);
    show(document);
  };
  toast({ text: `SQL ${document.number} is closed.`, action: { label: 'Undo', run: undo } });
}
