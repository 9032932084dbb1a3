// The time line of a database: every commit by anybody, and what one of them can be used for.
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, errorText, isPassing } from '../api/client.ts';
import { useAfterCommits } from '../live/after-commits.ts';
import { route, setParams } from '../location.ts';
import { database, schema } from '../session.ts';
import { ago, dateTime } from '../time-text.ts';
import { EmptyState } from '../ui/EmptyState.tsx';
import { Problem } from '../ui/Problem.tsx';
import { Density } from './Density.tsx';
import { MomentPanel } from './MomentPanel.tsx';
import './past.css';
import type { Commit } from './answers.ts';
import { commitsOf } from './requests.ts';
import { TimeField } from './TimeField.tsx';
import { changedTables, placeText, writerText } from './words.ts';

export default function PastView() {
  const db = database.value;
  if (db === null) return null;
  const { table = '' } = route.value.params;
  return <Past key={`${db}\n${table}`} db={db} table={table} />;
}

/** A commit is in the archive a moment after it is told; on a busy machine, some moments after. */
const archivedMs = [300, 1000, 3000];

function Past({ db, table }: { readonly db: string; readonly table: string }) {
  const [commits, setCommits] = useState<readonly Commit[] | null>(null);
  const [next, setNext] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [writer, setWriter] = useState('');
  const depth = useRef(0);
  const newest = useRef<string | undefined>(undefined);
  /** False if the newest commit is the one that was known. */
  const load = async (before: string | null) => {
    const known = newest.current;
    try {
      const page = await commitsOf(db, table, before);
      if (before === null) newest.current = page.commits[0]?.bookmark;
      setError(null);
      setCommits((known) =>
        before === null ? merged(page.commits, known ?? []) : [...(known ?? []), ...page.commits],
      );
      if (before !== null || depth.current === 0) setNext(page.next_before);
      depth.current += 1;
    } catch (cause) {
      // What is shown stays, with the dialogs over it.
      if (depth.current === 0 || !isPassing(cause)) setError(cause);
    }
    return newest.current !== known;
  };
  useEffect(() => void load(null), []);
  useAfterCommits(db, async () => {
    for (const ms of archivedMs) {
      await new Promise((done) => setTimeout(done, ms));
      if (await load(null)) return;
    }
  });
  if (error instanceof ApiError && error.code === 'NOT_ARCHIVED') return <NotKept db={db} error={error} />;
  if (error !== null) return <Problem error={error} onRetry={() => void load(null)} />;
  if (commits === null) return <div class="loading" aria-busy="true" />;
  const { at = '', from = '' } = route.value.params;
  const writers = [...new Set(commits.map(writerText))].sort();
  const shown = commits.filter((commit) => writer === '' || writerText(commit) === writer);
  const choose = ({ bookmark }: Commit, asOther: boolean) => {
    setParams(asOther && at !== '' && bookmark !== at ? { from: bookmark } : { at: bookmark, from: '' });
  };
  return (
    <div class={`past-view${at === '' ? '' : ' has-moment'}`}>
      <h1 class="visually-hidden">Past of {db}</h1>
      <div class="past-list-side">
        <header class="past-head">
          <h2>Past of {db}</h2>
          <label class="past-choice">
            Table{' '}
            <select
              value={table}
              onChange={(event) => setParams({ table: event.currentTarget.value, at: '', from: '' })}
            >
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
          <TimeField label="State at" action="Show" onChosen={(time) => setParams({ at: time, from: '' })} />
        </header>
        {shown.length > 1 && <Density commits={shown} />}
        {shown.length === 0 && <p class="muted">No commit is kept yet.</p>}
        <ol class="past-list" aria-label="Commits" onKeyDown={moveByArrow}>
          {shown.map((one) => (
            <Line
              key={one.bookmark}
              commit={one}
              isChosen={one.bookmark === at}
              isCompared={one.bookmark === from}
              onChoose={(asOther) => choose(one, asOther)}
            />
          ))}
        </ol>
        {next !== null && (
          <button type="button" class="button" onClick={() => void load(next)}>
            Older commits
          </button>
        )}
      </div>
      {at !== '' && <MomentPanel key={at} {...{ db, at, from, table, commits }} onRewound={() => void load(null)} />}
    </div>
  );
}

/** New ones in front of those that are known. */
function merged(newest: readonly Commit[], known: readonly Commit[]): readonly Commit[] {
  const names = new Set(newest.map(({ bookmark }) => bookmark));
  return [...newest, ...known.filter(({ bookmark }) => !names.has(bookmark))];
}

function moveByArrow(event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  const lines: readonly (Element | null)[] = [...event.currentTarget.querySelectorAll('button')];
  const next = lines[lines.indexOf(document.activeElement) + step];
  if (next instanceof HTMLElement) next.focus();
  event.preventDefault();
}

interface LineProps {
  readonly commit: Commit;
  readonly isChosen: boolean;
  /** The chosen one is compared with it. */
  readonly isCompared: boolean;
  /** `asOther`: to be compared with the one that is chosen already. */
  readonly onChoose: (asOther: boolean) => void;
}

function Line({ commit, isChosen, isCompared, onChoose }: LineProps) {
  const { time, kind, pages, page_size: pageBytes, reason, rewound_to: to } = commit;
  const timeMs = Date.parse(time);
  const isMarked = kind === 'resync' || to !== undefined;
  return (
    <li>
      <button
        type="button"
        class={`past-entry${isMarked ? ' is-marked' : ''}`}
        aria-current={isChosen}
        title={`${reason ?? ago(timeMs, Date.now())}. With Shift: compare the chosen moment with this one`}
        onClick={(event) => onChoose(event.shiftKey)}
      >
        <time dateTime={time}>{dateTime(timeMs)}</time>
        <span>
          {isCompared && <span class="past-mark">compared</span>} <b>{writerText(commit)}</b>{' '}
          <span class="muted">{placeText(commit)}</span>
        </span>
        <span class="past-tables">{changedTables(commit).join(', ')}</span>
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
