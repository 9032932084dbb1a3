// The tree of keys: which levels the server has sent, which are open, and the rows to draw. Pure. A level is complete,
// or has a row `more`: no key can be missing without a sign of it.
import type { StudioKeyEntry, StudioKeys } from '../../../messages/studio/keys.ts';

export interface Level {
  readonly entries: readonly StudioKeyEntry[];
  /** Where the next page begins; null when the level is complete. */
  readonly next: string | null;
  readonly state: 'loading' | 'ready' | 'failed';
  readonly error?: string;
}

export interface KeyTree {
  /** By prefix; the root's is ''. */
  readonly levels: ReadonlyMap<string, Level>;
  readonly open: ReadonlySet<string>;
}

export type KeyEntry = Extract<StudioKeyEntry, { kind: 'key' }>;

/** `depth` counts from 0. `level` is the prefix of the level that a row belongs to. */
export type TreeRow = { readonly id: string; readonly level: string; readonly depth: number } & (
  | {
      readonly kind: 'prefix';
      readonly prefix: string;
      readonly label: string;
      readonly open: boolean;
      readonly keys: number;
      readonly more: boolean;
    }
  | { readonly kind: 'key'; readonly key: string; readonly label: string; readonly entry: KeyEntry }
  | { readonly kind: 'more'; readonly shown: number; readonly after: string }
  | { readonly kind: 'loading' }
  | { readonly kind: 'failed'; readonly error: string }
);

export const emptyTree: KeyTree = { levels: new Map(), open: new Set() };

const emptyLevel: Level = { entries: [], next: null, state: 'loading' };

export function withLoading(tree: KeyTree, prefix: string): KeyTree {
  const level = tree.levels.get(prefix) ?? emptyLevel;
  return withLevel(tree, prefix, { entries: level.entries, next: level.next, state: 'loading' });
}

/** `after`: the page continues the level; without it the page replaces what was there. */
export function withPage(tree: KeyTree, prefix: string, page: StudioKeys, after?: string): KeyTree {
  const before = after === undefined ? [] : (tree.levels.get(prefix)?.entries ?? []);
  return withLevel(tree, prefix, { entries: [...before, ...page.entries], next: page.next, state: 'ready' });
}

export function withFailure(tree: KeyTree, prefix: string, error: string): KeyTree {
  const level = tree.levels.get(prefix) ?? emptyLevel;
  return withLevel(tree, prefix, { entries: level.entries, next: level.next, state: 'failed', error });
}

export function opened(tree: KeyTree, prefix: string): KeyTree {
  return { ...tree, open: new Set([...tree.open, prefix]) };
}

export function closed(tree: KeyTree, prefix: string): KeyTree {
  return { ...tree, open: new Set([...tree.open].filter((other) => other !== prefix)) };
}

/** Open levels and the root: what has to be read again after a change. */
export function shownLevels(tree: KeyTree): string[] {
  return ['', ...[...tree.open].filter((prefix) => tree.levels.has(prefix))];
}

/** The prefixes on the way to a key: `a/b/c` has `a/` and `a/b/`. */
export function prefixesOf(key: string, delimiter: string): string[] {
  if (delimiter === '') return [];
  const prefixes: string[] = [];
  for (let at = key.indexOf(delimiter); at >= 0; at = key.indexOf(delimiter, at + delimiter.length)) {
    const prefix = key.slice(0, at + delimiter.length);
    if (prefix.length < key.length) prefixes.push(prefix);
  }
  return prefixes;
}

export function treeRows(tree: KeyTree): TreeRow[] {
  const rows: TreeRow[] = [];
  addLevel(tree, '', 0, rows);
  return rows;
}

/** The separator that most keys of a level have, where `/` splits none of them. */
export function guessDelimiter(entries: readonly StudioKeyEntry[]): string {
  if (entries.some(({ kind }) => kind === 'prefix')) return '/';
  const keys = entries.filter((entry): entry is KeyEntry => entry.kind === 'key');
  const having = (delimiter: string) => keys.filter(({ key }) => key.slice(1, -1).includes(delimiter)).length;
  return [':', '.'].find((delimiter) => having(delimiter) * 2 > keys.length) ?? '/';
}

function withLevel(tree: KeyTree, prefix: string, level: Level): KeyTree {
  return { ...tree, levels: new Map([...tree.levels, [prefix, level]]) };
}

function addLevel(tree: KeyTree, prefix: string, depth: number, rows: TreeRow[]): void {
  const level = tree.levels.get(prefix);
  if (level === undefined) return;
  const place = { level: prefix, depth };
  for (const entry of level.entries) {
    if (entry.kind === 'key') {
      const label = entry.key.slice(prefix.length);
      rows.push({ ...place, id: `key:${entry.key}`, kind: 'key', key: entry.key, label, entry });
      continue;
    }
    const open = tree.open.has(entry.prefix);
    const label = entry.prefix.slice(prefix.length);
    rows.push({ ...place, ...entry, id: `prefix:${entry.prefix}`, kind: 'prefix', label, open });
    if (open) addLevel(tree, entry.prefix, depth + 1, rows);
  }
  const shown = level.entries.length;
  if (level.state === 'failed') {
    rows.push({ ...place, id: `failed:${prefix}`, kind: 'failed', error: level.error ?? '' });
  } else if (level.state === 'loading' && (shown === 0 || level.next !== null)) {
    rows.push({ ...place, id: `loading:${prefix}`, kind: 'loading' });
  } else if (level.next !== null) {
    rows.push({ ...place, id: `more:${prefix}`, kind: 'more', shown, after: level.next });
  }
}
