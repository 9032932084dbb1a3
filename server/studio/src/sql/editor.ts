// The editor of SQL: CodeMirror with SQLite's dialect. It is loaded when the SQL view is first opened.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyField, historyKeymap, indentWithTab } from '@codemirror/commands';
import { keywordCompletionSource, SQLite, sql } from '@codemirror/lang-sql';
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { EditorState, type Extension, Prec, RangeSet, StateField } from '@codemirror/state';
import {
  Decoration,
  drawSelection,
  EditorView,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  placeholder,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { StudioSchema } from '../../../messages/studio/schema.ts';
import { completeFrom } from './completion.ts';
import { type Span, spanOf, statementAt } from './statement-at.ts';

export interface EditorOptions {
  readonly parent: HTMLElement;
  readonly text: string;
  /** Of the same text, when it was edited before. */
  readonly memory: EditorMemory | undefined;
  readonly schema: () => StudioSchema | null;
  readonly onChange: (text: string) => void;
  readonly onRun: () => void;
  readonly onRunAll: () => void;
  /** True: something ran and was cancelled. */
  readonly onEscape: () => boolean;
}

/** The text with cursor and undo list. */
export interface EditorMemory {
  readonly doc: string;
}

export interface Editor {
  readonly memory: () => EditorMemory;
  readonly text: () => string;
  readonly setText: (text: string) => void;
  readonly insert: (text: string) => void;
  /** What is selected, else the statement at the cursor; null where there is none. */
  readonly target: () => Span | null;
  /** Underlines an error and goes there; null takes the mark away. */
  readonly mark: (error: (Span & { readonly message: string }) | null) => void;
  readonly focus: () => void;
  readonly destroy: () => void;
}

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--accent)', fontWeight: '600' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--number)' },
  { tag: [tags.lineComment, tags.blockComment], color: 'var(--muted)', fontStyle: 'italic' },
  { tag: tags.typeName, color: 'var(--warn)' },
]);

const look = EditorView.theme({
  '&': { height: '100%', fontSize: 'var(--size)', backgroundColor: 'var(--page)', color: 'var(--text)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55' },
  '.cm-content': { caretColor: 'var(--text)', padding: '10px 0' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-gutters': { backgroundColor: 'var(--page)', color: 'var(--muted)', border: 'none' },
  '.cm-activeLineGutter': { backgroundColor: 'transparent', color: 'var(--text)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'color-mix(in srgb, var(--accent) 26%, transparent)',
  },
  '.cm-statement': { backgroundColor: 'color-mix(in srgb, var(--accent) 7%, transparent)' },
  '.cm-tooltip': {
    border: '1px solid var(--line)',
    borderRadius: 'var(--radius)',
    backgroundColor: 'var(--raised)',
    color: 'var(--text)',
    boxShadow: 'var(--shadow)',
  },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent-soft)', color: 'var(--text)' },
  '.cm-completionDetail': { color: 'var(--muted)', fontStyle: 'normal' },
  '.cm-panels': { backgroundColor: 'var(--sunken)', color: 'var(--text)' },
  '.cm-placeholder': { color: 'var(--muted)' },
});

/** Tints the statement that Ctrl+Enter would run, where there are several. */
const tint = StateField.define({
  create: tintOf,
  update: (marks, transaction) => (transaction.docChanged || transaction.selection ? tintOf(transaction.state) : marks),
  provide: (field) => EditorView.decorations.from(field),
});

function tintOf(state: EditorState) {
  const { main } = state.selection;
  const script = state.doc.toString();
  const statement = main.empty ? statementAt(script, main.head) : undefined;
  if (statement === undefined) return Decoration.none;
  const { start, end } = spanOf(statement);
  if (script.trim().length <= end - start + 1) return Decoration.none;
  const marks = [];
  const last = state.doc.lineAt(end).number;
  for (let line = state.doc.lineAt(start).number; line <= last; line += 1) {
    marks.push(Decoration.line({ class: 'cm-statement' }).range(state.doc.line(line).from));
  }
  return RangeSet.of(marks);
}

/** The nonce of this page's answer: CodeMirror adds style elements. */
function styleNonce(): string {
  const carrier = document.querySelector<HTMLElement>(
    'script[nonce], style[nonce], link[nonce], meta[property="csp-nonce"]',
  );
  return carrier?.nonce || carrier?.getAttribute('nonce') || '';
}

/**
 * Typing over a selection is done here instead of by the browser: Chromium would put style attributes into the text,
 * which the CSP forbids and the console tells.
 */
const typeOverSelection = EditorView.domEventHandlers({
  beforeinput: (event, view) => {
    const { data, inputType } = event;
    const { from, to, empty } = view.state.selection.main;
    if (inputType !== 'insertText' || data === null || empty || view.composing) return false;
    const insert = () =>
      view.state.update({
        changes: { from, to, insert: data },
        selection: { anchor: from + data.length },
        userEvent: 'input.type',
        scrollIntoView: true,
      });
    const handlers = view.state.facet(EditorView.inputHandler);
    if (!handlers.some((handle) => handle(view, from, to, data, insert))) view.dispatch(insert());
    return true;
  },
});

function extensions({ schema, onChange, onRun, onRunAll, onEscape }: EditorOptions): Extension {
  return [
    // First: the completion list has keys of the same precedence, and Escape cancels a run before it closes the list.
    Prec.highest(
      keymap.of([
        { key: 'Mod-Enter', run: done(onRun), preventDefault: true },
        { key: 'Mod-Shift-Enter', run: done(onRunAll), preventDefault: true },
        { key: 'Escape', run: onEscape },
      ]),
    ),
    EditorView.cspNonce.of(styleNonce()),
    lineNumbers(),
    highlightActiveLineGutter(),
    history(),
    drawSelection(),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    highlightSelectionMatches(),
    lintGutter(),
    tint,
    look,
    typeOverSelection,
    syntaxHighlighting(colours),
    sql({ dialect: SQLite, upperCaseKeywords: true }),
    autocompletion({
      override: [completeFrom(schema), keywordCompletionSource(SQLite, true)],
      icons: false,
    }),
    placeholder('SELECT ...'),
    EditorView.contentAttributes.of({
      'aria-label': 'SQL. Escape, then Tab, leaves the editor.',
      spellcheck: 'false',
    }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) onChange(update.state.doc.toString());
    }),
    keymap.of([
      ...closeBracketsKeymap,
      ...completionKeymap,
      ...defaultKeymap,
      ...searchKeymap,
      ...historyKeymap,
      indentWithTab,
    ]),
  ];
}

function done(run: () => void): () => boolean {
  return () => {
    run();
    return true;
  };
}

function stateOf(options: EditorOptions): EditorState {
  const { text, memory } = options;
  const own = { extensions: extensions(options) };
  if (memory?.doc !== text) return EditorState.create({ ...own, doc: text });
  return EditorState.fromJSON(memory, own, { history: historyField });
}

export function openEditor(options: EditorOptions): Editor {
  const view = new EditorView({
    parent: options.parent,
    state: stateOf(options),
  });
  return {
    memory: () => view.state.toJSON({ history: historyField }),
    text: () => view.state.doc.toString(),
    setText: (text) => view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } }),
    insert: (text) => {
      view.dispatch(view.state.replaceSelection(text));
      view.focus();
    },
    target: () => targetOf(view.state),
    mark: (error) => mark(view, error),
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}

function targetOf(state: EditorState): Span | null {
  const { main } = state.selection;
  if (!main.empty) return { start: main.from, end: main.to };
  const statement = statementAt(state.doc.toString(), main.head);
  return statement === undefined ? null : spanOf(statement);
}

function mark(view: EditorView, error: (Span & { readonly message: string }) | null): void {
  const found: Diagnostic[] = [];
  if (error !== null) {
    const from = Math.min(error.start, view.state.doc.length);
    const to = Math.min(Math.max(error.end, from), view.state.doc.length);
    found.push({ from, to, severity: 'error', message: error.message });
    view.dispatch({ selection: { anchor: from }, scrollIntoView: true });
  }
  view.dispatch(setDiagnostics(view.state, found));
}
