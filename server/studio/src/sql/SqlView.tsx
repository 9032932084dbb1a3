// The SQL view: editor above, results below; history and saved queries at the side.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { StudioParameters } from '../../../messages/studio/sql.ts';
import { errorText, post } from '../api/client.ts';
import { shownDocument } from '../documents/document-store.ts';
import { tip, useKey } from '../keys.ts';
import { isPhone } from '../layout.ts';
import { setParams } from '../location.ts';
import { canEdit, database } from '../session.ts';
import { viewStatus } from '../status.ts';
import { Icon } from '../ui/Icon.tsx';
import { Menu } from '../ui/Menu.tsx';
import { confirm } from '../ui/open-dialogs.ts';
import { SplitPane } from '../ui/SplitPane.tsx';
import { count, rowsText } from '../ui/sizes.ts';
import { toastError } from '../ui/Toast.tsx';
import { draftOf, keepDraft } from './drafts.ts';
import { EditorPane } from './EditorPane.tsx';
import type { Editor } from './editor.ts';
import { HistoryPanel } from './HistoryPanel.tsx';
import { queryOf } from './open-queries.ts';
import { ParameterForm } from './ParameterForm.tsx';
import { Results } from './Results.tsx';
import type { Ask, Run } from './runner.ts';
import { SaveDialog } from './SaveDialog.tsx';
import { removeQuery, savedOf } from './saved.ts';
import './sql.css';

export default function SqlView() {
  const db = database.value;
  const shown = shownDocument.value; // the store gives the address a query in a moment
  if (db === null || shown?.view !== 'sql') return <div class="loading" aria-busy="true" />;
  return <Sql key={`${db}\n${shown.name}`} db={db} query={shown.name} />;
}

/** Wait so long after a key before the parameters are read anew. */
const readParametersMs = 400;

function Sql({ db, query }: { readonly db: string; readonly query: string }) {
  const editor = useRef<Editor | null>(null);
  const own = queryOf(db, query);
  const { current, plan } = own.runner;
  const [first] = useState(() => draftOf(db, query));
  const [text, setText] = useState(first);
  const [names, setNames] = useState<readonly string[]>([]);
  const parameters = own.parameters.value;
  const [isHistoryOpen, setHistoryOpen] = useState(false);
  const [isSaving, setSaving] = useState(false);
  const running = current.value?.state === 'running';

  useEffect(() => {
    const timer = setTimeout(() => {
      if (!/[?:@$#]/.test(text)) return setNames([]);
      void post<StudioParameters>('studio/parameters', {}, { sql: text }).then(
        (answer) => setNames(answer.names),
        () => undefined, // half a statement: the fields stay as they are
      );
    }, readParametersMs);
    return () => clearTimeout(timer);
  }, [text]);

  useEffect(() => {
    const failure = current.value?.failure;
    editor.current?.mark(failure ?? null);
    viewStatus.value = statusOf(current.peek());
    return () => {
      viewStatus.value = '';
    };
  }, [current.value]);

  const start = (wanted: 'target' | 'all') => {
    const target = wanted === 'target' ? editor.current?.target() : { start: 0, end: text.length };
    if (target === null || target === undefined || text.slice(target.start, target.end).trim() === '') return;
    const sql = text.slice(target.start, target.end);
    const used = Object.fromEntries(names.map((name) => [name, parameters[name] ?? null]));
    setParams({ sql: text.length <= longestInUrl ? text : '' }, { replace: true });
    void own.runner.run(sql, target.start, used, ask);
  };
  const stop = () => {
    if (!own.runner.isRunning) return false;
    void own.runner.cancel();
    return true;
  };
  const showPlan = () => {
    const target = editor.current?.target();
    if (target === null || target === undefined) return;
    const used = Object.fromEntries(names.map((name) => [name, parameters[name] ?? null]));
    own.runner.explain(text.slice(target.start, target.end), used).then(
      () => setParams({ tab: 'plan' }, { replace: true }),
      (error: unknown) => toastError(errorText(error)),
    );
  };
  const show = (sql: string) => {
    editor.current?.setText(sql);
    editor.current?.focus();
  };
  useKey('sql-run', () => start('target'));
  useKey('sql-run-all', () => start('all'));
  useKey('sql-cancel', () => (stop() ? undefined : false));
  useKey('sql-history', () => setHistoryOpen((open) => !open));
  useKey('sql-save', () => setSaving(true));

  const input = (
    <div class="sql-input">
      <div class="sql-bar">
        {running ? (
          <button type="button" class="button danger" title={tip('Cancel', 'sql-cancel')} onClick={stop}>
            <Icon name="stop" size={16} />
            Cancel
          </button>
        ) : (
          <button
            type="button"
            class="button primary"
            title={tip('Run the statement at the cursor, or the selection', 'sql-run')}
            onClick={() => start('target')}
          >
            <Icon name="play" size={16} />
            Run
          </button>
        )}
        <button
          type="button"
          class="button"
          disabled={running}
          title={tip('Run all statements in one transaction', 'sql-run-all')}
          onClick={() => start('all')}
        >
          Run all
        </button>
        <button type="button" class="button" title="How SQLite would run it" onClick={showPlan}>
          Explain
        </button>
        <span class="spacer" />
        {!canEdit.value && <span class="tag">read only</span>}
        <SavedMenu db={db} onShow={show} onSave={() => setSaving(true)} />
        <button
          type="button"
          class="icon-button"
          aria-label="History"
          aria-pressed={isHistoryOpen}
          title={tip('Statements that were run', 'sql-history')}
          onClick={() => setHistoryOpen(!isHistoryOpen)}
        >
          <Icon name="history" />
        </button>
      </div>
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
        onRun={() => start('target')}
        onRunAll={() => start('all')}
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

const ask: Ask = (reasons, sql, changes) =>
  confirm({
    title: 'Run this?',
    action: 'Run it',
    isDangerous: true,
    body: (
      <>
        <ul class="sql-reasons">
          {reasons.map((reason) => (
            <li key={reason}>{reason}.</li>
          ))}
        </ul>
        <pre class="value-card">{sql}</pre>
        <p>{changes === 1 ? '1 row changes.' : `${count(changes)} rows change.`}</p>
      </>
    ),
  });

interface SavedMenuProps {
  readonly db: string;
  readonly onShow: (sql: string) => void;
  readonly onSave: () => void;
}

function SavedMenu({ db, onShow, onSave }: SavedMenuProps) {
  const saved = savedOf(db);
  return (
    <Menu
      label="Saved queries"
      buttonClass="button"
      items={[
        ...saved.map((one) => ({ label: one.name, run: () => onShow(one.sql) })),
        { label: 'Save this query', icon: 'plus' as const, startsGroup: saved.length > 0, run: onSave },
        ...saved.map((one) => ({
          label: `Remove "${one.name}"`,
          icon: 'trash' as const,
          startsGroup: one === saved[0],
          run: () => removeQuery(one),
        })),
      ]}
    >
      Saved
      <Icon name="chevronDown" size={14} />
    </Menu>
  );
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
