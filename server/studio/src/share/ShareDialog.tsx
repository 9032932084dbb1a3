// Makes a link that shows the present view, read only and for a time, to whoever has it.
import { useState } from 'preact/hooks';
import type { StudioShare, StudioSharedView } from '../../../messages/studio/shares.ts';
import { errorText, post } from '../api/client.ts';
import { linkTo, route } from '../location.ts';
import { database, schema } from '../session.ts';
import { choicesOf } from '../tables/column-choices.ts';
import { copyText } from '../ui/copy-text.ts';
import { Dialog } from '../ui/Dialog.tsx';
import './share.css';
import { describeView, titleOf, viewOfRoute } from './view-of-route.ts';

const hour = 3600;
const lifetimes: readonly [number, string][] = [
  [hour, 'an hour'],
  [24 * hour, 'a day'],
  [7 * 24 * hour, 'a week'],
  [30 * 24 * hour, '30 days'],
  [90 * 24 * hour, '90 days'],
];

export function ShareDialog({ onClose }: { readonly onClose: () => void }) {
  const db = database.peek() ?? '';
  const found = viewOfRoute(route.peek(), schema.peek()?.objects ?? [], hiddenColumns(db));
  const [view, setView] = useState<StudioSharedView | null>(found);
  const [title, setTitle] = useState(found === null ? '' : titleOf(found));
  const [seconds, setSeconds] = useState(7 * 24 * hour);
  const [share, setShare] = useState<StudioShare | null>(null);
  const [error, setError] = useState('');
  if (view === null) {
    return (
      <Dialog title="Share this view" size="small" onClose={onClose}>
        <p>{nothingToShare[route.peek().view] ?? 'This view cannot be shared.'}</p>
      </Dialog>
    );
  }
  const make = async () => {
    try {
      setShare(await post<StudioShare>('studio/shares', {}, { db, title: title.trim(), view, expiresIn: seconds }));
      setError('');
    } catch (cause) {
      setError(errorText(cause));
    }
  };
  if (share !== null) return <Made share={share} onClose={onClose} />;
  return (
    <Dialog
      title="Share this view"
      size="medium"
      onClose={onClose}
      actions={
        <button type="button" class="button primary" onClick={() => void make()}>
          Make the link
        </button>
      }
    >
      <p>{describeView(view)}</p>
      <p class="muted">Whoever has the link sees this and nothing else, and cannot change anything.</p>
      <label class="labelled">
        Title
        <input
          class="field"
          data-autofocus
          value={title}
          onInput={({ currentTarget }) => setTitle(currentTarget.value)}
        />
      </label>
      <label class="labelled">
        It ends after
        <select
          class="field"
          value={String(seconds)}
          onChange={({ currentTarget }) => setSeconds(Number(currentTarget.value))}
        >
          {lifetimes.map(([value, label]) => (
            <option key={value} value={String(value)}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {view.kind === 'key' && (
        <label class="check">
          <input
            type="checkbox"
            checked={view.history}
            onChange={({ currentTarget }) => setView({ ...view, history: currentTarget.checked })}
          />
          With its history
        </label>
      )}
      {error !== '' && (
        <p class="error-text" role="alert">
          {error}
        </p>
      )}
    </Dialog>
  );
}

const nothingToShare: Readonly<Record<string, string>> = {
  tables: 'Open a table first: a link shows the rows of one table.',
  sql: 'Run a query first: a link shows what it answers.',
  keys: 'Choose a key first: a link shows its value.',
};

function hiddenColumns(db: string): ReadonlySet<string> {
  const choices = choicesOf(db, route.peek().params.table ?? '');
  return new Set(Object.entries(choices).flatMap(([name, { isHidden }]) => (isHidden ? [name] : [])));
}

function Made({ share, onClose }: { readonly share: StudioShare; readonly onClose: () => void }) {
  const page = new URL(window.location.href);
  page.hash = `share=${share.token ?? ''}`;
  return (
    <Dialog
      title="The link is made"
      size="medium"
      onClose={onClose}
      actions={
        <button
          type="button"
          class="button primary"
          data-autofocus
          onClick={() => void copyText(page.href, 'Copied the link.')}
        >
          Copy the link
        </button>
      }
    >
      <label class="labelled">
        Link
        <input class="field mono" readOnly value={page.href} onFocus={({ currentTarget }) => currentTarget.select()} />
      </label>
      <p class="muted">
        The server keeps no copy of it: copy it now. <a href={linkTo({ view: 'shares', params: {} })}>Share links</a>{' '}
        lists all of them, and can revoke them.
      </p>
    </Dialog>
  );
}
