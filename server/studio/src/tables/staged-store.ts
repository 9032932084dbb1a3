// The staged edits of the open database, kept in the tab's own storage: they survive a reload and a restart of the
// server. Two tabs have their own.
import { computed, effect, signal } from '@preact/signals';
import { database } from '../session.ts';
import { load, save } from '../storage.ts';
import { toastError } from '../ui/Toast.tsx';
import { readStaged, type Staged } from './staged.ts';

const none: Staged = [];
const mostUndo = 100;

const past = signal<readonly Staged[]>([]);
const future = signal<readonly Staged[]>([]);
export const staged = signal<Staged>(none);
export const stagedCount = computed(() => staged.value.length);

const nameOf = (db: string) => `staged:${db}`;
let loadedFor: string | null = null;
let warned = false;

effect(() => {
  const db = database.value;
  if (db === loadedFor) return;
  loadedFor = db;
  past.value = [];
  future.value = [];
  staged.value = db === null ? none : (load(nameOf(db), readStaged, 'session') ?? none);
});

function keep(next: Staged): void {
  staged.value = next;
  if (loadedFor === null) return;
  const isKept = save(nameOf(loadedFor), next.length === 0 ? undefined : next, 'session');
  if (!isKept && !warned) {
    warned = true;
    toastError('The browser has no room for these staged edits: they end with a reload. Apply them before.');
  }
}

export function stage(change: (now: Staged) => Staged): void {
  const now = staged.peek();
  const next = change(now);
  if (next === now) return;
  past.value = [...past.peek(), now].slice(-mostUndo);
  future.value = [];
  keep(next);
}

/** False: there is nothing to undo. */
export function undo(): boolean {
  const before = past.peek().at(-1);
  if (before === undefined) return false;
  past.value = past.peek().slice(0, -1);
  future.value = [...future.peek(), staged.peek()];
  keep(before);
  return true;
}

export function redo(): boolean {
  const after = future.peek().at(-1);
  if (after === undefined) return false;
  future.value = future.peek().slice(0, -1);
  past.value = [...past.peek(), staged.peek()];
  keep(after);
  return true;
}

/** After they were applied: there is no way back to them. */
export function clearStaged(): void {
  past.value = [];
  future.value = [];
  keep(none);
}
