// One moment: what its commit changed, what the tables held then, and what can be done with it.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { StudioValue } from '../../../messages/studio.ts';
import { errorText } from '../api/client.ts';
import { ReadGrid } from '../grid/ReadGrid.tsx';
import { LoadedRows } from '../grid/rows.ts';
import { linkTo } from '../location.ts';
import { canEdit, loadOverview } from '../session.ts';
import { dateTime } from '../time-text.ts';
import { FormDialog } from '../ui/FormDialog.tsx';
import { Icon } from '../ui/Icon.tsx';
import { Problem } from '../ui/Problem.tsx';
import { toast } from '../ui/Toast.tsx';
import { RewindDialog } from './RewindDialog.tsx';
import { type Commit, type Difference, differenceOf, fork, rowsAt } from './requests.ts';
import { cellText, changeText, quoted } from './words.ts';

interface Props {
  readonly db: string;
  readonly commit: Commit;
  /** What it is compared with: the commit before it, or another one that was marked. */
  readonly compared: Commit | undefined;
  readonly onRewound: () => void;
  readonly onClose: () => void;
}

export function MomentPanel({ db, commit, compared, onRewound, onClose }: Props) {
  const [open, setOpen] = useState<'rewind' | 'fork' | null>(null);
  return (
    <section class="past-panel" aria-label="Chosen moment">
      <header class="past-panel-head">
        <h2>{dateTime(Date.parse(commit.time))}</h2>
        <button type="button" class="icon-button" aria-label="Close the moment" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <p class="muted past-bookmark">{commit.bookmark}</p>
      {canEdit.value && (
        <div class="past-actions">
          <button type="button" class="button" onClick={() => setOpen('rewind')}>
            Rewind to here
          </button>
          <button type="button" class="button" onClick={() => setOpen('fork')}>
            Copy to a new database
          </button>
        </div>
      )}
      {compared !== undefined && (
        <Changes key={`${compared.bookmark} ${commit.bookmark}`} {...{ db, compared, commit }} />
      )}
      <Preview key={commit.bookmark} db={db} at={commit.bookmark} written={commit.tables ?? []} />
      {open === 'rewind' && (
        <RewindDialog db={db} bookmark={commit.bookmark} onDone={onRewound} onClose={() => setOpen(null)} />
      )}
      {open === 'fork' && <ForkDialog db={db} at={commit.bookmark} onClose={() => setOpen(null)} />}
    </section>
  );
}

function Changes({
  db,
  compared,
  commit,
}: {
  readonly db: string;
  readonly compared: Commit;
  readonly commit: Commit;
}) {
  const [found, setFound] = useState<Difference | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    const [from, to] = [compared, commit].sort((one, other) => (one.bookmark < other.bookmark ? -1 : 1));
    if (from !== undefined && to !== undefined) {
      differenceOf(db, from.bookmark, to.bookmark, null, 20).then(setFound, setError);
    }
  }, []);
  if (error !== null) return <Problem error={error} />;
  return (
    <section aria-label="Changes" aria-busy={found === null}>
      <h3>Changed since {dateTime(Date.parse(compared.time))}</h3>
      {found?.tables.length === 0 && <p class="muted">No table differs.</p>}
      {found?.tables.map((table) => (
        <details key={table.table} class="past-table">
          <summary>
            <b>{table.table}</b> {changeText(table)}
          </summary>
          <ul class="past-rows">
            {table.rows.map(({ op, key, from, to }) => (
              <li key={JSON.stringify(key)} class={`is-${op}`}>
                {op !== 'added' && <code class="is-from">- {JSON.stringify(from)}</code>}
                {op !== 'removed' && <code class="is-to">+ {JSON.stringify(to)}</code>}
              </li>
            ))}
          </ul>
          {table.rows_truncated && <p class="muted">There are more rows.</p>}
        </details>
      ))}
    </section>
  );
}

const mostRows = 200;
const tablesSql =
  "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'hoody:%' ORDER BY name";

interface PreviewProps {
  readonly db: string;
  readonly at: string;
  /** Tables that its commit wrote. */
  readonly written: readonly string[];
}

function Preview({ db, at, written }: PreviewProps) {
  const [tables, setTables] = useState<readonly string[]>([]);
  const [table, setTable] = useState('');
  const [rows, setRows] = useState<readonly Readonly<Record<string, unknown>>[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    rowsAt(db, at, tablesSql).then((found) => {
      const names = found.map(({ name }) => String(name));
      setTables(names);
      setTable(names.find((name) => written.includes(name)) ?? names[0] ?? '');
    }, setError);
  }, []);
  useEffect(() => {
    if (table === '') return;
    setRows(null);
    rowsAt(db, at, `SELECT * FROM ${quoted(table)} LIMIT ${mostRows}`).then(setRows, setError);
  }, [table]);
  if (error !== null) return <Problem error={error} />;
  return (
    <section class="past-preview" aria-label="Preview">
      <label class="past-choice">
        What it held{' '}
        <select value={table} onChange={(event) => setTable(event.currentTarget.value)}>
          {tables.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      {rows !== null && <Rows label={`${table} at that moment`} rows={rows} />}
    </section>
  );
}

function Rows({
  label,
  rows,
}: {
  readonly label: string;
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}) {
  const version = useSignal(0);
  const columns = useMemo(() => Object.keys(rows[0] ?? {}), [rows]);
  const values = useMemo(
    () => rows.map((row) => columns.map((name): StudioValue => (row[name] === null ? null : cellText(row[name])))),
    [rows],
  );
  const loaded = useMemo(() => new LoadedRows(values, version), [values]);
  if (rows.length === 0) return <p class="muted">It was empty.</p>;
  return (
    <div class="past-grid">
      <ReadGrid label={label} columns={columns} rows={loaded} sample={values} />
    </div>
  );
}

function ForkDialog({ db, at, onClose }: { readonly db: string; readonly at: string; readonly onClose: () => void }) {
  const [name, setName] = useState(`${db.replace(/\.db$/, '')}-then`);
  const submit = async () => {
    try {
      await fork(db, at, name);
    } catch (error) {
      return errorText(error);
    }
    const path = name.endsWith('.db') ? name : `${name}.db`;
    toast({
      text: `${path} holds that moment`,
      action: {
        label: 'Open',
        run: () => window.location.assign(linkTo({ view: 'tables', db: path, params: {} })),
      },
    });
    void loadOverview();
    onClose();
    return undefined;
  };
  return (
    <FormDialog title="Copy this moment" action="Copy" size="small" onClose={onClose} submit={submit}>
      <label class="field">
        Name of the new database
        <input
          class="input"
          data-autofocus
          value={name}
          required
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
    </FormDialog>
  );
}
