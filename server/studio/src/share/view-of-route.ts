// What a share link of the present view would show, or null where a view cannot be shared. Pure.
import type { StudioObject } from '../../../messages/studio/schema.ts';
import type { StudioSharedView } from '../../../messages/studio/shares.ts';
import type { Route } from '../routes.ts';
import { parseQuery, selectionOf } from '../tables/table-query.ts';

/** `hidden`: columns of the table that its user has put away. */
export function viewOfRoute(
  { view, params }: Route,
  objects: readonly StudioObject[],
  hidden: ReadonlySet<string> = new Set(),
): StudioSharedView | null {
  if (view === 'tables') {
    const object = objects.find(({ name }) => name === params.table);
    if (object === undefined) return null;
    const shown = object.columns.map(({ name }) => name).filter((name) => !hidden.has(name));
    const isWhole = shown.length === object.columns.length || shown.length === 0;
    return {
      kind: 'table',
      ...selectionOf(object.name, object.columns, parseQuery(params)),
      ...(!isWhole && { columns: shown }),
    };
  }
  if (view === 'sql' && params.sql !== undefined) {
    const chart = params.tab === 'chart' ? (params.chart ?? 'guess') : undefined;
    return { kind: 'sql', sql: params.sql, ...(chart !== undefined && { chart }) };
  }
  if (view === 'keys' && params.key !== undefined) {
    return { kind: 'key', table: params.table ?? 'kv_store', key: params.key, history: false };
  }
  return null;
}

const mostTitle = 80;

/** A first title: what the holder of the link reads above it. A comment above a query is its title. */
export function titleOf(view: StudioSharedView): string {
  if (view.kind === 'table') return view.table;
  if (view.kind === 'key') return view.key;
  return /^\s*--[ \t]*(\S.*)/.exec(view.sql)?.[1]?.trim().slice(0, mostTitle) ?? 'Result of a query';
}

/** In words, for the one who shares. */
export function describeView(view: StudioSharedView): string {
  switch (view.kind) {
    case 'table': {
      const filters = (view.filters?.length ?? 0) + (view.where === undefined ? 0 : 1);
      const columns = view.columns === undefined ? 'all columns' : `the columns ${view.columns.join(', ')}`;
      return `Rows of ${view.table}, ${columns}${filters > 0 ? ', only those that match the filters' : ''}.`;
    }
    case 'sql':
      return `What this query answers whenever the link is opened${view.chart === undefined ? '' : ', as a chart'}.`;
    case 'key':
      return `The value of ${view.key}${view.history ? ', and its earlier versions' : ', as it is when the link is opened'}.`;
    default:
      return view satisfies never;
  }
}
