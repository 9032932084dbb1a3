// A view and its address. The address lives behind the # of the URL, so that no log and no Referer of the server has
// the values of a filter or a statement. Pure: location.ts knows the browser.

export type ViewId = 'home' | 'tables' | 'sql' | 'keys' | 'locks' | 'live' | 'past' | 'structure' | 'shares';

const viewIds: readonly ViewId[] = ['home', 'tables', 'sql', 'keys', 'locks', 'live', 'past', 'structure', 'shares'];

export interface Route {
  readonly view: ViewId;
  readonly db: string | null;
  /** Whatever else the view needs, as text; each view reads and writes its own names. */
  readonly params: Readonly<Record<string, string>>;
}

/** `#/tables?db=app.db&table=users`; anything else is home. */
export function parseRoute(hash: string): Route {
  const [, name = '', query = ''] = /^#?\/([a-z]*)\??(.*)$/s.exec(hash) ?? [];
  const { db, ...params } = Object.fromEntries(new URLSearchParams(query));
  const view = viewIds.find((id) => id === name) ?? 'home';
  return { view, db: db || null, params };
}

/** The inverse. Empty parameters are left out. */
export function formatRoute({ view, db, params }: Route): string {
  const query = new URLSearchParams();
  if (db !== null) query.set('db', db);
  for (const [name, value] of Object.entries(params)) if (value !== '') query.set(name, value);
  const text = query.toString().replaceAll('%2F', '/').replaceAll('+', '%20');
  return text === '' ? `#/${view}` : `#/${view}?${text}`;
}

/** The token of `#share=TOKEN`, or null. */
export function shareToken(hash: string): string | null {
  return /^#share=([\w.~-]+)$/.exec(hash)?.[1] ?? null;
}
