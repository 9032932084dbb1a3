// What the holder of a share link sees instead of the whole page.
import { useEffect, useState } from 'preact/hooks';
import type { StudioShare, StudioShared } from '../../../messages/studio/shares.ts';
import { ApiError, errorText } from '../api/client.ts';
import { dateTime, until } from '../time-text.ts';
import { EmptyState } from '../ui/EmptyState.tsx';
import { Icon } from '../ui/Icon.tsx';
import { Problem } from '../ui/Problem.tsx';
import { Toasts } from '../ui/Toast.tsx';
import { type AskShared, askWith } from './ask-shared.ts';
import './share.css';
import { SharedKey } from './SharedKey.tsx';
import { SharedResult } from './SharedResult.tsx';
import { SharedTable } from './SharedTable.tsx';

export default function SharedPage({ token }: { readonly token: string }) {
  const [shown, setShown] = useState<StudioShared | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [ask] = useState(() => askWith(token));
  const load = () => ask({}).then(setShown, setError);
  useEffect(() => void load(), [token]);
  if (error instanceof ApiError && error.status === 401) {
    return (
      <main class="shared-page">
        <EmptyState icon="share" title="This link shows nothing any more">
          It has ended, it was revoked, or a part of it was lost on its way. Ask whoever sent it for a new one.
        </EmptyState>
      </main>
    );
  }
  if (error !== null) return <Problem error={errorText(error)} onRetry={() => void load()} />;
  if (shown === null) return <div class="loading" aria-busy="true" />;
  return (
    <main class="shared-page">
      <Head share={shown.share} />
      <div class="shared-content">
        <Content shown={shown} ask={ask} />
      </div>
      <Toasts />
    </main>
  );
}

function Head({ share }: { readonly share: StudioShare }) {
  useEffect(() => {
    document.title = `${share.title} - ${share.db}`;
  }, [share]);
  return (
    <header class="shared-head">
      <h1>{share.title === '' ? share.db : share.title}</h1>
      <p class="muted">
        <Icon name="eye" size={16} /> {share.db}, read only.{' '}
        <span title={dateTime(Date.parse(share.expires))}>Ends {until(Date.parse(share.expires), Date.now())}.</span>
      </p>
    </header>
  );
}

function Content({ shown, ask }: { readonly shown: StudioShared; readonly ask: AskShared }) {
  const { share, rows, result, value, history } = shown;
  if (rows !== undefined) return <SharedTable share={share} first={rows} ask={ask} />;
  if (result !== undefined && share.view.kind === 'sql') return <SharedResult view={share.view} result={result} />;
  if (value !== undefined) return <SharedKey value={value} history={history} ask={ask} />;
  return <EmptyState icon="share" title="Nothing to show" />;
}
