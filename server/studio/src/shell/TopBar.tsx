// The head of the page: the open database, the views, the jump menu, settings.

import { lastUsed } from '../documents/addresses.ts';
import { tip } from '../keys.ts';
import { isPhone, sidebarOpen } from '../layout.ts';
import { linkTo, navigate, route } from '../location.ts';
import { database, overview } from '../session.ts';
import { ShareButton } from '../share/ShareButton.tsx';
import { badges } from '../status.ts';
import { Icon } from '../ui/Icon.tsx';
import { KeyText } from '../ui/KeyText.tsx';
import { lazy } from '../ui/lazy.tsx';
import { Menu } from '../ui/Menu.tsx';
import { openJumpMenu } from '../ui/open-dialogs.ts';
import { type View, views } from '../views.ts';

/** Under this bar, or within it on a phone. */
export const DocumentStrip = lazy(() =>
  import('../documents/DocumentStrip.tsx').then((module) => module.DocumentStrip),
);
const SettingsMenu = lazy(() => import('./SettingsMenu.tsx').then((module) => module.SettingsMenu));

export function TopBar() {
  return (
    <header class="top-bar">
      {!isPhone.value && database.value !== null && (
        <button
          type="button"
          class="icon-button"
          aria-label="Sidebar"
          aria-expanded={sidebarOpen.value}
          title={tip('Show or hide the sidebar', 'sidebar')}
          onClick={() => {
            sidebarOpen.value = !sidebarOpen.value;
          }}
        >
          <Icon name="panel" />
        </button>
      )}
      <DatabaseMenu />
      {!isPhone.value && database.value !== null && <ViewTabs />}
      <button
        type="button"
        class="jump-button"
        title={tip('Jump to a table, view or page', 'jump')}
        onClick={openJumpMenu}
      >
        <Icon name="search" size={16} />
        <span class="jump-button-text">Jump to table, key, view</span>
        <KeyText keys="/" />
      </button>
      {isPhone.value && database.value !== null && <DocumentStrip />}
      <ShareButton />
      <span class="settings-place">
        <SettingsMenu />
      </span>
    </header>
  );
}

function DatabaseMenu() {
  const databases = overview.value?.databases ?? [];
  const current = database.value;
  return (
    <Menu
      label={`${current ?? 'hoody-sqlite'}: choose a database`}
      title={databases.find(({ db }) => db === current)?.path ?? 'Choose a database'}
      buttonClass="database-button"
      items={[
        ...databases.slice(0, 200).map(({ db }) => ({
          label: db,
          isChecked: db === current,
          run: () => navigate({ view: 'tables', db, params: {} }),
        })),
        {
          label: 'All databases',
          icon: 'database' as const,
          startsGroup: true,
          run: () => navigate({ view: 'home', db: null, params: {} }),
        },
      ]}
    >
      <Icon name="database" />
      <span class="database-name">{current ?? 'hoody-sqlite'}</span>
      <Icon name="chevronDown" size={14} />
    </Menu>
  );
}

function ViewTabs() {
  return (
    <nav class="view-tabs" aria-label="Views">
      {views
        .filter(({ isTab }) => isTab)
        .map((view) => (
          <ViewLink key={view.id} view={view} />
        ))}
    </nav>
  );
}

export function ViewLink({ view }: { readonly view: View }) {
  const isCurrent = route.value.view === view.id;
  const count = badges.value[view.id] ?? 0;
  return (
    <a
      class="view-tab"
      href={linkTo(isCurrent ? { view: view.id } : { view: view.id, params: lastUsed(view.id)?.params ?? {} })}
      aria-current={isCurrent ? 'page' : undefined}
      title={view.key === null ? view.name : tip(view.name, view.key)}
    >
      <Icon name={view.icon} size={18} />
      <span>{view.name}</span>
      {count > 0 && <span class="badge">{count}</span>}
    </a>
  );
}
