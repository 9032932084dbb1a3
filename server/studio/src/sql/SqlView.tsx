// The SQL view: editor above, results below; history and saved queries at the side.
import { useEffect, useRef, useState } from 'preact/hooks';
import { errorText } from '../api/client.ts';
import { shownDocument } from '../documents/document-store.ts';
import { useKey } from '../keys.ts';
import { isPhone } from '../layout.ts';
import { setParams } from '../location.ts';
import { database } from '../session.ts';
import { viewStatus } from '../status.ts';
import { SplitPane } from '../ui/SplitPane.tsx';
import { count, rowsText } from '../ui/sizes.ts';
import { toastError } from '../ui/Toast.tsx';
import { confirmRun } from './confirm-run.tsx';
import { draftOf, keepDraft } from './drafts.ts';
import { EditorPane } from './EditorPane.tsx';
import type { Editor } from './editor.ts';
import { HistoryPanel } from './HistoryPanel.tsx';
import { queryOf } from './open-queries.ts';
import { ParameterForm } from './ParameterForm.tsx';
import { Results } from './Results.tsx';
import type { Run } from './runner.ts';
import { SaveDialog } from './SaveDialog.tsx';
import { SqlBar } from './SqlBar.tsx';
import type { Span } from './statement-at.ts';
import { useParameterNames } from './use-parameter-names.ts';
import './sql.css';

export default function SqlView() {
  const db = database.value;
  const shown = shownDocument.value; // the store gives the address a query in a moment
  if (db === null || shown?.view !== 'sql') return <div class="loading" aria-busy="true" />;
  return <Sql key={`${db}\n${shown.name}`} db={db} query={shown.name} />;
}

function Sql({ db, query }: { readonly db: string; readonly query: string }) {
  const editor = useRef<Editor | null>(null);
  const own = queryOf(db, query);
  const { current, plan } = own.runner;
  const [first] = useState(() => draftOf(db, query));
  const [text, setText] = useState(first);
  const names = useParameterNames(text);
  const parameters = own.parameters.value;
  const [isHistoryOpen, setHistoryOpen] = useState(false);
  const [isSaving, setSaving] = useState(false);

  useEffect(() => {
    const failure = current.value?.failure;
    editor.current?.mark(failure ?? null);
    viewStatus.value = statusOf(current.peek());
    return () => {
      viewStatus.value = '';
    };
  }, [current.value]);

  const usedParameters = () => Object.fromEntries(names.map((name) => [name, parameters[name] ?? null]));
  const run = (target: Span | null | undefined) => {
    if (target === null || target === undefined || text.slice(target.start, target.end).trim() === '') return;
    const sql = text.slice(target.start, target.end);
    setParams({ sql: text.length <= longestInUrl ? text : '' }, { replace: true });
    void own.runner.run(sql, target.start, usedParameters(), confirmRun);
  };
  const runTarget = () => run(editor.current?.target());
  const runAll = () => run({ start: 0, end: text.length });
  const stop = () => {
    if (!own.runner.isRunning) return false;
    void own.runner.cancel();
    return true;
  };
  const showPlan = () => {
    const target = editor.current?.target();
    if (target === null || target === undefined) return;
    own.runner.explain(text.slice(target.start, target.end), usedParameters()).then(
      () => setParams({ tab: 'plan' }, { replace: true }),
      (error: unknown) => toastError(errorText(error)),
    );
  };
  const show = (sql: string) => {
    editor.current?.setText(sql);
    editor.current?.focus();
  };
  useKey('sql-run', runTarget);
  useKey('sql-run-all', runAll);
  useKey('sql-cancel', () => (stop() ? undefined : false));
  useKey('sql-history', () => setHistoryOpen((open) => !open));
  useKey('sql-save', () => setSaving(true));

  const input = (
    <div class="sql-input">
      <SqlBar
        db={db}
        isRunning={current.value?.state === 'running'}
        isHistoryOpen={isHistoryOpen}
        onRun={runTarget}
        onRunAll={runAll}
        onStop={stop}
        onExplain={showPlan}
        onShow={show}
        onSave={() => setSaving(true)}
        onHistory={() => setHistoryOpen(!isHistoryOpen)}
      />
      <EditorPane
        text={first}
        memory={own.editor}
        onReady={(ready) => {
          editor.current = ready;
        }}
        onLeave={(left) => {
          own.editor = left.memory();
          editor.current = null;
        }}
        onChange={(now) => {
          keepDraft(db, query, now);
          setText(now);
        }}
        onRun={runTarget}
        onRunAll={runAll}
        onEscape={stop}
      />
      {isPhone.value && <SignRow onSign={(sign) => editor.current?.insert(sign)} />}
      {names.length > 0 && (
        <ParameterForm
          names={names}
          values={parameters}
          onChange={(values) => {
            own.parameters.value = values;
          }}
        />
      )}
    </div>
  );
  return (
    <div class={`sql-view${isHistoryOpen ? ' has-side' : ''}`}>
      <h1 class="visually-hidden">SQL of {db}</h1>
      <SplitPane
        name="sql"
        label="Height of the editor"
        direction="rows"
        initial={40}
        first={input}
        second={<Results run={current.value} plan={plan.value} />}
      />
      {isHistoryOpen && <HistoryPanel db={db} onShow={show} onClose={() => setHistoryOpen(false)} />}
      {isSaving && <SaveDialog db={db} sql={text} onClose={() => setSaving(false)} />}
    </div>
  );
}

/** Longer texts stay out of the address: some proxies and chats cut it. */
const longestInUrl = 6000;

function statusOf(shown: Run | null): string {
  if (shown === null || shown.state === 'running') return '';
  if (shown.state !== 'done') return shown.state;
  const last = shown.results.at(-1);
  const rows = last?.kind !== 'rows' ? '' : last.more ? `${count(last.rows.length)}+ rows` : rowsText(last.rows.length);
  const changes = last?.kind === 'write' ? `${rowsText(last.changes)} changed` : '';
  return [rows || changes || 'done', `${shown.ms} ms`].join(' in ');
}

/** What phones hide behind a second keyboard. */
const signs = ['*', '=', "'", '"', '(', ')', ',', ';', '_', '%', '<', '>'] as const;

function SignRow({ onSign }: { readonly onSign: (sign: string) => void }) {
  return (
    <div class="sql-signs" role="toolbar" aria-label="Signs">
      {signs.map((sign) => (
        <button key={sign} type="button" class="icon-button" onClick={() => onSign(sign)}>
          {sign}
        </button>
      ))}
    </div>
  );
}
