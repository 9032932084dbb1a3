// The entry of the page: the token prompt, a shared view, or the studio.
import { render } from 'preact';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/controls.css';
import './theme.ts';
import { useEffect, useState } from 'preact/hooks';
import { tokenPrompt, watchConnection } from './api/client.ts';
import { App } from './app.tsx';
import { listenForKeys } from './keys.ts';
import { parseRoute, shareToken } from './routes.ts';
import { overview, overviewError, startSession } from './session.ts';
import { lazy } from './ui/lazy.tsx';
import { Problem } from './ui/Problem.tsx';
import { viewOf } from './views.ts';

const TokenPrompt = lazy(() => import('./ui/TokenPrompt.tsx').then((module) => module.TokenPrompt));

function Studio() {
  if (tokenPrompt.value !== null) return <TokenPrompt />;
  if (overview.value === null) {
    return overviewError.value === null ? (
      <div class="loading" aria-busy="true" />
    ) : (
      <Problem error={overviewError.value} onRetry={() => window.location.reload()} />
    );
  }
  return <App />;
}

/** A share link needs none of the studio, and its token may do nothing else. */
function Shared({ token }: { readonly token: string }) {
  const [Page, setPage] = useState<typeof import('./share/SharedPage.tsx').default | null>(null);
  useEffect(() => {
    void import('./share/SharedPage.tsx').then((module) => setPage(() => module.default));
  }, []);
  return Page === null ? <div class="loading" aria-busy="true" /> : <Page token={token} />;
}

const root = document.getElementById('app');
const token = shareToken(window.location.hash);
// Back from a shared view, say: the two have nothing in common.
window.addEventListener('hashchange', () => {
  if (shareToken(window.location.hash) !== token) window.location.reload();
});
if (root !== null && token !== null) render(<Shared token={token} />, root);
else if (root !== null) {
  watchConnection();
  listenForKeys();
  startSession();
  // The code of the view comes while the server is asked for databases and schema.
  void viewOf(parseRoute(window.location.hash).view)?.load();
  render(<Studio />, root);
}
