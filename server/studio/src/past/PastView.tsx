// The time line of a database: every commit by anybody, and what one of them can be used for.
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, errorText } from '../api/client.ts';
import { useAfterCommits } from '../live/after-commits.ts';
import { route, setParams } from '../location.ts';
import { database, schema } from '../session.ts';
import { ago, dateTime } from '../time-text.ts';
import { EmptyState } from '../ui/EmptyState.tsx';
import { Problem } from '../ui/Problem.tsx';
import { Density } from './Density.tsx';
import { MomentPanel } from './MomentPanel.tsx';
import './past.css';
import { type Commit, commitsOf } from './requests.ts';
import { placeText, writerText } from './words.ts';

export default function PastView() {
  const db = database.value;
  if (db === null) return null;
  const { table = '' } = route.value.params;
  return <Past key={`${db}\n${table}`} db={db} table={table} />;
}

/** A commit is in the archive a moment after it is told. */
const archivedMs = 300;

function Past({ db, table }: { readonly db: string; readonly table: string }) {
  const [commits, setCommits] = useState<readonly Commit[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [writer, setWriter] = useState('');
  const depth = useRef(0);
  const load = async (before: string | null) => {
    try {
      const page = await commitsOf(db, table, before);
      setError(null);
      setCommits((known) =>
        before === null ? merged(page.commits, known ?? []) : [...(known ?? []), ...page.commits],
      );
      if (before !== null || depth.current === 0) setNext(page.next_before);
      depth.current += 1;
    } catch (cause) {
      setError(cause);
    }
  };
  useEffect(() => void load(null), []);
  useAfterCommits(db, async () => {
    await new Promise((done) => setTimeout(done, archivedMs));
    await load(null);
  });
  if (error instanceof ApiError && error.code === 'NOT_ARCHIVED') return <NotKept db={db} error={error} />;
  if (error !== null) return <Problem error={error} onRetry={() => void load(null)} />;
  if (commits === null) return <div class="loading" aria-busy="true" />;
  const { at = '' } = route.value.params;
  const writers = [...new Set(commits.map(writerText))].sort();
  const shown = commits.filter((commit) => writer === '' || writerText(commit) === writer);
  const chosen = commits.findIndex(({ bookmark }) => bookmark === at);
  const commit = commits[chosen];
  const choose = ({ bookmark }: Commit) => setParams({ at: bookmark });
  return (
    <div class={`past-view${commit === undefined ? '' : ' has-moment'}`}>
      <h1 class="visually-hidden">Past of {db}</h1>
      <div class="past-list-side">
        <header class="past-head">
          <h2>Past of {db}</h2>
          <label class="past-choice">
            Table{' '}
            <select value={table} onChange={(event) => setParams({ table: event.currentTarget.value, at: '' })}>
              <option value="">all</option>
              {(schema.value?.objects ?? [])
                .filter(({ type }) => type === 'table')
                .map(({ name }) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
            </select>
          </label>
          <label class="past-choice">
            Written by{' '}
            <select value={writer} onChange={(event) => setWriter(event.currentTarget.value)}>
              <option value="">anybody</option>
              {writers.map((name) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        </header>
        {shown.length > 1 && <Density commits={shown} />}
        {shown.length === 0 && <p class="muted">No commit is kept yet.</p>}
        <ol class="past-list" aria-label="Commits">
          {shown.map((one) => (
            <Line key={one.bookmark} commit={one} isChosen={one.bookmark === at} onChoose={() => choose(one)} />
          ))}
        </ol>
        {next !== null && (
          <button type="button" class="button" onClick={() => void load(next)}>
            Older commits
          </button>
        )}
      </div>
      {commit !== undefined && (
        <MomentPanel
          key={commit.bookmark}
          db={db}
          commit={commit}
          compared={table === '' ? commits[chosen + 1] : undefined}
          onRewound={() => void load(null)}
          onClose={() => setParams({ at: '' })}
        />
      )}
    </div>
  );
}

/** New ones in front of those that are known. */
function merged(newest: readonly Commit[], known: readonly Commit[]): readonly Commit[] {
  const names = new Set(newest.map(({ bookmark }) => bookmark));
  return [...newest, ...known.filter(({ bookmark }) => !names.has(bookmark))];
}

interface LineProps {
  readonly commit: Commit;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}

function Line({ commit, isChosen, onChoose }: LineProps) {
  const { time, kind, pages, page_size: pageBytes, tables = [], reason, rewound_to: to } = commit;
  const timeMs = Date.parse(time);
  const isMarked = kind === 'resync' || to !== undefined;
  return (
    <li>
      <button
        type="button"
        class={`past-entry${isMarked ? ' is-marked' : ''}`}
        aria-current={isChosen}
        title={reason ?? ago(timeMs, Date.now())}
        onClick={onChoose}
      >
        <time dateTime={time}>{dateTime(timeMs)}</time>
        <span>
          <b>{writerText(commit)}</b> <span class="muted">{placeText(commit)}</span>
        </span>
        <span class="past-tables">{tables.filter((name) => !name.startsWith('hoody:')).join(', ')}</span>
        <span class="muted">{Math.max(1, Math.round((pages * pageBytes) / 1024))} KB</span>
      </button>
    </li>
  );
}

function NotKept({ db, error }: { readonly db: string; readonly error: ApiError }) {
  return (
    <>
      <h1 class="visually-hidden">Past of {db}</h1>
      <EmptyState icon="history" title={`The past of ${db} is not kept`}>
        <p>{errorText(error)}.</p>
        <p>
          With <code>hoody-sqlite start --archive wal</code> every commit of a database in WAL mode can be seen here,
          compared and brought back.
        </p>
      </EmptyState>
    </>
  );
}
