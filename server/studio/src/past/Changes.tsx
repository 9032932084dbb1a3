// What differs between two moments: tables, the rows of each, other definitions.
import { useEffect, useState } from 'preact/hooks';
import { dateTime } from '../time-text.ts';
import { Problem } from '../ui/Problem.tsx';
import type { Difference, Moment, RowChange } from './answers.ts';
import { differenceOf } from './requests.ts';
import { cellText, changeText, isOwnTable, rowParts } from './words.ts';

interface Props {
  readonly db: string;
  /** Of one table alone; empty for all. */
  readonly table: string;
  /** Bookmarks, times, or `now`: the earlier one first. */
  readonly moments: readonly [string, string];
}

const fewRows = 20;
/** So many show their rows at once. */
const fewTables = 3;
const mostRows = 1_000;

export function Changes({ db, table, moments: [from, to] }: Props) {
  const [found, setFound] = useState<Difference | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    differenceOf(db, from, to, table || null, fewRows).then(setFound, setError);
  }, []);
  if (error !== null) return <Problem error={error} />;
  if (found === null) return <div class="loading" aria-busy="true" />;
  const tables = found.tables.filter((one) => !isOwnTable(one.table));
  const objects = found.objects.filter(({ type, name }) => type !== 'table' && !isOwnTable(name));
  return (
    <>
      <h3>
        Changed from {momentText(found.from)} to{' '}
        {to === 'now' ? `now (commit ${found.to.number})` : momentText(found.to)}
      </h3>
      {tables.length + objects.length === 0 && <p class="muted">No table differs.</p>}
      {tables.map((one) => (
        <TableChanges key={one.table} {...{ db, from, to }} change={one} isOpen={tables.length <= fewTables} />
      ))}
      {objects.length > 0 && (
        <ul class="past-changes">
          {objects.map(({ type, name, change }) => (
            <li key={`${type} ${name}`}>
              {type} <b>{name}</b> {change}
            </li>
          ))}
        </ul>
      )}
      {!found.is_complete && <p class="muted">Not every row was compared in time.</p>}
    </>
  );
}

/** With its number: several commits may have been made in one second. */
function momentText({ time, number }: Moment): string {
  return `${dateTime(Date.parse(time))} (commit ${number})`;
}

interface TableProps {
  readonly db: string;
  readonly from: string;
  readonly to: string;
  readonly change: Difference['tables'][number];
  readonly isOpen: boolean;
}

function TableChanges({ db, from, to, change, isOpen }: TableProps) {
  const [all, setAll] = useState<Difference['tables'][number] | undefined>(undefined);
  const [error, setError] = useState<unknown>(null);
  const more = () =>
    differenceOf(db, from, to, change.table, mostRows).then(({ tables }) => setAll(tables[0]), setError);
  const { rows, rows_truncated: isCut } = all ?? change;
  return (
    <details class="past-table" open={isOpen}>
      <summary>
        <b>{change.table}</b> {changeText(change)}
      </summary>
      <ul class="past-rows">
        {rows.map((row) => (
          <Row key={`${row.op}${JSON.stringify(row.key)}`} change={row} />
        ))}
      </ul>
      {error !== null && <Problem error={error} />}
      {isCut && all === undefined && (
        <button type="button" class="button" onClick={() => void more()}>
          More rows
        </button>
      )}
      {isCut && all !== undefined && <p class="muted">There are more rows: the first {rows.length} are shown.</p>}
    </details>
  );
}

const signs = { added: '+', removed: '-', changed: '~' } as const;

function Row({ change }: { readonly change: RowChange }) {
  const { key, cells } = rowParts(change);
  return (
    <li class={`past-row is-${change.op}`}>
      <span class="past-sign" title={change.op}>
        <span aria-hidden="true">{signs[change.op]}</span>
        <span class="visually-hidden">{change.op}</span>
      </span>
      <b>{key}</b>
      {cells.map(({ name, from, to }) => (
        <span key={name} class="past-cell">
          <span class="muted">{name}</span> {from !== undefined && <del>{cellText(from)}</del>}{' '}
          {to !== undefined && <ins>{cellText(to)}</ins>}
        </span>
      ))}
    </li>
  );
}
