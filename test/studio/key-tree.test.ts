// The tree of keys never hides a key: a level is complete or says that there is more.
import { expect, test } from 'vitest';
import type { StudioKeyEntry } from '../../server/messages/studio/keys.ts';
import {
  closed,
  emptyTree,
  guessDelimiter,
  opened,
  prefixesOf,
  shownLevels,
  treeRows,
  withFailure,
  withLoading,
  withPage,
} from '../../server/studio/src/kv/tree.ts';

const key = (name: string): StudioKeyEntry => ({
  kind: 'key',
  key: name,
  type: 'json',
  bytes: 2,
  expires: null,
  modified: '2026-11-28T10:00:00Z',
});
const prefix = (name: string, keys: number, more = false): StudioKeyEntry => ({
  kind: 'prefix',
  prefix: name,
  keys,
  more,
});
const kinds = (tree: typeof emptyTree) => treeRows(tree).map(({ kind, depth }) => `${depth} ${kind}`);

test('rows follow the open prefixes, with labels that leave out what stands above', () => {
  let tree = withPage(emptyTree, '', { entries: [prefix('cfg/', 2), key('z')], next: null });
  expect(kinds(tree)).toEqual(['0 prefix', '0 key']);
  tree = opened(tree, 'cfg/');
  tree = withPage(tree, 'cfg/', { entries: [key('cfg/limits'), key('cfg/theme')], next: null });
  expect(treeRows(tree).map((row) => ('label' in row ? row.label : row.kind))).toEqual([
    'cfg/',
    'limits',
    'theme',
    'z',
  ]);
  expect(shownLevels(tree)).toEqual(['', 'cfg/']);
  expect(kinds(closed(tree, 'cfg/'))).toEqual(['0 prefix', '0 key']);
});

test('an incomplete level ends in a row that says so, until its last page has come', () => {
  let tree = withPage(emptyTree, '', { entries: [key('a')], next: 'a' });
  expect(treeRows(tree).at(-1)).toMatchObject({ kind: 'more', shown: 1, after: 'a' });
  tree = withLoading(tree, '');
  expect(kinds(tree)).toEqual(['0 key', '0 loading']);
  tree = withPage(tree, '', { entries: [key('b')], next: null }, 'a');
  expect(kinds(tree)).toEqual(['0 key', '0 key']);
});

test('a level that could not be read says why, and keeps what it has', () => {
  let tree = withPage(emptyTree, '', { entries: [key('a')], next: 'a' });
  tree = withFailure(tree, '', 'the server does not answer');
  expect(treeRows(tree).at(-1)).toMatchObject({ kind: 'failed', error: 'the server does not answer' });
  expect(kinds(withFailure(emptyTree, '', 'x'))).toEqual(['0 failed']);
});

test('a complete level that is read again keeps its rows meanwhile', () => {
  const tree = withPage(emptyTree, '', { entries: [key('a')], next: null });
  expect(kinds(withLoading(tree, ''))).toEqual(['0 key']);
  expect(kinds(withLoading(emptyTree, ''))).toEqual(['0 loading']);
});

test('the way to a key leads over each of its prefixes', () => {
  expect(prefixesOf('a/b/c', '/')).toEqual(['a/', 'a/b/']);
  expect(prefixesOf('a/b/', '/')).toEqual(['a/']);
  expect(prefixesOf('plain', '/')).toEqual([]);
  expect(prefixesOf('a/b', '')).toEqual([]);
});

test('keys that / does not split are split at what most of them have', () => {
  expect(guessDelimiter([prefix('a/', 1), key('b:c')])).toBe('/');
  expect(guessDelimiter([key('user:1'), key('user:2'), key('x')])).toBe(':');
  expect(guessDelimiter([key('app.name'), key('app.mode')])).toBe('.');
  expect(guessDelimiter([key('one'), key('two')])).toBe('/');
});
