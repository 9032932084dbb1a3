// What is committed, by anybody, as it happens: each commit with the program that made it, newest first.
import { useEffect } from 'preact/hooks';
import { linkTo } from '../location.ts';
import { database, schema } from '../session.ts';
import { liveStatus } from '../status.ts';
import { ago, clockTimeMs } from '../time-text.ts';
import { EmptyState } from '../ui/EmptyState.tsx';
import { Problem } from '../ui/Problem.tsx';
import { type Commit, overHttp, useFeed } from './feed.ts';
import { type KeyChange, useKeyChanges } from './key-changes.ts';
import './live.css';

const drawnLines = 200;

export default function LiveView() {
  const db = database.value;
  if (db === null) return null;
  return (
    <>
      <h1 class="visually-hidden">Live changes of {db}</h1>
      <Live key={db} db={db} />
    </>
  );
}

function Live({ db }: { readonly db: string }) {
  const feed = useFeed(db);
  const commits = feed.commits.value;
  const state = feed.state.value;
  useEffect(() => {
    liveStatus.value = state === 'live' ? 'connected' : '';
    return () => {
      liveStatus.value = '';
    };
  }, [state]);
  const tables = (schema.value?.objects ?? []).filter(({ group }) => group === 'kv').map(({ name }) => name);
  const keys = useKeyChanges(db, tables).value;
  if (feed.error.value !== null) return <Problem error={feed.error.value} />;
  if (commits.length + keys.length === 0) {
    return (
      <EmptyState icon="pulse" title="Waiting for a commit">
        Every commit to {db} appears here within a moment, whoever makes it: a program on the mount, or a client over
        HTTP. Tables and keys show a count of new changes, and can follow them.
      </EmptyState>
    );
  }
  return (
    <section class="live-view" aria-label="Commits">
      <header class="live-head">
        <h2>Live changes</h2>
        <span class="muted">
          {commits.length} {commits.length === 1 ? 'commit' : 'commits'} since this page was opened
        </span>
        <span class="spacer" />
        <a class="button" href={linkTo({ view: 'tables', params: {} })}>
          To the tables
        </a>
      </header>
      <ol class="live-list">
        {merged(commits, keys)
          .slice(0, drawnLines)
          .map((line) =>
            'key' in line ? <KeyLine key={line.id} change={line} /> : <Line key={line.id} commit={line} />,
          )}
      </ol>
    </section>
  );
}

/** By the time when the page heard of each, newest first. */
function merged(commits: readonly Commit[], keys: readonly KeyChange[]): (Commit | KeyChange)[] {
  const timeOf = (line: Commit | KeyChange) => ('key' in line ? line.atMs : Date.parse(line.at));
  return [...commits, ...keys].sort((one, other) => timeOf(other) - timeOf(one));
}

const keyWords: Readonly<Record<string, string>> = {
  set: 'was set',
  ttl: 'has another time to live',
  delete: 'was deleted',
  expire: 'expired',
};

function KeyLine({ change }: { readonly change: KeyChange }) {
  const { atMs, table, key, operation } = change;
  return (
    <li class="live-entry is-key">
      <time>{clockTimeMs(atMs)}</time>
      <span>
        key <a href={linkTo({ view: 'keys', params: { table, key } })}>{key}</a> {keyWords[operation] ?? operation}
      </span>
    </li>
  );
}

function Line({ commit }: { readonly commit: Commit }) {
  const { at, by, own, schemaChanged } = commit;
  const atMs = Date.parse(at);
  return (
    <li class="live-entry">
      <time dateTime={at} title={ago(atMs, Date.now())}>
        {clockTimeMs(atMs)}
      </time>
      <span>
        {own ? (
          <b>this page</b>
        ) : by.length === 0 ? (
          <b>a program</b>
        ) : (
          by.map(({ command, pid, container }) => (
            <span key={pid} class="live-program">
              <b>{command === overHttp ? 'a client over HTTP' : command}</b>
              {command !== overHttp && (
                <span class="muted">
                  {' '}
                  pid {pid} {container === 'host' ? 'on the host' : `in container ${container}`}
                </span>
              )}
            </span>
          ))
        )}{' '}
        committed
      </span>
      {schemaChanged && <span class="tag">schema changed</span>}
    </li>
  );
}
