// One moment: what can be done with it, what changed between it and another one, and what the tables held then.
import { useState } from 'preact/hooks';
import { setParams } from '../location.ts';
import { canEdit } from '../session.ts';
import { dateTime } from '../time-text.ts';
import { Icon } from '../ui/Icon.tsx';
import type { Commit } from './answers.ts';
import { Changes } from './Changes.tsx';
import { CompareWith } from './CompareWith.tsx';
import { ForkDialog } from './ForkDialog.tsx';
import { Preview } from './Preview.tsx';
import { RewindDialog } from './RewindDialog.tsx';
import { inOrder, timeOfMoment } from './words.ts';

interface Props {
  readonly db: string;
  /** A bookmark, or a time in RFC 3339. */
  readonly at: string;
  /** What it is compared with; empty for the commit before it, or for now where that one is not known. */
  readonly from: string;
  /** Of one table alone; empty for all. */
  readonly table: string;
  /** Those of the list, newest first. */
  readonly commits: readonly Commit[];
  readonly onRewound: () => void;
}

export function MomentPanel({ db, at, from, table, commits, onRewound }: Props) {
  const [open, setOpen] = useState<'rewind' | 'fork' | null>(null);
  const place = commits.findIndex(({ bookmark }) => bookmark === at);
  const before = place < 0 ? undefined : commits[place + 1];
  const compared = from || before?.bookmark || (place < 0 ? 'now' : '');
  const timeMs = timeOfMoment(at, commits);
  return (
    <section class="past-panel" aria-label="Chosen moment">
      <header class="past-panel-head">
        <h2>{Number.isNaN(timeMs) ? 'A commit' : dateTime(timeMs)}</h2>
        <button
          type="button"
          class="icon-button"
          aria-label="Close the moment"
          onClick={() => setParams({ at: '', from: '' })}
        >
          <Icon name="close" />
        </button>
      </header>
      <p class="muted past-bookmark">{at}</p>
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
      <section class="past-changes-side" aria-label="Changes">
        <CompareWith at={at} from={from} before={before} commits={commits} />
        {compared === '' ? (
          <p class="muted">Nothing older is kept: choose what to compare it with.</p>
        ) : (
          <Changes key={`${compared} ${at} ${table}`} db={db} table={table} moments={inOrder(compared, at, commits)} />
        )}
      </section>
      <Preview key={at} db={db} at={at} written={table === '' ? (commits[place]?.tables ?? []) : [table]} />
      {open === 'rewind' && <RewindDialog db={db} bookmark={at} onDone={onRewound} onClose={() => setOpen(null)} />}
      {open === 'fork' && <ForkDialog db={db} at={at} onClose={() => setOpen(null)} />}
    </section>
  );
}
