// What the tables held at a moment, read-only.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { StudioValue } from '../../../messages/studio/values.ts';
import { ReadGrid } from '../grid/ReadGrid.tsx';
import { LoadedRows } from '../grid/rows.ts';
import { Problem } from '../ui/Problem.tsx';
import { rowsAt } from './requests.ts';
import { cellText, quoted } from './words.ts';

const mostRows = 200;
const tablesSql =
  "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'hoody:%' ORDER BY name";

interface PreviewProps {
  readonly db: string;
  readonly at: string;
  /** Tables that its commit wrote: one of them is shown first. */
  readonly written: readonly string[];
}

export function Preview({ db, at, written }: PreviewProps) {
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
