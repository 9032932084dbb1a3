// The share links of this server: what they show, when they end, and a way to revoke them.
import { useEffect, useState } from 'preact/hooks';
import type { StudioShare, StudioShares } from '../../../messages/studio/shares.ts';
import { errorText, get, request } from '../api/client.ts';
import { canEdit } from '../session.ts';
import { dateTime, until } from '../time-text.ts';
import { EmptyState } from '../ui/EmptyState.tsx';
import { Icon } from '../ui/Icon.tsx';
import { confirm } from '../ui/open-dialogs.ts';
import { Problem } from '../ui/Problem.tsx';
import { toast, toastError } from '../ui/Toast.tsx';
import './share.css';
import { describeView } from './view-of-route.ts';

export default function SharesView() {
  const [shares, setShares] = useState<readonly StudioShare[] | null>(null);
  const [error, setError] = useState('');
  const load = async () => {
    try {
      setShares((await get<StudioShares>('studio/shares')).shares);
      setError('');
    } catch (cause) {
      setError(errorText(cause));
    }
  };
  useEffect(() => void load(), []);
  if (error !== '') return <Problem error={error} onRetry={() => void load()} />;
  if (shares === null) return <div class="loading" aria-busy="true" />;
  const revoke = async (share: StudioShare) => {
    const wanted = await confirm({
      title: 'Revoke this link?',
      body: <p>Whoever opens "{share.title}" from now on is told that it has ended.</p>,
      action: 'Revoke',
      isDangerous: true,
    });
    if (!wanted) return;
    try {
      await request('DELETE', `studio/shares/${encodeURIComponent(share.id)}`);
      toast({ text: 'Revoked.' });
      await load();
    } catch (cause) {
      toastError(errorText(cause));
    }
  };
  return (
    <div class="page">
      <h1>Share links</h1>
      {shares.length === 0 ? (
        <EmptyState icon="share" title="No links">
          Share a table, a query or a key with the button at the top: the link shows that and nothing else.
        </EmptyState>
      ) : (
        <ul class="share-list">
          {shares.map((share) => (
            <li key={share.id} class="share-card">
              <div>
                <h2>{share.title === '' ? 'Without a title' : share.title}</h2>
                <p>{describeView(share.view)}</p>
                <p class="muted">
                  {share.db}, made {dateTime(Date.parse(share.created))}, ends{' '}
                  {until(Date.parse(share.expires), Date.now())}
                </p>
              </div>
              {canEdit.value && (
                <button type="button" class="button" onClick={() => void revoke(share)}>
                  <Icon name="trash" size={16} />
                  Revoke
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
