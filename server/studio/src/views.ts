// The views of the page. A view is one row here and one folder; its code is loaded when it is first opened.
import type { ComponentType } from 'preact';
import type { BindingId } from './keys.ts';
import type { ViewId } from './routes.ts';
import type { IconName } from './ui/Icon.tsx';

export interface View {
  readonly id: ViewId;
  readonly name: string;
  readonly icon: IconName;
  readonly key: BindingId | null;
  /** Shown only when a database is open. */
  readonly needsDatabase: boolean;
  /** Place in the tabs at the top and, for the first four, in the bar at the bottom of a phone. */
  readonly isTab: boolean;
  readonly load: () => Promise<{ readonly default: ComponentType }>;
}

export const views: readonly View[] = [
  {
    id: 'home',
    name: 'Databases',
    icon: 'database',
    key: 'go-home',
    needsDatabase: false,
    isTab: false,
    load: () => import('./home/HomeView.tsx'),
  },
  {
    id: 'tables',
    name: 'Tables',
    icon: 'table',
    key: 'go-tables',
    needsDatabase: true,
    isTab: true,
    load: () => import('./tables/TablesView.tsx'),
  },
  {
    id: 'sql',
    name: 'SQL',
    icon: 'terminal',
    key: 'go-sql',
    needsDatabase: true,
    isTab: true,
    load: () => import('./sql/SqlView.tsx'),
  },
  {
    id: 'keys',
    name: 'Keys',
    icon: 'key',
    key: 'go-keys',
    needsDatabase: true,
    isTab: true,
    load: () => import('./kv/KeysView.tsx'),
  },
  {
    id: 'locks',
    name: 'Locks',
    icon: 'lock',
    key: 'go-locks',
    needsDatabase: true,
    isTab: true,
    load: () => import('./locks/LocksView.tsx'),
  },
  {
    id: 'live',
    name: 'Live',
    icon: 'pulse',
    key: 'go-live',
    needsDatabase: true,
    isTab: true,
    load: () => import('./live/LiveView.tsx'),
  },
  {
    id: 'past',
    name: 'Past',
    icon: 'history',
    key: null,
    needsDatabase: true,
    isTab: true,
    load: () => import('./past/PastView.tsx'),
  },
  {
    id: 'structure',
    name: 'Structure',
    icon: 'columns',
    key: 'go-structure',
    needsDatabase: true,
    isTab: false,
    load: () => import('./structure/StructureView.tsx'),
  },
  {
    id: 'shares',
    name: 'Share links',
    icon: 'share',
    key: null,
    needsDatabase: false,
    isTab: false,
    load: () => import('./share/SharesView.tsx'),
  },
];

export function viewOf(id: ViewId): View | undefined {
  return views.find((view) => view.id === id);
}
