// The one table of key bindings, and how a key press is written in it. Handlers, tooltips and the help read it. Ctrl is
// Command on a Mac. Pure.

export type Scope = 'Everywhere' | 'Grid' | 'Cell editor' | 'Staged edits' | 'SQL' | 'Keys';

export interface Binding {
  readonly id: string;
  /** `Ctrl+Shift+Enter`, or a sequence `g t`. Letters are upper case with Ctrl or Alt, else lower case. */
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
  { id: 'document-next', keys: ['Alt+PageDown', ']'], label: 'The next open table or query', scope: 'Everywhere' },
  { id: 'document-previous', keys: ['Alt+PageUp', '['], label: 'The one before', scope: 'Everywhere' },
  { id: 'document-close', keys: ['Alt+W', 'g w'], label: 'Close the open table or query', scope: 'Everywhere' },
  { id: 'query-new', keys: ['Alt+N', 'g n'], label: 'New query', scope: 'Everywhere' },
  { id: 'sidebar', keys: ['Ctrl+B'], label: 'Show or hide the sidebar', scope: 'Everywhere' },
  { id: 'reload', keys: ['g r'], label: 'Read again', scope: 'Everywhere' },
  { id: 'cell-edit', keys: ['Enter', 'F2'], label: 'Edit the cell', scope: 'Grid' },
  { id: 'row-panel', keys: ['Space'], label: 'Show the whole row', scope: 'Grid' },
  { id: 'panel-close', keys: ['Escape'], label: 'Close the panel of the row', scope: 'Grid' },
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
  { id: 'key-edit', keys: ['e'], label: 'Edit the value', scope: 'Keys' },
  { id: 'key-search', keys: ['f'], label: 'Search keys', scope: 'Keys' },
] as const satisfies readonly Binding[];

export type BindingId = (typeof bindings)[number]['id'];

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
  return `${control ? 'Ctrl+' : ''}${altKey ? 'Alt+' : ''}${shift}${isLetter && (control || altKey) ? name.toUpperCase() : name}`;
}

/** Single letters, signs and sequences of them. */
export function isSingleKey(key: string): boolean {
  return /^\S( \S)*$/u.test(key);
}
