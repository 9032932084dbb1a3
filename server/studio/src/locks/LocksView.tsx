// Who blocks whom, live: the chain with the head blocker at its root, what each program holds and for how long, the map
// of lock bytes, and what has happened.
import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { route, setParams } from '../location.ts';
import { database, overview } from '../session.ts';
import { lockStatus, setBadge } from '../status.ts';
import { copyText } from '../ui/copy-text.ts';
import { EmptyState } from '../ui/EmptyState.tsx';
import { Icon } from '../ui/Icon.tsx';
import { announce } from '../ui/LiveRegion.tsx';
import { Problem } from '../ui/Problem.tsx';
import { locksAsText } from './as-text.ts';
import { ByteMapView } from './ByteMapView.tsx';
import { ChainTree } from './ChainTree.tsx';
import { type Chain, chainOf } from './chain.ts';
import { EventList } from './EventList.tsx';
import { LockStream } from './lock-stream.ts';
import './locks.css';
import { OwnerPanel } from './OwnerPanel.tsx';
import { type LockSnapshot, later } from './snapshot.ts';
import { duration } from './words.ts';

/** How often times of holding and waiting are drawn anew. */
const tickMs = 500;

export default function LocksView() {
  const db = database.value;
  const known = overview.value;
  const isAll = route.value.params.all === '1';
  if (db === null || known === null) return null;
  if (!known.mounted) return <NotMounted db={db} />;
  return <Locks key={isAll ? '*' : db} db={isAll ? null : db} />;
}

function NotMounted({ db }: { readonly db: string }) {
  return (
    <>
      <h1 class="visually-hidden">Locks of {db}</h1>
      <EmptyState icon="lock" title="Locks are seen on the mount only">
        This server serves its files without a mount, so that SQLite's locks go past it. Start it as root with a mount:
        then this page shows which program holds a database, and who waits for it.
      </EmptyState>
    </>
  );
}

function Locks({ db }: { readonly db: string | null }) {
  const stream = useMemo(() => new LockStream(db), [db]);
  useEffect(() => () => stream.stop(), [stream]);
  const snapshot = useTicking(stream);
  const [chosen, setChosen] = useState<number | null>(null);
  const chains = snapshot?.databases.map(chainOf) ?? [];
  const waiters = chains.reduce((sum, chain) => sum + chain.waiters, 0);
  const holders = chains.reduce((sum, chain) => sum + chain.holders, 0);
  const longest = Math.max(0, ...chains.map(({ longestWaitMs }) => longestWaitMs));
  useStatus(holders, waiters);
  if (stream.error.value !== null) return <Problem error={stream.error.value} />;
  if (snapshot === null) return <div class="loading" aria-busy="true" />;
  const isPaused = stream.isPaused.value;
  const parties = snapshot.databases.flatMap((one) => [...one.holders, ...one.waiters]);
  return (
    <div class="locks-view">
      <header class="locks-head">
        <h1>{db ?? 'All databases'}</h1>
        <dl class="locks-facts">
          <Fact name="hold" value={`${holders}`} />
          <Fact name="wait" value={`${waiters}`} isLoud={waiters > 0} />
          <Fact name="longest wait" value={waiters > 0 ? duration(longest) : 'none'} isLoud={waiters > 0} />
        </dl>
        <span class="spacer" />
        <button
          type="button"
          class="button"
          aria-pressed={db === null}
          onClick={() => setParams({ all: db === null ? '' : '1' })}
        >
          All databases
        </button>
        <button type="button" class="button" aria-pressed={isPaused} onClick={() => stream.pause(!isPaused)}>
          <Icon name={isPaused ? 'play' : 'stop'} size={14} /> {isPaused ? 'Go on' : 'Pause'}
        </button>
        <button
          type="button"
          class="button"
          onClick={() => void copyText(locksAsText(chains), 'The chain is on the clipboard as text')}
        >
          <Icon name="copy" size={16} /> Copy text
        </button>
      </header>
      {isPaused && <p class="locks-paused">Paused: this is how it was at that moment.</p>}
      <Chains chains={chains} isAll={db === null} onChoose={setChosen} />
      <details class="locks-more">
        <summary>Lock bytes of SQLite</summary>
        {snapshot.databases.map((one) => (
          <ByteMapView key={one.db} locks={one} />
        ))}
        {snapshot.databases.length === 0 && <p class="muted">No byte is locked.</p>}
      </details>
      <EventList events={stream.events.value} showsDb={db === null} />
      {chosen !== null && (
        <OwnerPanel pid={chosen} snapshot={snapshot} parties={parties} onClose={() => setChosen(null)} />
      )}
    </div>
  );
}

interface ChainsProps {
  readonly chains: readonly Chain[];
  readonly isAll: boolean;
  readonly onChoose: (pid: number) => void;
}

function Chains({ chains, isAll, onChoose }: ChainsProps) {
  if (chains.every(({ roots, idle }) => roots.length + idle.length === 0)) {
    return (
      <EmptyState icon="lock" title="Nobody holds a lock">
        As soon as a program reads or writes, it appears here. If one has to wait, you see for whom.
      </EmptyState>
    );
  }
  return (
    <>
      {chains.map((chain) => (
        <ChainTree key={chain.db} chain={chain} showsDb={isAll} onChoose={onChoose} />
      ))}
    </>
  );
}

function Fact({
  name,
  value,
  isLoud = false,
}: {
  readonly name: string;
  readonly value: string;
  readonly isLoud?: boolean;
}) {
  return (
    <div class={isLoud ? 'locks-fact is-loud' : 'locks-fact'}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

/** The snapshot with times that go on while nothing changes. A pause, and a hidden tab, hold them. */
function useTicking(stream: LockStream): LockSnapshot | null {
  const now = useSignal(performance.now());
  const shown = stream.shown.value;
  const isPaused = stream.isPaused.value;
  const hasParties = (shown?.snapshot.databases.length ?? 0) > 0;
  useEffect(() => {
    if (isPaused || !hasParties) return;
    const timer = setInterval(() => {
      if (!document.hidden) now.value = performance.now();
    }, tickMs);
    return () => clearInterval(timer);
  }, [isPaused, hasParties]);
  return shown === null ? null : later(shown.snapshot, Math.max(0, now.value - shown.atMs));
}

/** The status bar and the tab tell it, too; a screen reader hears of a change of the number of waiters. */
function useStatus(holders: number, waiters: number): void {
  useEffect(() => {
    lockStatus.value = waiters > 0 ? `${holders} hold, ${waiters} wait` : holders > 0 ? `${holders} hold` : 'free';
    setBadge('locks', waiters);
  }, [holders, waiters]);
  useEffect(() => {
    if (waiters > 0) announce(`${waiters} ${waiters === 1 ? 'program waits' : 'programs wait'}`);
  }, [waiters]);
  useEffect(
    () => () => {
      lockStatus.value = '';
      setBadge('locks', 0);
    },
    [],
  );
}
