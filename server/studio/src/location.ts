// The route that the browser shows, as a signal.
import { signal } from '@preact/signals';
import { formatRoute, parseRoute, type Route, type ViewId } from './routes.ts';

export const route = signal<Route>(parseRoute(window.location.hash));

window.addEventListener('hashchange', () => {
  const next = parseRoute(window.location.hash);
  if (formatRoute(next) !== formatRoute(route.peek())) route.value = next;
});

/** Parts that stay away are kept: the database always, the parameters only within the same view. */
export interface Target {
  readonly view?: ViewId;
  readonly db?: string | null;
  readonly params?: Readonly<Record<string, string>>;
}

function routeTo({ view, db, params }: Target): Route {
  const now = route.value;
  return {
    view: view ?? now.view,
    db: db === undefined ? now.db : db,
    params: params ?? (view === undefined || view === now.view ? now.params : {}),
  };
}

/** For href: links work in a new tab, too. */
export function linkTo(target: Target): string {
  return formatRoute(routeTo(target));
}

/** With `replace` the browser's Back skips the present state: for every letter of a filter, say. */
export function navigate(target: Target, { replace = false } = {}): void {
  const hash = formatRoute(routeTo(target));
  if (hash === formatRoute(route.peek())) return;
  if (replace) window.history.replaceState(null, '', hash);
  else window.history.pushState(null, '', hash);
  // As after a reload: empty parameters are gone.
  route.value = parseRoute(hash);
}

/** Changes some parameters of the present view; an empty text removes one. */
export function setParams(changes: Readonly<Record<string, string>>, options?: { replace?: boolean }): void {
  navigate({ params: { ...route.peek().params, ...changes } }, options);
}

window.addEventListener('popstate', () => {
  route.value = parseRoute(window.location.hash);
});
