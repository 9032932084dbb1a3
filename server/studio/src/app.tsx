// The frame of the page: head, sidebar, the view of the route, bars, and the dialogs that any view may open.
import { useEffect } from 'preact/hooks';
import { environmentOf } from './environment.ts';
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
import { TopBar } from './shell/TopBar.tsx';
import { ConfirmDialog } from './ui/confirm.tsx';
import { HelpDialog, openHelp } from './ui/HelpDialog.tsx';
import { JumpMenu, type JumpSource, openJumpMenu } from './ui/JumpMenu.tsx';
import type { JumpTarget } from './ui/jump-targets.ts';
import { LiveRegion } from './ui/LiveRegion.tsx';
import { Toasts } from './ui/Toast.tsx';
import { viewOf, views } from './views.ts';

/** Rows of this list are what the jump menu searches; a view may add its own. */
const jumpSources: readonly JumpSource[] = [objectTargets, viewTargets, databaseTargets];

export function App() {
  useShellKeys();
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
      <main id="main" class="main" tabIndex={-1}>
        {view !== undefined && <LazyView key={view.id} view={view} />}
      </main>
      {isPhone.value ? db !== null && <BottomBar /> : <StatusBar />}
      <JumpMenu sources={jumpSources} />
      <HelpDialog />
      <ConfirmDialog />
      <Toasts />
      <LiveRegion />
    </div>
  );
}

function useGo(id: BindingId, view: ViewId): void {
  useKey(id, () => {
    if (view !== 'home' && database.peek() === null) return false;
    navigate({ view, ...(view === 'home' && { db: null }) });
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
    href: linkTo({ view: group === 'kv' ? 'keys' : 'tables', params: { table: name } }),
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
