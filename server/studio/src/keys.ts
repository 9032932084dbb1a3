// The one table of key bindings. The handler, every tooltip and the help read it. Ctrl is Command on a Mac.
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { readBoolean, savedSignal } from './storage.ts';

export type Scope = 'Everywhere' | 'Grid' | 'Cell editor' | 'Staged edits' | 'SQL' | 'Keys';

export interface Binding {
  readonly id: string;
  /** `Ctrl+Shift+Enter`, or a sequence `g t`. Letters are lower case without Ctrl, upper case with it. */
  readonly keys: readonly string[];
  readonly label: string;
  readonly scope: Scope;
}

export const bindings = [
  { id: 'jump', keys: ['/', 'Ctrl+K'], label: 'Jump to a table, view or page', scope: 'Everywhere' },
  { id: 'help', keys: ['?'], label: 'Show the keys', scope: 'Everywhere' },
  { id: 'go-tables', keys: ['g t'], label: 'Tables', scope: 'Everywhere' },
  { id: 'go-sql', keys: ['g q'], label: 'SQL', scope: 'Everywhere' },
  { id: 'go-keys', keys: ['g k'], label: 'Keys', scope: 'Everywhere' },
  { id: 'go-locks', keys: ['g l'], label: 'Locks', scope: 'Everywhere' },
  { id: 'go-live', keys: ['g v'], label: 'Live changes', scope: 'Everywhere' },
  { id: 'go-structure', keys: ['g s'], label: 'Structure', scope: 'Everywhere' },
  { id: 'go-home', keys: ['g h'], label: 'All databases', scope: 'Everywhere' },
  { id: 'sidebar', keys: ['Ctrl+B'], label: 'Show or hide the sidebar', scope: 'Everywhere' },
  { id: 'reload', keys: ['g r'], label: 'Read again', scope: 'Everywhere' },
  { id: 'cell-edit', keys: ['Enter', 'F2'], label: 'Edit the cell', scope: 'Grid' },
  { id: 'row-panel', keys: ['Space'], label: 'Show the whole row', scope: 'Grid' },
  { id: 'cell-null', keys: ['n'], label: 'Set to NULL', scope: 'Grid' },
  { id: 'cell-clear', keys: ['Delete'], label: 'Set to empty text', scope: 'Grid' },
  { id: 'filter', keys: ['f'], label: 'Filter by this column', scope: 'Grid' },
  { id: 'sort', keys: ['s'], label: 'Sort by this column', scope: 'Grid' },
  { id: 'column-menu', keys: ['m', 'Alt+ArrowDown'], label: 'Actions of this column', scope: 'Grid' },
  { id: 'cell-menu', keys: ['ContextMenu', 'Shift+F10'], label: 'Actions of the cell', scope: 'Grid' },
  { id: 'copy', keys: ['Ctrl+C'], label: 'Copy as tab-separated text', scope: 'Grid' },
  { id: 'copy-as', keys: ['Ctrl+Shift+C'], label: 'Copy as ...', scope: 'Grid' },
  { id: 'paste', keys: ['Ctrl+V'], label: 'Paste into the selected cells', scope: 'Grid' },
  { id: 'row-add', keys: ['Ctrl+Shift+N', 'a'], label: 'Add a row', scope: 'Grid' },
  { id: 'row-duplicate', keys: ['d'], label: 'Duplicate the row', scope: 'Grid' },
  { id: 'row-delete', keys: ['Ctrl+Delete', 'Ctrl+Backspace'], label: 'Delete the selected rows', scope: 'Grid' },
  { id: 'select-all', keys: ['Ctrl+A'], label: 'Select all rows on the page', scope: 'Grid' },
  { id: 'edit-commit', keys: ['Enter'], label: 'Keep the value, go down', scope: 'Cell editor' },
  { id: 'edit-next', keys: ['Tab'], label: 'Keep the value, go to the next cell', scope: 'Cell editor' },
  { id: 'edit-previous', keys: ['Shift+Tab'], label: 'Keep the value, go to the cell before', scope: 'Cell editor' },
  { id: 'edit-cancel', keys: ['Escape'], label: 'Leave without a change', scope: 'Cell editor' },
  { id: 'edit-large', keys: ['Alt+Enter'], label: 'Open the large editor', scope: 'Cell editor' },
  { id: 'review', keys: ['Ctrl+S'], label: 'Review the staged edits as SQL', scope: 'Staged edits' },
  { id: 'apply', keys: ['Ctrl+Enter'], label: 'Apply them (in the review)', scope: 'Staged edits' },
  { id: 'undo', keys: ['Ctrl+Z'], label: 'Undo the last staged edit', scope: 'Staged edits' },
  { id: 'redo', keys: ['Ctrl+Shift+Z'], label: 'Redo it', scope: 'Staged edits' },
  { id: 'sql-run', keys: ['Ctrl+Enter'], label: 'Run the statement at the cursor, or the selection', scope: 'SQL' },
  { id: 'sql-run-all', keys: ['Ctrl+Shift+Enter'], label: 'Run all statements', scope: 'SQL' },
  { id: 'sql-cancel', keys: ['Escape'], label: 'Cancel the run', scope: 'SQL' },
  { id: 'sql-history', keys: ['Ctrl+H'], label: 'Search the history', scope: 'SQL' },
  { id: 'sql-save', keys: ['Ctrl+Shift+S'], label: 'Save the query', scope: 'SQL' },
  { id: 'sql-format', keys: ['Ctrl+Shift+F'], label: 'Format the statement', scope: 'SQL' },
  { id: 'key-edit', keys: ['e'], label: 'Edit the value', scope: 'Keys' },
  { id: 'key-search', keys: ['f'], label: 'Search keys', scope: 'Keys' },
] as const satisfies readonly Binding[];

export type BindingId = (typeof bindings)[number]['id'];

const byId = new Map<string, Binding>(bindings.map((binding) => [binding.id, binding]));

/** Single letters and sequences can be switched off, for users whose speech input would press them. */
export const singleKeys = savedSignal('single-keys', true, readBoolean);

/** The first key of a sequence that was pressed, e.g. `g`. */
const pending = signal<string | null>(null);
const sequenceMs = 1200;

/** The fields of a KeyboardEvent that name a key. */
export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
}

/** `Ctrl+Shift+Enter`, `?`, `g`: as written in the table. */
export function keyName({ key, ctrlKey, metaKey, shiftKey, altKey }: KeyPress): string {
  const name = key === ' ' ? 'Space' : key;
  const control = ctrlKey || metaKey;
  const isLetter = [...name].length === 1;
  const shift = shiftKey && (control || !isLetter) ? 'Shift+' : '';
  return `${control ? 'Ctrl+' : ''}${altKey ? 'Alt+' : ''}${shift}${isLetter && control ? name.toUpperCase() : name}`;
}

/** Single letters, signs and sequences of them. */
export function isSingleKey(key: string): boolean {
  return /^\S( \S)*$/u.test(key);
}

/** The binding of a scope that a key press means, or undefined. */
export function bindingFor(event: KeyPress, scope: Scope): BindingId | undefined {
  const name = keyName(event);
  if (isSingleKey(name) && !singleKeys.peek()) return undefined;
  return bindings.find((binding) => binding.scope === scope && (binding.keys as readonly string[]).includes(name))?.id;
}

export const isMac = typeof navigator !== 'undefined' && /Mac|iPhone|iPad/.test(navigator.userAgent);

/** The first key of a binding as a user reads it. */
export function keyText(id: BindingId): string {
  const key = byId.get(id)?.keys[0] ?? '';
  return isMac ? key.replaceAll('Ctrl+', '\u2318').replaceAll('Shift+', '\u21e7').replaceAll('Alt+', '\u2325') : key;
}

/** A tooltip that names its key: `Review SQL (Ctrl+S)`. */
export function tip(text: string, id: BindingId): string {
  return `${text} (${keyText(id)})`;
}

// biome-ignore lint/suspicious/noConfusingVoidType: most handlers return nothing
type Handler = (event: KeyboardEvent) => boolean | undefined | void;

const handlers: { readonly id: BindingId; readonly handle: Handler }[] = [];

/** Handlers that came last are asked first; one that returns false leaves the key to the next. */
export function onKey(id: BindingId, handle: Handler): () => void {
  const entry = { id, handle };
  handlers.push(entry);
  return () => {
    handlers.splice(handlers.indexOf(entry), 1);
  };
}

/** onKey for as long as the component is shown. */
export function useKey(id: BindingId, handle: Handler): void {
  const latest = useRef(handle);
  latest.current = handle;
  useEffect(() => onKey(id, (event) => latest.current(event)), [id]);
}

export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.closest('input, textarea, select, [contenteditable="true"]') !== null)
  );
}

function run(name: string, event: KeyboardEvent): boolean {
  for (const { id, handle } of [...handlers].reverse()) {
    const binding = byId.get(id);
    if (!binding?.keys.includes(name)) continue;
    if (handle(event) !== false) return true;
  }
  return false;
}

let sequenceTimer: ReturnType<typeof setTimeout> | undefined;

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const name = keyName(event);
  const first = pending.peek();
  pending.value = null;
  if (isSingleKey(name)) {
    if (isTyping(event.target) || !singleKeys.peek() || document.querySelector('dialog[open]') !== null) return;
    if ((first !== null && run(`${first} ${name}`, event)) || run(name, event)) {
      event.preventDefault();
      return;
    }
    if (!bindings.some(({ keys }) => keys.some((key) => key.startsWith(`${name} `)))) return;
    pending.value = name;
    clearTimeout(sequenceTimer);
    sequenceTimer = setTimeout(() => {
      pending.value = null;
    }, sequenceMs);
    return;
  }
  if (run(name, event)) event.preventDefault();
}

/** Called once by main.tsx. */
export function listenForKeys(): void {
  window.addEventListener('keydown', onKeyDown);
}
