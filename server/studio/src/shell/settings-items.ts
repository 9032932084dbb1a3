// What the menu of the page offers: theme, read-only switch, safe mode, colour of the database's bar; links to rarer
// views.
import { forgetToken, hasToken } from '../api/client.ts';
import { environmentColours, environmentOf, setEnvironment } from '../environment.ts';
import { keyText } from '../keys.ts';
import { navigate } from '../location.ts';
import { database, overview, readOnly, safeMode, schema } from '../session.ts';
import { type Theme, theme } from '../theme.ts';
import type { IconName } from '../ui/Icon.tsx';
import type { MenuItem } from '../ui/Menu.tsx';
import { openHelp, usedDatabase } from '../ui/open-dialogs.ts';
import { views } from '../views.ts';

const themes: readonly [Theme, string, IconName][] = [
  ['system', 'As the system', 'system'],
  ['light', 'Light', 'sun'],
  ['dark', 'Dark', 'moon'],
];

export function settingsItems(): MenuItem[] {
  return [...viewItems(), ...programItems(), ...themeItems(), ...safetyItems(), ...colourItems(), ...lastItems()];
}

function viewItems(): MenuItem[] {
  return views
    .filter(({ isTab, needsDatabase }) => !isTab && (!needsDatabase || database.value !== null))
    .map(({ id, name, icon, key }) => ({
      label: name,
      icon,
      ...(key !== null && { note: keyText(key) }),
      run: () => navigate({ view: id, ...(id === 'home' && { db: null }), params: {} }),
    }));
}

function programItems(): MenuItem[] {
  const db = database.value;
  // The list of databases may be older than the database.
  const path = schema.value?.path ?? overview.value?.databases.find((known) => known.db === db)?.path;
  if (db === null || path === undefined) return [];
  const run = () => {
    usedDatabase.value = { db, path };
  };
  return [{ label: 'Use from a program', icon: 'terminal', run }];
}

function themeItems(): MenuItem[] {
  return themes.map(([id, label, icon], index) => ({
    label,
    icon,
    startsGroup: index === 0,
    isChecked: theme.value === id,
    run: () => {
      theme.value = id;
    },
  }));
}

function safetyItems(): MenuItem[] {
  if (overview.value?.access !== 'full') return [];
  return [
    {
      label: 'Read only',
      startsGroup: true,
      isChecked: readOnly.value,
      run: () => {
        readOnly.value = !readOnly.value;
      },
    },
    {
      label: 'Safe mode: ask before risky writes',
      isChecked: safeMode.value,
      run: () => {
        safeMode.value = !safeMode.value;
      },
    },
  ];
}

function colourItems(): MenuItem[] {
  const db = database.value;
  if (db === null) return [];
  return environmentColours.map((colour, index) => ({
    label: colour === 'none' ? 'No colour bar' : `Colour bar: ${colour}`,
    startsGroup: index === 0,
    isChecked: environmentOf(db) === colour,
    run: () => setEnvironment(db, colour),
  }));
}

function lastItems(): MenuItem[] {
  const help: MenuItem = { label: 'Keys', icon: 'help', note: '?', startsGroup: true, run: openHelp };
  if (!hasToken()) return [help];
  const leave: MenuItem = {
    label: 'Forget the token',
    icon: 'lock',
    run: () => {
      forgetToken();
      window.location.reload();
    },
  };
  return [help, leave];
}
