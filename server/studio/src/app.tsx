// The frame of the page: head, sidebar, the view of the route, bars, and the dialogs that any view may open.
import { useEffect } from 'preact/hooks';
import { lastUsed, linkToTable } from './documents/addresses.ts';
import { environmentOf } from './environment.ts';
import { exportWanted, importWanted } from './export/wanted.ts';
import { type BindingId, useKey } from './keys.ts';
import { isPhone, sidebarOpen } from './layout.ts';
import { linkTo, navigate, route } from './location.ts';
import { formatRoute, type ViewId } from './routes.ts';
import { database, loadOverview, loadSchema, overview, schema } from './session.ts';
import { BottomBar } from './shell/BottomBar.tsx';
import { ConnectionBanner } from './shell/ConnectionBanner.tsx';
import { LazyView } from './shell/LazyView.tsx';
import { Sidebar } from './shell/Sidebar.tsx';
import { StatusBar } from './shell/StatusBar.tsx';
import { DocumentStrip, TopBar } from './shell/TopBar.tsx';
import type { JumpSource } from './ui/JumpMenu.tsx';
import type { JumpTarget } from './ui/jump-targets.ts';
import { LiveRegion } from './ui/LiveRegion.tsx';
import { lazy } from './ui/lazy.tsx';
import { helpOpen, jumpMenuOpen, openHelp, openJumpMenu, openQuestion, usedDatabase } from './ui/open-dialogs.ts';
import { Toasts } from './ui/Toast.tsx';
import { viewOf, views } from './views.ts';

const JumpMenu = lazy(async () => {
  const [{ JumpMenu: Menu }, { keyTargets }] = await Promise.all([
    import('./ui/JumpMenu.tsx'),
    import('./kv/jump-keys.ts'),
  ]);
  const sources = [...jumpSources, keyTargets];
  return () => <Menu sources={sources} />;
});
const HelpDialog = lazy(() => import('./ui/HelpDialog.tsx').then((module) => module.HelpDialog));
const DoorsDialog = lazy(() => import('./start/DoorsDialog.tsx').then((module) => module.DoorsDialog));
const ExportDialog = lazy(() => import('./export/ExportDialog.tsx').then((module) => module.ExportDialog));
const ImportDialog = lazy(() => import('./import/ImportDialog.tsx').then((module) => module.ImportDialog));
const ConfirmDialog = lazy(() => import('./ui/ConfirmDialog.tsx').then((module) => module.ConfirmDialog));

/** Rows of this list are what the jump menu searches; a view may add its own. */
const jumpSources: readonly JumpSource[] = [objectTargets, viewTargets, databaseTargets];

export function App() {
  useShellKeys();
  // What is typed right after `/` must find its field: the menu is there before it is asked for.
  useEffect(() => whenIdle(JumpMenu.preload), []);
  const { view: id, db } = route.value;
  const wanted = viewOf(id);
  const view = wanted?.needsDatabase && db === null ? viewOf('home') : wanted;
  useEffect(() => {
    const parts = [route.value.params.table, view?.name, db ?? undefined, 'hoody-sqlite'];
    document.title = parts.filter((part) => part !== undefined && part !== '').join(' - ');
  }, [formatRoute(route.value)]);
  const withSidebar = !isPhone.value && db !== null && sidebarOpen.value;
  return (
    <div class={`app${withSidebar ? ' has-sidebar' : ''}`} data-environment={environmentOf(db)}>
      <button type="button" class="skip-link" onClick={() => document.getElementById('main')?.focus()}>
        Skip to the content
      </button>
      <TopBar />
      <ConnectionBanner />
      {withSidebar && <Sidebar />}
      {!isPhone.value && db !== null && (
        <div class="document-place">
          <DocumentStrip />
        </div>
      )}
      <main id="main" class="main" tabIndex={-1}>
        {view !== undefined && <LazyView key={view.id} view={view} />}
      </main>
      {isPhone.value ? db !== null && <BottomBar /> : <StatusBar />}
      {jumpMenuOpen.value && <JumpMenu />}
      {helpOpen.value && <HelpDialog />}
      {usedDatabase.value !== null && <DoorsDialog {...usedDatabase.value} />}
      {exportWanted.value !== null && <ExportDialog />}
      {importWanted.value !== null && <ImportDialog />}
      {openQuestion.value !== null && <ConfirmDialog />}
      <Toasts />
      <LiveRegion />
    </div>
  );
}

function useGo(id: BindingId, view: ViewId): void {
  useKey(id, () => {
    if (view !== 'home' && database.peek() === null) return false;
    if (view === 'home') navigate({ view, db: null });
    else if (view !== route.peek().view) navigate({ view, params: lastUsed(view)?.params ?? {} });
  });
}

function useShellKeys(): void {
  useKey('jump', openJumpMenu);
  useKey('help', openHelp);
  useKey('sidebar', () => {
    sidebarOpen.value = !sidebarOpen.value;
  });
  useKey('reload', () => {
    void loadOverview();
    void loadSchema();
    return false; // the view reads its own data again
  });
  useGo('go-home', 'home');
  useGo('go-tables', 'tables');
  useGo('go-sql', 'sql');
  useGo('go-keys', 'keys');
  useGo('go-locks', 'locks');
  useGo('go-live', 'live');
  useGo('go-structure', 'structure');
}

function objectTargets(): JumpTarget[] {
  const objects = schema.value?.objects ?? [];
  return objects.map(({ name, type, group }) => ({
    id: `object:${name}`,
    label: name,
    kind: group === 'user' ? type : group === 'kv' ? 'key-value table' : 'system table',
    href: linkToTable(group === 'kv' ? 'keys' : 'tables', name),
  }));
}

function viewTargets(): JumpTarget[] {
  return views
    .filter(({ needsDatabase }) => !needsDatabase || database.value !== null)
    .map(({ id, name }) => ({ id: `view:${id}`, label: name, kind: 'page', href: linkTo({ view: id, params: {} }) }));
}

function databaseTargets(): JumpTarget[] {
  return (overview.value?.databases ?? []).map(({ db }) => ({
    id: `database:${db}`,
    label: db,
    kind: 'database',
    href: linkTo({ view: 'tables', db, params: {} }),
  }));
}

function whenIdle(work: () => void): void {
  if ('requestIdleCallback' in window) window.requestIdleCallback(work);
  else setTimeout(work, 500);
}
